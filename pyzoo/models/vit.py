"""Vision transformers (Dosovitskiy et al., arXiv 2010.11929; Ti and S: Touvron et al., arXiv 2012.12877)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pyzoo.errors import InputError
from pyzoo.ops import vit as ops


@dataclass(frozen=True)
class ViTConfig:
    """Raises InputError unless the patch divides the sides, the heads divide the width, and all sizes are positive."""

    width: int
    """size of a token"""
    depth: int
    """number of blocks"""
    heads: int
    """attention heads of a block"""
    patch: int = 16
    """side of a patch"""
    image: int = 224
    """side of the image"""
    channels: int = 3
    """channels of the image"""
    classes: int = 1000
    """classes to tell apart"""
    mlp: int = 4
    """hidden size of a block's perceptron, in widths"""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise InputError(f"a ViT's {name} must be at least 1, not {value}")
        if self.image % self.patch:
            raise InputError(f"a ViT's patch must divide the image, but {self.patch} doesn't divide {self.image}")
        if self.width % self.heads:
            raise InputError(f"a ViT's heads must divide the width, but {self.heads} don't divide {self.width}")

    @property
    def tokens(self) -> int:
        """Patches and the class token."""
        return (self.image // self.patch) ** 2 + 1


SIZES = {"Ti": (192, 12, 3), "S": (384, 12, 6), "B": (768, 12, 12), "L": (1024, 24, 16), "H": (1280, 32, 16)}
CONFIGS = {f"ViT-{size}/{patch}": ViTConfig(*SIZES[size], patch=patch) for size in SIZES for patch in (16, 14)}
EPS = 1e-6  # of every layer normalisation


class Norm(nn.Module):
    """Layer normalisation: (B,T,D) -> (B,T,D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return ops.norm(x=x, weight=self.weight, bias=self.bias, eps=EPS)


class Attention(nn.Module):
    """Multi-head self-attention: (B,T,D) -> (B,T,D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        qkv = ops.qkv(x=x, weight=self.qkv.weight, bias=self.qkv.bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in qkv.chunk(3, dim=-1))  # (B,H,T,d) each
        weights = ops.weights(scores=ops.scores(q=q, k=k))
        y = ops.mix(weights=weights, v=v).transpose(1, 2).flatten(2)
        return ops.proj(x=y, weight=self.proj.weight, bias=self.proj.bias)


class Block(nn.Module):
    """A pre-norm transformer block: (B,T,D) -> (B,T,D)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(config.width), Norm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.fc1 = nn.Linear(config.width, config.mlp * config.width)
        self.fc2 = nn.Linear(config.mlp * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = ops.add(x=x, y=self.attention(self.norm1(x)))
        y = ops.gelu(x=ops.fc1(x=self.norm2(x), weight=self.fc1.weight, bias=self.fc1.bias))
        return ops.add(x=x, y=ops.fc2(x=y, weight=self.fc2.weight, bias=self.fc2.bias))


class ViT(nn.Module):
    """x (B,C,H,W) -> logits (B,K)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.channels * config.patch**2, config.width)
        self.cls = nn.Parameter(torch.zeros(config.width))
        self.pos = nn.Parameter(torch.zeros(config.tokens, config.width))
        self.blocks = nn.Sequential(*(Block(config) for _ in range(config.depth)))
        self.norm = Norm(config.width)
        self.head = nn.Linear(config.width, config.classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.cls, std=0.02)
        nn.init.normal_(self.pos, std=0.5)  # about as large as an embedded patch: small images train faster so

    def forward(self, x: Tensor) -> Tensor:
        x = ops.patchify(x=x, patch=self.config.patch)
        x = ops.embed(x=x, weight=self.embed.weight, bias=self.embed.bias)
        x = ops.tokens(x=x, cls=self.cls, pos=self.pos)
        x = self.norm(self.blocks(x))
        return ops.head(x=x[:, 0], weight=self.head.weight, bias=self.head.bias)


def build(name: str) -> ViT:
    """The published network of that name, one of `CONFIGS`."""
    return ViT(CONFIGS[name])


def count_parameters(name: str) -> int:
    """The number of trainable parameters of the real module, made without memory for them."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(name).parameters())
