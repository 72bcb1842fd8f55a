"""A character model of Shakespeare's plays, or of a given text, with GPT: minGPT's chargpt."""

from pyzoo.models.gpt import GPT
from pyzoo.tasks import gpt
from pyzoo.tasks.gpt import Config
from pyzoo.tasks.text import TextTask

__all__ = ["Config", "load", "sample", "train"]


def build(config: Config) -> GPT:
    """The untrained model of a run."""
    return gpt.build(config.preset, len(config.vocabulary), False, config.fast_kernels, config.positions)


_TASK = TextTask("chargpt", Config, build, loss_of=gpt.loss_of, choices=gpt.CHOICES)
train, load, sample = _TASK.train, _TASK.load, _TASK.sample
