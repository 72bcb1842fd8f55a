"""What the tasks of GPT share: the sizes of their models."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pyzoo.errors import InputError
from pyzoo.models.gpt import CONFIGS, GPT, GPTConfig
from pyzoo.tasks.text import TextConfig

PRESETS = {  # width, depth, heads, context
    "laptop": (128, 4, 4, 64),
    "karpathy": (384, 6, 6, 256),
} | {name: (c.width, c.depth, c.heads, c.context) for name, c in CONFIGS.items()}

POSITIONS = ("learned", "rotary")
CHOICES = {"position_weight": ("--positions learned", "--positions rotary")}  # see `TextTask.choices`


@dataclass
class Config(TextConfig):
    """Settings of the text tasks of GPT."""

    steps: int = 1000
    lr: float = 2e-3
    preset: str = "laptop"
    """sizes of the model, one of `PRESETS`; the window is its context"""
    positions: str = field(default="learned", metadata={"later": True})
    """learned: a table that is trained; rotary: queries and keys are rotated by their positions"""
    fast_kernels: bool = field(default=False, metadata={"later": True})
    """attention as one kernel; on a GPU also a compiled model, with its products in bfloat16"""

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise InputError(f"--preset must be one of {', '.join(PRESETS)}, not {self.preset!r}")
        if self.positions not in POSITIONS:
            raise InputError(f"--positions must be {' or '.join(POSITIONS)}, not {self.positions!r}")
        self.window = PRESETS[self.preset][3]
        super().__post_init__()


def build(preset: str, vocab: int, published: bool, fast: bool, positions: str = "learned") -> GPT:
    """An untrained model for so many tokens: like GPT-2 if `published`, else like minGPT."""
    width, depth, heads, context = PRESETS[preset]
    return GPT(GPTConfig(
        vocab, context, width, depth, heads, tied=published, tanh=published, rotary=positions == "rotary", fast_kernels=fast,
    ))  # fmt: skip


def loss_of(model: GPT) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean cross-entropy of tokens (B,T) and the ones after each (B,T); with fast kernels on a GPU, compiled, with products in
    bfloat16, and as CUDA graphs: a loss and the gradients from it must not be used after the next one is asked for."""
    if not (model.config.fast_kernels and model.token_weight.is_cuda):
        return model.loss
    compiled = torch.compile(model.loss, dynamic=False, mode="reduce-overhead")

    def loss(tokens: Tensor, after: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()
        with torch.autocast("cuda", torch.bfloat16):
            return compiled(tokens, after)

    return loss
