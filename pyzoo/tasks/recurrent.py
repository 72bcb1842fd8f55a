"""What the character models with recurrent networks share."""

from dataclasses import dataclass

from pyzoo.models.recurrent import RecurrentConfig, RecurrentModel
from pyzoo.tasks.text import TextConfig, TextTask


@dataclass
class Config(TextConfig):
    """Settings of the recurrent tasks."""

    steps: int = 1500
    lr: float = 5e-3
    embed: int = 64
    """width of the embedding"""
    hidden: int = 256
    """width of the hidden state"""
    layers: int = 1
    """recurrent layers on top of each other"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("embed", "hidden", "layers")


def task(kind: str) -> TextTask:
    """The task of `rnn`, `lstm` or `gru`."""

    def build(config: Config) -> RecurrentModel:
        sizes = {"embed": config.embed, "hidden": config.hidden, "layers": config.layers}
        return RecurrentModel(RecurrentConfig(kind, len(config.vocabulary), **sizes))

    return TextTask(kind, Config, build)
