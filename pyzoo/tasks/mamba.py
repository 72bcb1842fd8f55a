"""A character model of Shakespeare's plays, or of a given text, with Mamba or Mamba-2."""

from dataclasses import dataclass, field

from pyzoo.errors import InputError
from pyzoo.models.mamba import Mamba, MambaConfig
from pyzoo.models.mamba2 import Mamba2, Mamba2Config
from pyzoo.tasks.text import TextConfig, TextTask

VARIANTS = ("mamba1", "mamba2")


@dataclass
class Config(TextConfig):
    """Settings of the Mamba task."""

    steps: int = 150
    lr: float = 5e-3
    variant: str = field(default="mamba1", metadata={"later": True})
    """mamba1, or mamba2 with one decay a head"""
    width: int = 96
    """width of the residual stream"""
    layers: int = 2
    """number of residual blocks"""
    state: int = 8
    """states for each inner channel"""
    fast_kernels: bool = field(default=False, metadata={"later": True})
    """whether a sequence's scan runs as one kernel"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("width", "layers", "state")
        if self.variant not in VARIANTS:
            raise InputError(f"--variant must be {' or '.join(VARIANTS)}, not {self.variant!r}")
        if self.fast_kernels and self.variant != "mamba1":
            raise InputError(f"--fast-kernels is for the scan of mamba1; {self.variant} has none")


def build(config: Config) -> Mamba:
    """The untrained model of a run."""
    sizes = {"vocab": len(config.vocabulary), "width": config.width, "layers": config.layers, "state": config.state}
    if config.variant == "mamba2":
        return Mamba2(Mamba2Config(**sizes))
    return Mamba(MambaConfig(**sizes, fast_kernels=config.fast_kernels))


_TASK = TextTask("mamba", Config, build)
train, load, sample = _TASK.train, _TASK.load, _TASK.sample
