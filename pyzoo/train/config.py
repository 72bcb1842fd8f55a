"""The settings that every training task has."""

import math
from dataclasses import dataclass

from pyzoo.errors import InputError


@dataclass
class TrainConfig:
    """A task's `Config` extends this with its own fields and defaults. Raises InputError on a setting out of range."""

    steps: int = 1000
    """optimizer steps"""
    lr: float = 1e-3
    """peak learning rate: reached after the warmup, then a cosine down to a hundredth of it"""
    seed: int = 0
    """seed of the initial parameters and of every batch"""
    batch: int = 64
    """examples a step"""
    warmup: float = 0.05
    """share of the steps over which the learning rate rises from zero"""
    weight_decay: float = 0.05
    """decoupled weight decay of parameters with two or more axes"""

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name} must be at least 1, not {getattr(self, name)}")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise InputError(f"--lr must be a positive number, not {self.lr}")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"--seed must be at least 0 and below 2**63, not {self.seed}")

    def lr_at(self, step: int) -> float:
        """The learning rate of step 0, 1, ..., steps - 1."""
        warmup = max(1, round(self.warmup * self.steps))
        if step < warmup:
            return self.lr * (step + 1) / warmup
        progress = (step - warmup) / max(1, self.steps - warmup)
        return self.lr * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)
