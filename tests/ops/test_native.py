"""Compiled C is run on all of its blocks, each once, by PyTorch's threads or by one."""

import ctypes

import pytest

from pyzoo.ops import native

NO_C = native.missing(native.SOURCE)
pytestmark = pytest.mark.skipif(NO_C is not None, reason=f"no compiler on this machine: {NO_C}")
COUNT = """
#include <stdint.h>
typedef struct { int64_t* done; } Problem;
int count(const Problem* p, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) __atomic_fetch_add(p->done + i, 1, __ATOMIC_RELAXED);
    return 0;
}
int fail(const Problem* p, int64_t first, int64_t end) { return first > 0; }
"""


class Problem(ctypes.Structure):
    _fields_ = [("done", ctypes.c_void_p)]


@pytest.fixture
def functions(tmp_path):
    source = tmp_path / "count.c"
    source.write_text(COUNT)
    return native.library(source)


def done(functions, shares: int) -> list[int]:
    counts = (ctypes.c_int64 * 10)()
    native.run(functions["count"], [Problem(ctypes.addressof(counts))] * shares, 10)
    return list(counts)


@pytest.mark.parametrize("shares", [1, 2, 3, 16])
@pytest.mark.parametrize("team", [True, False])
def test_each_block_once(monkeypatch, functions, shares, team):
    if not team:
        monkeypatch.setattr(native, "_parallel", lambda: None)
    assert done(functions, shares) == [1] * 10


def test_a_lost_share_is_found(functions, found):
    lost = ("< w->shares;", "< w->shares - 1;")
    assert found(native, "SOURCE", *lost, native.library.cache_clear, lambda: done(functions, 3) == [1] * 10)


def test_a_failed_share_is_an_error(functions):
    with pytest.raises(MemoryError, match="fail found no memory"):
        native.run(functions["fail"], [Problem(None)] * 3, 10)
