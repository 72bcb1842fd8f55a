"""The image data sets, and what the CIFAR-10 reader refuses."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from pyzoo.data import cifar10, digits
from pyzoo.errors import InputError, MissingError

RECORDS = 20
NAMES = (*cifar10.TRAIN, cifar10.TEST)


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10, "RECORDS", RECORDS)


def batch(name: str) -> tuple[np.ndarray, list[int]]:
    """Pixels (N,3072) and labels of a made-up batch."""
    rng = np.random.default_rng(NAMES.index(name))
    return rng.integers(256, size=(RECORDS, 3072), dtype=np.uint8), rng.integers(10, size=RECORDS).tolist()


def write_binary(folder: Path) -> None:
    folder.mkdir()
    for name in NAMES:
        pixels, labels = batch(name)
        records = np.concatenate([np.array(labels, dtype=np.uint8)[:, None], pixels], axis=1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())


def python2_pickle(pixels: np.ndarray, labels: list[int]) -> bytes:
    """The bytes that Python 2's cPickle and numpy wrote, opcode by opcode, as in the published files."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + integer(0) + b"\x85" + text(b"b")
    dtype = b"cnumpy\ndtype\n" + text(b"u1") + integer(0) + integer(1) + b"\x87R"
    dtype += b"(" + integer(3) + text(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    shape = integer(pixels.shape[0]) + integer(pixels.shape[1]) + b"\x86"
    state = b"(" + integer(1) + shape + dtype + b"\x89" + text(pixels.tobytes()) + b"tb"
    items = text(b"data") + reconstruct + b"\x87R" + state
    items += text(b"labels") + b"](" + b"".join(map(integer, labels)) + b"e"
    return b"\x80\x02}(" + items + b"u."


def write_python(folder: Path) -> None:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(python2_pickle(*batch(name)))


def check(data: object) -> None:
    pixels, labels = batch("data_batch_2")
    assert data.x_train.shape == (5 * RECORDS, 3, 32, 32) and data.x_test.shape == (RECORDS, 3, 32, 32)
    assert torch.equal(data.x_train[RECORDS : 2 * RECORDS].flatten(1), torch.from_numpy(pixels))
    assert data.y_train[RECORDS : 2 * RECORDS].tolist() == labels and data.y_test.tolist() == batch("test_batch")[1]


def test_digits_are_split_once_and_whole() -> None:
    data, again = digits.load(), digits.load()
    assert data.x_train.shape == (1437, 1, 8, 8) and data.x_test.shape == (360, 1, 8, 8)
    assert torch.equal(data.x_test, again.x_test)
    scaled = data.scale(torch.cat([data.x_train, data.x_test]))
    assert scaled.min() == 0 and scaled.max() == 1 and set(data.y_train.tolist()) == set(range(10))
    standard = data.standardize(data.x_train)
    assert abs(standard.mean()) < 0.01 and abs(standard.std() - 1) < 0.01


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_binary_format(tmp_path: Path, inner: str) -> None:
    write_binary(tmp_path / (inner or "data"))
    check(cifar10.load(tmp_path if inner else tmp_path / "data"))


def test_python_format_as_published(tmp_path: Path) -> None:
    write_python(tmp_path / "cifar-10-batches-py")
    check(cifar10.load(tmp_path))


def test_python_format_written_by_todays_numpy(tmp_path: Path) -> None:
    for name in NAMES:
        pixels, labels = batch(name)
        (tmp_path / name).write_bytes(pickle.dumps({b"data": pixels, b"labels": labels}, protocol=4))
    check(cifar10.load(tmp_path))


class Malicious:
    """A pickle that writes a file when it is executed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_pickle_that_calls_something_is_refused_and_nothing_is_called(tmp_path: Path) -> None:
    write_python(tmp_path / "data")
    (tmp_path / "data" / "test_batch").write_bytes(pickle.dumps({"data": Malicious(tmp_path / "owned")}))
    with pytest.raises(InputError, match="test_batch: the file names .*was not called"):
        cifar10.load(tmp_path / "data")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["builtins.eval", "os.system", "numpy.load", "numpy.core.multiarray.fromfile"])
def test_any_other_name_is_refused(tmp_path: Path, name: str) -> None:
    write_python(tmp_path / "data")
    module, _, attribute = name.rpartition(".")
    (tmp_path / "data" / "data_batch_1").write_bytes(f"c{module}\n{attribute}\n(S'1'\ntR.".encode())
    with pytest.raises(InputError, match=name):
        cifar10.load(tmp_path / "data")


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw[:100],
        lambda raw: b"",
        lambda raw: pickle.dumps([1, 2]),
        lambda raw: pickle.dumps({"data": np.zeros((RECORDS, 3072)), "labels": [0] * RECORDS}),
        lambda raw: pickle.dumps({"data": np.zeros((RECORDS, 3071), np.uint8), "labels": [0] * RECORDS}),
        lambda raw: pickle.dumps({"data": np.zeros((RECORDS, 3072), np.uint8), "labels": [0] * (RECORDS - 1)}),
        lambda raw: pickle.dumps({"data": np.zeros((RECORDS, 3072), np.uint8), "labels": [10] * RECORDS}),
        lambda raw: pickle.dumps({"data": np.zeros((RECORDS, 3072), np.uint8), "labels": ["cat"] * RECORDS}),
    ],
)
def test_a_damaged_python_file_is_refused(tmp_path: Path, change) -> None:
    write_python(tmp_path / "data")
    path = tmp_path / "data" / "data_batch_3"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match="data_batch_3"):
        cifar10.load(tmp_path / "data")


def test_a_damaged_binary_file_is_refused(tmp_path: Path) -> None:
    write_binary(tmp_path / "data")
    path = tmp_path / "data" / "data_batch_5.bin"
    whole = path.read_bytes()
    cut = ((whole[:-1], "bytes"), (whole[:-3073], "bytes"), (b"", "bytes"))
    for damaged, why in (*cut, (b"\x0b" + whole[1:], "image 0 is 11")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=f"data_batch_5.bin.*{why}"):
            cifar10.load(tmp_path / "data")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no folder"):
        cifar10.load(tmp_path / "nowhere")
    with pytest.raises(MissingError, match="neither"):
        cifar10.load(tmp_path)
    write_binary(tmp_path / "data")
    (tmp_path / "data" / "data_batch_4.bin").unlink()
    with pytest.raises(MissingError, match=r"lacks data_batch_4\.bin"):
        cifar10.load(tmp_path / "data")
