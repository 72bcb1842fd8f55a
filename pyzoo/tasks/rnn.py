"""A character model of Shakespeare's plays, or of a given text, with an Elman network."""

from pyzoo.tasks.recurrent import Config, task

__all__ = ["Config", "load", "sample", "train"]

_TASK = task("rnn")
train, load, sample = _TASK.train, _TASK.load, _TASK.sample
