"""A model of Shakespeare's plays, or of a given text, in parts of words (BPE), with GPT-2's architecture or weights."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from pyzoo.data.codec import PARTS
from pyzoo.errors import InputError
from pyzoo.models.gpt import GPT, from_published
from pyzoo.tasks import gpt
from pyzoo.tasks.text import TextTask

__all__ = ["Config", "load", "sample", "train"]

SIZE = 512  # tokens that are learned from a text


@dataclass
class Config(gpt.Config):
    """Settings of the task of GPT-2 on parts of words."""

    vocab_file: str | None = None
    """GPT-2's vocab.json, in place of parts that are learned from the text"""
    merges_file: str | None = None
    """GPT-2's merges.txt, which belongs to it"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.vocab_file is None) != (self.merges_file is None):
            raise InputError("--vocab-file and --merges-file belong together: give both, or neither")


def vocabulary(config: Config) -> str:
    """The vocabulary of given files, or nothing."""
    return PARTS.read(Path(config.vocab_file), Path(config.merges_file)) if config.vocab_file else ""


def build(config: Config) -> GPT:
    """The untrained model of a run."""
    return gpt.build(config.preset, PARTS.count(config.vocabulary), True, config.fast_kernels, config.positions)


def foreign(path: Path, tensors: dict[str, Tensor]) -> Config:
    """The settings of a file of GPT-2's, from its shapes and the vocab.json and merges.txt beside it."""
    own = from_published(tensors)
    depth = sum(name.endswith("qkv_weight") for name in own)
    try:
        found = (own["token_weight"].shape[1], depth, own["position_weight"].shape[0])
    except KeyError:
        raise InputError(f"{path} does not say which model it belongs to, and has no tensors of GPT-2's names") from None
    for preset, (width, blocks, _, context) in gpt.PRESETS.items():
        if found == (width, blocks, context):
            files = {"vocab_file": str(path.parent / "vocab.json"), "merges_file": str(path.parent / "merges.txt")}
            config = Config(preset=preset, **files)
            config.vocabulary = vocabulary(config)
            return config
    raise InputError(f"{path}: no preset has the width {found[0]}, {found[1]} blocks and a context of {found[2]} tokens")


_TASK = TextTask("text_gpt2", Config, build, PARTS, vocabulary, SIZE, from_published, foreign, gpt.loss_of, gpt.CHOICES)
train, load, sample = _TASK.train, _TASK.load, _TASK.sample
