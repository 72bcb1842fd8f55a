"""A character model of Shakespeare's plays, or of a given text, with Mamba."""

from dataclasses import dataclass

from pyzoo.models.mamba import Mamba, MambaConfig
from pyzoo.tasks.text import TextConfig, TextTask


@dataclass
class Config(TextConfig):
    """Settings of the Mamba task."""

    steps: int = 150
    lr: float = 5e-3
    width: int = 96
    """width of the residual stream"""
    layers: int = 2
    """number of residual blocks"""
    state: int = 8
    """states for each inner channel"""
    fast_kernels: bool = False
    """whether a sequence's scan runs as one kernel"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("width", "layers", "state")


def build(config: Config) -> Mamba:
    """The untrained model of a run."""
    return Mamba(MambaConfig(len(config.vocabulary), width=config.width, layers=config.layers, state=config.state,
                             fast_kernels=config.fast_kernels))


_TASK = TextTask("mamba", Config, build)
train, load, sample = _TASK.train, _TASK.load, _TASK.sample
