"""CIFAR-10 from a folder, in the published binary or python format.

The python format is a pickle. It is read by an unpickler that knows no class but the two inert ones below, so a file
can build dictionaries, lists, numbers and bytes, and nothing else: none of its names is ever imported or called.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pyzoo.data import Images
from pyzoo.errors import InputError, MissingError

SIDE, CHANNELS = 32, 3
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORDS = 10_000  # images in each of the six files
PIXELS = CHANNELS * SIDE * SIDE
TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = "test_batch"


def load(folder: Path) -> Images:
    """Read the data set from `folder`, or from the folder inside it that the published archive unpacks to. Raises
    MissingError if files are missing, and InputError if one isn't whole."""
    home, suffix = _find(folder)
    read = _read_binary if suffix else _read_python
    parts = [read(home / f"{name}{suffix}") for name in (*TRAIN, TEST)]
    x, y = (torch.cat(tensors) for tensors in zip(*parts[:-1], strict=True))
    return Images(x, y, *parts[-1], white=255, mean=0.473, std=0.252, classes=CLASSES)


def _find(folder: Path) -> tuple[Path, str]:
    if not folder.is_dir():
        raise MissingError(f"there is no folder {folder}; unpack CIFAR-10 and name its folder")
    for home in (folder, folder / "cifar-10-batches-bin", folder / "cifar-10-batches-py"):
        for suffix in (".bin", ""):
            if (home / f"{TEST}{suffix}").is_file():
                missing = [f"{n}{suffix}" for n in TRAIN if not (home / f"{n}{suffix}").is_file()]
                if missing:
                    raise MissingError(f"{home} lacks {', '.join(missing)} of CIFAR-10; unpack the archive again")
                return home, suffix
    raise MissingError(f"{folder} has neither test_batch.bin nor test_batch; unpack CIFAR-10 and name its folder")


def _read_binary(path: Path) -> tuple[Tensor, Tensor]:
    """Records of a label byte and 3072 pixel bytes, channel by channel and row by row."""
    data = np.fromfile(path, dtype=np.uint8)
    if data.size != RECORDS * (1 + PIXELS):
        raise InputError(f"{path} has {data.size} bytes, not the {RECORDS * (1 + PIXELS)} of {RECORDS} images")
    records = data.reshape(RECORDS, 1 + PIXELS)
    return _tensors(path, records[:, 1:], records[:, 0])


def _read_python(path: Path) -> tuple[Tensor, Tensor]:
    """A dictionary with an array 'data' (N, 3072) of uint8 and a list 'labels' of N integers."""
    try:
        with open(path, "rb") as file:
            document = _InertUnpickler(file, encoding="bytes").load()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f"{path} is not a whole CIFAR-10 batch: {error!r}") from None
    fields = {_text(k): v for k, v in document.items()} if isinstance(document, dict) else {}
    data, labels = fields.get("data"), fields.get("labels")
    if not isinstance(data, _Array) or not isinstance(labels, list):
        raise InputError(f"{path}: fields 'data' (an array) and 'labels' (a list) are not both there")
    if len(labels) != RECORDS or not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise InputError(f"{path}: field 'labels' must be {RECORDS} integers from 0 to 9")
    try:
        pixels = data.pixels()
    except InputError as error:
        raise InputError(f"{path}: field 'data' {error}") from None
    return _tensors(path, pixels, np.array(labels, dtype=np.uint8))


def _tensors(path: Path, pixels: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    if labels.max() >= len(CLASSES):
        index = int(np.argmax(labels >= len(CLASSES)))
        raise InputError(f"{path}: the label of image {index} is {labels[index]}, not one of 0 to 9")
    x = torch.from_numpy(pixels.reshape(-1, CHANNELS, SIDE, SIDE).copy())
    return x, torch.from_numpy(labels.astype(np.int64))


def _text(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _DType:
    """What a pickle says of an array's element type; nothing is made of it."""

    def __init__(self, *arguments: Any) -> None:
        self.name = _text(arguments[0]) if arguments else None

    def __setstate__(self, state: Any) -> None:
        pass


class _Array:
    """What a pickle says of an array: (version, shape, dtype, Fortran order, bytes), kept as it is."""

    def __init__(self, *arguments: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def pixels(self) -> np.ndarray:
        """The array, if it is what a batch holds: (N, 3072) of uint8 in C order."""
        match self.state:
            case (_, (int(n), int(width)), _DType(name="u1"), fortran, bytes(raw)) if not fortran:
                if n == RECORDS and width == PIXELS and len(raw) == n * width:
                    return np.frombuffer(raw, dtype=np.uint8).reshape(n, width)
        raise InputError(f"must be an array of {RECORDS} x {PIXELS} unsigned bytes in C order")


class _InertUnpickler(pickle.Unpickler):
    """Builds plain data only."""

    def find_class(self, module: str, name: str) -> type:
        arrays = ("numpy.core.multiarray", "numpy._core.multiarray")
        if (module, name) == ("numpy", "ndarray") or (module in arrays and name == "_reconstruct"):
            return _Array
        if (module, name) == ("numpy", "dtype"):
            return _DType
        raise InputError(f"the file names {module}.{name}, which no CIFAR-10 batch does; it was not called")
