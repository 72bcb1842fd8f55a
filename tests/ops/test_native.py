"""Compiled C is run on all of its blocks, each once, by PyTorch's threads or by one."""

import ctypes

import pytest

from pyzoo.ops import native

pytestmark = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")
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


def test_what_is_missing_is_said_in_words(monkeypatch, tmp_path):
    assert native.missing(native.SOURCE) is None
    wrong = tmp_path / "wrong.c"
    wrong.write_text("int f() { return undeclared_name; }")
    said = native.missing(wrong)
    assert "failed" in said and "wrong.c:1" in said and "undeclared_name" in said
    monkeypatch.setenv("CC", "no-such-compiler")
    assert native.missing(wrong) == "the C compiler no-such-compiler is not installed"
