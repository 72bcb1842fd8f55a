"""What the tasks of GPT share: the sizes of their models."""

from dataclasses import dataclass

from pyzoo.errors import InputError
from pyzoo.models.gpt import CONFIGS, GPT, GPTConfig
from pyzoo.tasks.text import TextConfig

PRESETS = {  # width, depth, heads, context
    "laptop": (128, 4, 4, 64),
    "karpathy": (384, 6, 6, 256),
} | {name: (c.width, c.depth, c.heads, c.context) for name, c in CONFIGS.items()}


@dataclass
class Config(TextConfig):
    """Settings of the text tasks of GPT."""

    steps: int = 1000
    lr: float = 2e-3
    preset: str = "laptop"
    """sizes of the model, one of `PRESETS`; the window is its context"""

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise InputError(f"--preset must be one of {', '.join(PRESETS)}, not {self.preset!r}")
        self.window = PRESETS[self.preset][3]
        super().__post_init__()


def build(preset: str, vocab: int, published: bool) -> GPT:
    """An untrained model for so many tokens: like GPT-2 if `published`, else like minGPT."""
    width, depth, heads, context = PRESETS[preset]
    return GPT(GPTConfig(vocab, context, width, depth, heads, tied=published, tanh=published))
