"""The operations of Mamba-2's mixer, each a spec point (Dao and Gu, arXiv 2405.21060).

Shapes: B sequences, L steps, D width, H heads of P channels, E = H P inner width, N state, K taps of the convolution, J
chunks of Q steps. Lean: `Spec.Mamba2`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops import mamba  # noqa: F401, whose spec points are in POINTS
from pyzoo.ops.point import POINTS, SINGLE, spec_point

norm = spec_point("mamba2.norm")(POINTS["mamba.norm"])
conv = spec_point("mamba2.conv", SINGLE)(POINTS["mamba.conv"])
silu = spec_point("mamba2.silu")(POINTS["mamba.silu"])
out_proj = spec_point("mamba2.out_proj", SINGLE)(POINTS["mamba.out_proj"])
head = spec_point("mamba2.head", SINGLE)(POINTS["mamba.head"])


@spec_point("mamba2.in_proj", SINGLE)
def in_proj(*, x: Tensor, weight: Tensor) -> Tensor:
    """x (B, L, D), weight (2E + 2N + H, D) -> (B, L, 2E + 2N + H): the gate, then x, B and C, then the step sizes."""
    return F.linear(x, weight)


@spec_point("mamba2.dt")
def dt(*, x: Tensor, bias: Tensor) -> Tensor:
    """Step sizes `Δ = softplus(x + bias)`; x (B, L, H), bias (H)."""
    return F.softplus(x + bias, threshold=40)  # beyond the default of 20, fp64 would lose 25 bits


@spec_point("mamba2.decays")
def decays(*, g: Tensor) -> Tensor:
    """`exp(g_{j+1} + ... + g_i)` at row i and column j, 0 above the diagonal; g (B, J, H, Q), the logarithms of a chunk's
    decays -> (B, J, H, Q, Q)."""
    total, Q = g.cumsum(-1), g.shape[-1]
    later = torch.ones(Q, Q, dtype=torch.bool, device=g.device).triu(1)
    return torch.exp((total[..., :, None] - total[..., None, :]).masked_fill(later, -torch.inf))


@spec_point("mamba2.starts")
def starts(*, g: Tensor, v: Tensor, b: Tensor) -> Tensor:
    """The states before each chunk; g (B, J, H, Q), v (B, J, Q, H, P), which is Δ x, b (B, J, Q, N) -> (B, J, H, P, N)."""
    total = g.cumsum(-1)
    whole, left = torch.exp(total[..., -1, None, None]), torch.exp(total[..., -1:] - total)
    added = v.permute(0, 1, 3, 4, 2) @ (b[:, :, None] * left[..., None])  # (B, J, H, P, N)
    h = [torch.zeros_like(added[:, 0])]
    for whole_j, added_j in zip(whole[:, :-1].unbind(1), added[:, :-1].unbind(1), strict=True):
        h.append(whole_j * h[-1] + added_j)
    return torch.stack(h, 1)


@spec_point("mamba2.ssd")
def ssd(*, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, chunk: int) -> Tensor:
    """The state space on a sequence from the zero state, in chunks; x (B, L, H, P), dt (B, L, H), a, d (H), b, c (B, L, N)
    -> (B, L, H, P). Lean: `Spec.Mamba2.chunked`; `Spec.Ssd.chunked_eq_recurrent` says why chunks give what steps give."""
    L = x.shape[1]

    def cut(t: Tensor) -> Tensor:  # (B, L, ...) -> (B, J, Q, ...)
        return F.pad(t, (0, 0) * (t.dim() - 2) + (0, -L % chunk)).unflatten(1, (-1, chunk))

    v, b, c, g = cut(x * dt[..., None]), cut(b), cut(c), cut(dt * a).transpose(2, 3)
    h = starts(g=g, v=v, b=b)
    weights = (c @ b.mT)[:, :, None] * decays(g=g)  # (B, J, H, Q, Q)
    before = (c[:, :, None] @ h.mT) * torch.exp(g.cumsum(-1))[..., None]  # (B, J, H, Q, P)
    y = weights @ v.transpose(2, 3) + before
    return y.transpose(2, 3).flatten(1, 2)[:, :L] + d[:, None] * x


@spec_point("mamba2.ssd_step")
def ssd_step(*, h: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """One step of the recurrence `h ↦ exp(Δ A) h + Δ x Bᵀ`, `y = h C + D x`; h (B, H, P, N), x (B, H, P), dt (B, H), a, d (H),
    b, c (B, N) -> y (B, H, P) and the new h."""
    h = torch.exp(dt * a)[..., None, None] * h + (x * dt[..., None])[..., None] * b[:, None, None]
    return (h @ c[:, None, :, None])[..., 0] + d[:, None] * x, h


@spec_point("mamba2.gated_norm")
def gated_norm(*, y: Tensor, z: Tensor, weight: Tensor, eps: float) -> Tensor:
    """The root mean square norm of `y silu(z)` along the last axis; y, z (..., E), weight (E)."""
    return POINTS["mamba.norm"](x=y * F.silu(z), weight=weight, eps=eps)


@spec_point("mamba2.mixer")
def mixer(*, x: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor, dt_bias: Tensor, a_log: Tensor, d: Tensor,
          norm_weight: Tensor, out_proj: Tensor, eps: float, chunk: int) -> Tensor:
    """The whole mixer on a sequence from the zero state; x (B, L, D) -> (B, L, D). Lean: `Spec.Mamba2.mixer`."""
    z, u, raw = _project(x, in_proj, len(conv_weight), len(d))
    x, b, c = _heads(silu(x=conv(x=u, weight=conv_weight, bias=conv_bias)), len(d), z.shape[-1])
    y = ssd(x=x, dt=dt(x=raw, bias=dt_bias), a=-torch.exp(a_log), b=b, c=c, d=d, chunk=chunk)
    return OPS["out_proj"](x=gated_norm(y=y.flatten(2), z=z, weight=norm_weight, eps=eps), weight=out_proj)


@spec_point("mamba2.step")
def step(*, x: Tensor, conv_state: Tensor, h: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor,
         dt_bias: Tensor, a_log: Tensor, d: Tensor, norm_weight: Tensor, out_proj: Tensor,
         eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """One step of a stream; x (B, D), conv_state (B, E + 2N, K-1) oldest first, h (B, H, P, N) -> output (B, D) and the new
    states. Lean: `Spec.Mamba2.step`, which `Spec.Mamba2.run_eq_recurrentMixer` ties to the sequence."""
    z, u, raw = _project(x[:, None], in_proj, len(conv_weight), len(d))
    window = torch.cat((conv_state, u.transpose(1, 2)), -1)  # (B, E + 2N, K)
    x, b, c = _heads(silu(x=((window * conv_weight).sum(-1) + conv_bias)[:, None]), len(d), z.shape[-1])
    y, h = ssd_step(h=h, x=x[:, 0], dt=dt(x=raw, bias=dt_bias)[:, 0], a=-torch.exp(a_log), b=b[:, 0], c=c[:, 0], d=d)
    y = gated_norm(y=y.flatten(1)[:, None], z=z, weight=norm_weight, eps=eps)
    return OPS["out_proj"](x=y, weight=out_proj)[:, 0], window[..., 1:], h


def _project(x: Tensor, weight: Tensor, channels: int, heads: int) -> tuple[Tensor, ...]:
    """The gate (B, L, E), the convolution's channels (B, L, E + 2N) and the raw step sizes (B, L, H) of x (B, L, D)."""
    return OPS["in_proj"](x=x, weight=weight).split((len(weight) - channels - heads, channels, heads), -1)


def _heads(u: Tensor, heads: int, inner: int) -> tuple[Tensor, Tensor, Tensor]:
    """The activations u (B, L, E + 2N) as x (B, L, H, P), B and C (B, L, N)."""
    N = (u.shape[-1] - inner) // 2
    x, b, c = u.split((inner, N, N), -1)
    return x.unflatten(-1, (heads, -1)), b, c


OPS = {"in_proj": in_proj, "out_proj": out_proj}  # the mixer's arguments have the same names
