"""Mamba-2, a language model of state spaces with one decay a head (Dao and Gu, arXiv 2405.21060).

Shapes: B sequences, L steps, D width, H heads of P channels, E = H P inner width, N state, K taps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pyzoo.errors import InputError
from pyzoo.models.mamba import Mamba, reset_step_sizes
from pyzoo.ops import mamba2 as ops


@dataclass(frozen=True)
class Mamba2Config:
    """Sizes of a Mamba-2 language model."""

    vocab: int
    """number of symbols"""
    width: int = 64
    """width D of the residual stream"""
    layers: int = 2
    """number of residual blocks"""
    expand: int = 2
    """inner width E as a multiple of the width"""
    head: int = 16
    """channels P of a head, which must divide the inner width"""
    state: int = 16
    """states N for each channel"""
    taps: int = 4
    """taps K of the causal convolution"""
    chunk: int = 64
    """steps of a sequence that are computed as one matrix"""
    eps: float = 1e-5
    """added to the mean square in the norms"""

    def __post_init__(self) -> None:
        if self.inner % self.head:
            raise InputError(f"the inner width {self.inner} must be a multiple of the head width {self.head}")

    @property
    def inner(self) -> int:
        """The inner width E."""
        return self.expand * self.width

    @property
    def heads(self) -> int:
        """The number of heads H."""
        return self.inner // self.head


class Mixer(nn.Module):
    """The mixer of heads with scalar decays; (B, L, D) -> (B, L, D)."""

    def __init__(self, config: Mamba2Config) -> None:
        super().__init__()
        self.config = config
        D, E, H, N, K = config.width, config.inner, config.heads, config.state, config.taps
        self.in_proj = nn.Parameter(torch.empty(2 * E + 2 * N + H, D))
        self.conv_weight = nn.Parameter(torch.empty(E + 2 * N, K))
        self.conv_bias = nn.Parameter(torch.empty(E + 2 * N))
        self.dt_bias = nn.Parameter(torch.empty(H))
        self.a_log = nn.Parameter(torch.empty(H))
        self.d = nn.Parameter(torch.ones(H))
        self.norm_weight = nn.Parameter(torch.ones(E))
        self.out_proj = nn.Parameter(torch.empty(D, E))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The authors' initialization: -A uniform in [1, 16], Δ log-uniform in [0.001, 0.1]."""
        for weight in (self.in_proj, self.out_proj, self.conv_weight):
            nn.init.uniform_(weight, -weight.shape[1] ** -0.5, weight.shape[1] ** -0.5)
        nn.init.uniform_(self.conv_bias, -self.conv_weight.shape[1] ** -0.5, self.conv_weight.shape[1] ** -0.5)
        with torch.no_grad():
            self.a_log.copy_(torch.log(torch.empty_like(self.a_log).uniform_(1, 16)))
        reset_step_sizes(self.dt_bias)

    def forward(self, x: Tensor) -> Tensor:
        return ops.mixer(x=x, eps=self.config.eps, chunk=self.config.chunk, **dict(self.named_parameters()))

    def start(self, batch: int) -> tuple[Tensor, Tensor]:
        """The memory of a stream before its first step: a window (B, E + 2N, K-1) and states (B, H, P, N)."""
        c, like = self.config, self.in_proj
        return (like.new_zeros(batch, c.inner + 2 * c.state, c.taps - 1),
                like.new_zeros(batch, c.heads, c.head, c.state))  # fmt: skip

    def step(self, x: Tensor, conv_state: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of a stream; see `pyzoo.ops.mamba2.step`."""
        return ops.step(x=x, conv_state=conv_state, h=h, eps=self.config.eps, **dict(self.named_parameters()))


class Mamba2(Mamba):
    """Mamba's stack of blocks with Mamba-2's mixers; tokens (B, L) -> logits (B, L, V)."""

    ops, mixer = ops, Mixer
