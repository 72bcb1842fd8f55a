"""Mamba, a language model of selective state spaces (Gu and Dao, arXiv 2312.00752).

Shapes: B sequences, L steps, D width, E inner width, N state, R rank of the step sizes, K taps, V vocabulary.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.ops import mamba as ops


@dataclass(frozen=True)
class MambaConfig:
    """Sizes of a Mamba language model."""

    vocab: int
    """number of symbols"""
    width: int = 64
    """width D of the residual stream"""
    layers: int = 2
    """number of residual blocks"""
    expand: int = 2
    """inner width E as a multiple of the width"""
    state: int = 16
    """states N for each inner channel"""
    taps: int = 4
    """taps K of the causal convolution"""
    eps: float = 1e-5
    """added to the mean square in the norms"""
    fast_kernels: bool = False
    """whether a sequence's scan, and what a step of a stream does between its projections, run as one kernel"""

    @property
    def inner(self) -> int:
        """The inner width E."""
        return self.expand * self.width

    @property
    def rank(self) -> int:
        """The rank R of the step sizes, D/16 rounded up."""
        return math.ceil(self.width / 16)


class RMSNorm(nn.Module):
    """Root mean square normalization of the last axis."""

    def __init__(self, width: int, eps: float, norm: Callable[..., Tensor] = ops.norm) -> None:
        super().__init__()
        self.weight, self.eps, self.norm = nn.Parameter(torch.ones(width)), eps, norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x=x, weight=self.weight, eps=self.eps)


class Mixer(nn.Module):
    """The selective state space mixer; (B, L, D) -> (B, L, D)."""

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        D, E, N, R, K = config.width, config.inner, config.state, config.rank, config.taps
        self.in_proj = nn.Parameter(torch.empty(2 * E, D))
        self.conv_weight = nn.Parameter(torch.empty(E, K))
        self.conv_bias = nn.Parameter(torch.empty(E))
        self.x_proj = nn.Parameter(torch.empty(R + 2 * N, E))
        self.dt_weight = nn.Parameter(torch.empty(E, R))
        self.dt_bias = nn.Parameter(torch.empty(E))
        self.a_log = nn.Parameter(torch.log(torch.arange(1, N + 1, dtype=torch.float32)).repeat(E, 1))
        self.d = nn.Parameter(torch.ones(E))
        self.out_proj = nn.Parameter(torch.empty(D, E))
        self.config = config
        self.mixer, self.one_step = (ops.fast_mixer, ops.fast_step) if config.fast_kernels else (ops.mixer, ops.step)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The authors' initialization: Δ starts log-uniform in [0.001, 0.1]."""
        for weight in (self.in_proj, self.x_proj, self.out_proj, self.conv_weight):
            nn.init.uniform_(weight, -weight.shape[1] ** -0.5, weight.shape[1] ** -0.5)
        nn.init.uniform_(self.conv_bias, -self.conv_weight.shape[1] ** -0.5, self.conv_weight.shape[1] ** -0.5)
        nn.init.uniform_(self.dt_weight, -self.dt_weight.shape[1] ** -0.5, self.dt_weight.shape[1] ** -0.5)
        reset_step_sizes(self.dt_bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.mixer(x=x, **dict(self.named_parameters()))

    def start(self, batch: int) -> tuple[Tensor, Tensor]:
        """The memory of a stream before its first step: a window (B, E, K-1) and states (B, E, N)."""
        c, like = self.config, self.in_proj
        return like.new_zeros(batch, c.inner, c.taps - 1), like.new_zeros(batch, c.inner, c.state)

    def step(self, x: Tensor, conv_state: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of a stream; see `pyzoo.ops.mamba.step`."""
        return self.one_step(x=x, conv_state=conv_state, h=h, **dict(self.named_parameters()))


def reset_step_sizes(bias: Tensor) -> None:
    """Let the step sizes softplus(bias) be log-uniform in [0.001, 0.1], as the authors start."""
    with torch.no_grad():
        delta = torch.exp(torch.empty_like(bias).uniform_(math.log(1e-3), math.log(1e-1)))
        bias.copy_(delta + torch.log(-torch.expm1(-delta)))  # softplus's inverse


class Mamba(nn.Module):
    """Embedding, pre-norm residual mixers, norm, and a head tied to the embedding; tokens (B, L) -> logits (B, L, V)."""

    ops, mixer = ops, Mixer

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.randn(config.vocab, config.width) * 0.02)
        norm = ops.fast_norm if getattr(config, "fast_kernels", False) else self.ops.norm
        self.norms = nn.ModuleList(RMSNorm(config.width, config.eps, norm) for _ in range(config.layers))
        self.mixers = nn.ModuleList(self.mixer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.eps, norm)

    def forward(self, tokens: Tensor) -> Tensor:
        x = F.embedding(tokens, self.embedding)
        for norm, mixer in zip(self.norms, self.mixers, strict=True):
            x = x + mixer(norm(x))
        return self.ops.head(x=self.norm(x), weight=self.embedding)

    def start(self, batch: int) -> list[tuple[Tensor, Tensor]]:
        """The memory of a stream before its first token, for each layer."""
        return [mixer.start(batch) for mixer in self.mixers]

    def step(self, tokens: Tensor, memory: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """One token of each stream: tokens (B) and the memory -> logits (B, V) and the new memory."""
        x, after = F.embedding(tokens, self.embedding), []
        for norm, mixer, (window, h) in zip(self.norms, self.mixers, memory, strict=True):
            y, window, h = mixer.step(norm(x), window, h)
            x = x + y
            after.append((window, h))
        return self.ops.head(x=self.norm(x), weight=self.embedding), after
