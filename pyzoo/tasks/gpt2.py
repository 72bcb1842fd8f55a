"""A model of the bytes of Shakespeare's plays, or of a given text, with GPT-2's architecture."""

from pyzoo.data.codec import BYTES
from pyzoo.models.gpt import GPT, from_published
from pyzoo.tasks import gpt
from pyzoo.tasks.gpt import Config
from pyzoo.tasks.text import TextTask

__all__ = ["Config", "load", "sample", "train"]


def build(config: Config) -> GPT:
    """The untrained model of a run."""
    return gpt.build(config.preset, BYTES.count(config.vocabulary), True, config.fast_kernels, config.positions)


_TASK = TextTask("gpt2", Config, build, BYTES, translate=from_published, loss_of=gpt.loss_of, choices=gpt.CHOICES)
train, load, sample = _TASK.train, _TASK.load, _TASK.sample
