"""GPT: a decoder-only transformer (Radford et al., "Language Models are Unsupervised Multitask Learners").

Shapes: B texts, P tokens before, T tokens now, D width, H heads, d = D / H, V vocabulary, C positions.
"""

import math
import re
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.errors import InputError
from pyzoo.ops import gpt as ops
from pyzoo.ops.cross_entropy import head_loss
from pyzoo.ops.gpt import Cache

EPS = 1e-5  # of every layer normalisation


@dataclass(frozen=True)
class GPTConfig:
    """Raises InputError unless all sizes are positive, the heads divide the width, and heads that are rotated have an even
    width."""

    vocab: int
    """number of tokens"""
    context: int
    """the most tokens that the model sees at once"""
    width: int
    """size of an embedded token"""
    depth: int
    """number of blocks"""
    heads: int
    """attention heads of a block"""
    tied: bool = False
    """whether the head is the embedding of the tokens, as in GPT-2 and unlike minGPT"""
    tanh: bool = False
    """GELU by the hyperbolic tangent, as GPT-2's published weights need it, and not by the error function"""
    rotary: bool = False
    """whether each position rotates the queries and keys (Su et al., arXiv 2104.09864), in place of a table that is learned"""
    fast_kernels: bool = False
    """whether it trains compiled on a GPU, with products in bfloat16, and generates with attention and each norm as one kernel,
    as it always trains"""

    def __post_init__(self) -> None:
        for name in ("vocab", "context", "width", "depth", "heads"):
            if getattr(self, name) < 1:
                raise InputError(f"a GPT's {name} must be at least 1, not {getattr(self, name)}")
        if self.width % self.heads:
            raise InputError(f"a GPT's heads must divide the width, but {self.heads} don't divide {self.width}")
        if self.rotary and self.width // self.heads % 2:
            raise InputError(f"a GPT's rotary positions need heads of even width, not of {self.width // self.heads}")


CONFIGS = {
    name: GPTConfig(50257, 1024, width, depth, heads, tied=True, tanh=True)
    for name, width, depth, heads in (
        ("GPT-2", 768, 12, 12), ("GPT-2 medium", 1024, 24, 16), ("GPT-2 large", 1280, 36, 20), ("GPT-2 XL", 1600, 48, 25),
    )
}  # fmt: skip


class Block(nn.Module):
    """The weights of a pre-norm block, by the keywords of the spec point `gpt.block`."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        for name, rows, columns in (("qkv", 3 * width, width), ("proj", width, width),
                                    ("fc1", 4 * width, width), ("fc2", width, 4 * width)):  # fmt: skip
            std = 0.02 / math.sqrt(2 * depth) if name in ("proj", "fc2") else 0.02  # these end a residual branch
            setattr(self, f"{name}_weight", nn.Parameter(torch.randn(rows, columns) * std))
            setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(rows)))
        for name in ("norm1", "norm2"):
            setattr(self, f"{name}_weight", nn.Parameter(torch.ones(width)))
            setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(width)))


class GPT(nn.Module):
    """Tokens (B,T), and the cache of those before if there are any -> the logits (B,T,V) after each. Lean:
    `Spec.GPT.forward`."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.token_weight = nn.Parameter(torch.randn(config.vocab, config.width) * 0.02)
        if config.rotary:
            tables = ops.angles(context=config.context, pairs=config.width // config.heads // 2)
            for name, table in zip(("cosines", "sines"), tables, strict=True):
                self.register_buffer(name, table, persistent=False)
        else:
            self.position_weight = nn.Parameter(torch.randn(config.context, config.width) * 0.02)
        self.blocks = nn.ModuleList(Block(config.width, config.depth) for _ in range(config.depth))
        self.norm_weight = nn.Parameter(torch.ones(config.width))
        self.norm_bias = nn.Parameter(torch.zeros(config.width))
        if not config.tied:
            self.head_weight = nn.Parameter(torch.randn(config.vocab, config.width) * 0.02)

    def weights(self) -> dict[str, Tensor]:
        """All weights by name, the head and the tables of rotary positions among them."""
        return {"head_weight": self.token_weight} | dict(self.named_parameters()) | dict(self.named_buffers())

    def arguments(self) -> dict[str, Tensor | int | float]:
        """What the spec points of the whole network take beside the tokens."""
        c = self.config
        return {"heads": c.heads, "depth": c.depth, "eps": EPS, "tanh": int(c.tanh), **self.weights()}

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        return self.extend(tokens, self.start(len(tokens)) if cache is None else cache)[0]

    def start(self, batch: int) -> Cache:
        """The cache before the first token."""
        return ops.empty(batch, self.config.depth, self.config.heads, self.token_weight)

    def extend(self, tokens: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Tokens (B,T) after those of the cache -> the logits (B,T,V) after each, and the new cache."""
        c = self.config
        return ops.forward(tokens, cache, self.weights(), EPS, int(c.tanh), c.fast_kernels)

    def loss(self, tokens: Tensor, after: Tensor) -> Tensor:
        """The mean cross-entropy of tokens (B,T) and the ones after each (B,T)."""
        c, weights = self.config, self.weights()
        x, _ = ops.hidden(tokens, self.start(len(tokens)), weights, EPS, int(c.tanh), fast=True)
        if c.fast_kernels:
            return head_loss(x.flatten(0, 1), weights["head_weight"], after.flatten())
        return F.cross_entropy(ops.head(x=x, weight=weights["head_weight"]).flatten(0, 1), after.flatten())

    def step(self, tokens: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """One token of each text: tokens (B) and the cache -> logits (B,V) and the new cache."""
        logits, cache = self.extend(tokens[:, None], cache)
        return logits[:, 0], cache


def count_parameters(name: str) -> int:
    """The number of trainable parameters of the published network of that name, made without memory for them."""
    with torch.device("meta"):
        return sum(p.numel() for p in GPT(CONFIGS[name]).parameters())


PUBLISHED = {  # GPT-2's names of a block's tensors; it stores the matrices as (columns, rows)
    "ln_1": "norm1", "attn.c_attn": "qkv", "attn.c_proj": "proj", "ln_2": "norm2", "mlp.c_fc": "fc1", "mlp.c_proj": "fc2",
}  # fmt: skip


def from_published(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a GPT-2 file by this module's names; a file without GPT-2's names as it is. GPT-2's head is its
    embedding, and its masks are no parameters."""
    tensors = {name.removeprefix("transformer."): t for name, t in tensors.items()}
    if "wte.weight" not in tensors:
        return tensors
    names = {"wte.weight": "token_weight", "wpe.weight": "position_weight", "ln_f.weight": "norm_weight",
             "ln_f.bias": "norm_bias"}  # fmt: skip
    own = {}
    for name, tensor in tensors.items():
        if match := re.fullmatch(r"h\.(\d+)\.(.+)\.(weight|bias)", name):
            block, layer, kind = match.groups()
            if layer in PUBLISHED:
                transposed = tensor.dim() == 2 and kind == "weight"
                own[f"blocks.{block}.{PUBLISHED[layer]}_{kind}"] = tensor.T.contiguous() if transposed else tensor
            continue
        if name != "lm_head.weight":
            own[names.get(name, name)] = tensor
    return own
