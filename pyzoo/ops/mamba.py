"""The operations of Mamba's mixer, each a spec point (Gu and Dao, arXiv 2312.00752, and their code's order of products).

Shapes: B sequences, L steps, D width, E inner width, N state, R rank of the step sizes, K taps of the convolution.
Lean: `Spec.Mamba`, `Spec.causalConv`, `Spec.rmsNorm`, `Spec.linear`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops import selective_scan as fused
from pyzoo.ops.selective_scan import step as one_step
from pyzoo.ops.point import SINGLE, Arithmetic, implements, spec_point


@spec_point("mamba.norm")
def norm(*, x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """`x / √(mean(x²) + eps) · weight` along the last axis; x (..., D), weight (D)."""
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


@implements("mamba.norm")
def fast_norm(*, x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """`norm` by PyTorch's own kernel."""
    return F.rms_norm(x, weight.shape, weight, float(eps))


@spec_point("mamba.in_proj", SINGLE)
def in_proj(*, x: Tensor, weight: Tensor) -> Tensor:
    """x (B, L, D), weight (2E, D) -> (B, L, 2E): the branch through the state space, then the gate."""
    return F.linear(x, weight)


@spec_point("mamba.conv", SINGLE)
def conv(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Causal depthwise convolution; x (B, L, E), weight (E, K) with the current step's tap last, bias (E)."""
    E, K = weight.shape
    return F.conv1d(x.transpose(1, 2), weight[:, None], bias, padding=K - 1, groups=E)[..., : x.shape[1]].transpose(1, 2)


@spec_point("mamba.silu")
def silu(*, x: Tensor) -> Tensor:
    """`x / (1 + exp(-x))`."""
    return F.silu(x)


@spec_point("mamba.x_proj", SINGLE)
def x_proj(*, x: Tensor, weight: Tensor) -> Tensor:
    """x (B, L, E), weight (R + 2N, E) -> (B, L, R + 2N): low-rank step sizes, then B, then C."""
    return F.linear(x, weight)


@spec_point("mamba.dt", SINGLE)
def dt(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Step sizes `Δ = softplus(x Wᵀ + bias)`; x (B, L, R), weight (E, R), bias (E) -> (B, L, E)."""
    return F.softplus(F.linear(x, weight, bias), threshold=40)  # beyond the default of 20, fp64 would lose 25 bits


@spec_point("mamba.decay")
def decay(*, dt: Tensor, a: Tensor) -> Tensor:
    """`exp(Δ A)`; dt (B, L, E), a (E, N) -> (B, L, E, N)."""
    return torch.exp(dt[..., None] * a)


@spec_point("mamba.input")
def input(*, dt: Tensor, b: Tensor, u: Tensor) -> Tensor:
    """`(Δ B) u`; dt, u (B, L, E), b (B, L, N) -> (B, L, E, N)."""
    return dt[..., None] * b[..., None, :] * u[..., None]


@spec_point("mamba.states", Arithmetic(order="sequential"))
def states(*, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    """All states of `h_t = decay_t h_{t-1} + input_t`; decay, input (B, L, E, N), h0 (B, E, N) -> (B, L, E, N)."""
    h, out = h0, []
    for decay_t, input_t in zip(decay.unbind(1), input.unbind(1), strict=True):
        h = decay_t * h + input_t
        out.append(h)
    return torch.stack(out, 1)


@spec_point("mamba.readout")
def readout(*, h: Tensor, c: Tensor, u: Tensor, d: Tensor) -> Tensor:
    """`Σₙ c h + d u`; h (B, L, E, N), c (B, L, N), u (B, L, E), d (E) -> (B, L, E)."""
    return (h @ c[..., None])[..., 0] + d * u


@spec_point("mamba.gate")
def gate(*, y: Tensor, z: Tensor) -> Tensor:
    """`y silu(z)`."""
    return y * F.silu(z)


@spec_point("mamba.out_proj", SINGLE)
def out_proj(*, x: Tensor, weight: Tensor) -> Tensor:
    """x (B, L, E), weight (D, E) -> (B, L, D)."""
    return F.linear(x, weight)


@spec_point("mamba.head", SINGLE)
def head(*, x: Tensor, weight: Tensor) -> Tensor:
    """Logits; x (B, L, D), weight (V, D) -> (B, L, V)."""
    return F.linear(x, weight)


@spec_point("mamba.mixer")
def mixer(*, x: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor, x_proj: Tensor, dt_weight: Tensor,
          dt_bias: Tensor, a_log: Tensor, d: Tensor, out_proj: Tensor) -> Tensor:
    """The whole mixer on a sequence from the zero state; x (B, L, D) -> (B, L, D). Lean: `Spec.Mamba.mixer`."""
    u, z = OPS["in_proj"](x=x, weight=in_proj).chunk(2, -1)
    u = silu(x=conv(x=u, weight=conv_weight, bias=conv_bias))
    y, _ = _select_and_scan(u, u.new_zeros(len(u), *a_log.shape), x_proj, dt_weight, dt_bias, a_log, d)
    return OPS["out_proj"](x=gate(y=y, z=z), weight=out_proj)


def _in_chunks(*, u: Tensor, a: Tensor, b: Tensor, **_: Tensor) -> Arithmetic:
    return Arithmetic("sequential", chunks=fused.chunks(u, a, b.shape[2]))


@spec_point("mamba.selective_scan", _in_chunks)
def selective_scan(*, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, z: Tensor, bias: Tensor,
                   h0: Tensor) -> Tensor:
    """`pyzoo.ops.selective_scan`: from `dt` before its bias to `gate`, as one kernel; u, dt, z (B, L, E), b, c (B, L, G, N)."""
    return fused.selective_scan(u=u, dt=dt, a=a, b=b, c=c, d=d, z=z, bias=bias, h0=h0)[0]


def _fused_mixer(*, x: Tensor, a_log: Tensor, **_: Tensor) -> Arithmetic:
    return Arithmetic(fused=True, chunks=fused.chunks(x.new_empty(*x.shape[:2], len(a_log)), a_log, 1))


@implements("mamba.mixer", _fused_mixer)
def fast_mixer(*, x: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor, x_proj: Tensor, dt_weight: Tensor,
               dt_bias: Tensor, a_log: Tensor, d: Tensor, out_proj: Tensor) -> Tensor:
    """`mixer` with its scan as one kernel, whose weights are in fp32 if x is in half precision. Lean: `Spec.Mamba.fusedMixer`, which
    `Spec.Mamba.fusedMixer_eq_mixer` ties to the mixer."""
    u, z = OPS["in_proj"](x=x, weight=in_proj).chunk(2, -1)
    u = silu(x=conv(x=u, weight=conv_weight, bias=conv_bias))
    R, N, dtype = dt_weight.shape[1], a_log.shape[1], torch.promote_types(x.dtype, torch.float32)
    low, b, c = OPS["x_proj"](x=u, weight=x_proj).split((R, N, N), -1)
    a = -torch.exp(a_log.to(dtype))
    y = selective_scan(u=u, dt=F.linear(low, dt_weight), a=a, b=b[:, :, None], c=c[:, :, None], d=d.to(dtype), z=z,
                       bias=dt_bias.to(dtype), h0=a.new_zeros(len(x), *a.shape))
    return OPS["out_proj"](x=y, weight=out_proj)


@spec_point("mamba.step")
def step(*, x: Tensor, conv_state: Tensor, h: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor,
         x_proj: Tensor, dt_weight: Tensor, dt_bias: Tensor, a_log: Tensor, d: Tensor,
         out_proj: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One step of a stream; x (B, D), conv_state (B, E, K-1) oldest first, h (B, E, N) -> output (B, D) and the new
    states. Lean: `Spec.Mamba.step`, which `Spec.Mamba.run_eq_mixer` ties to the mixer."""
    u, z = OPS["in_proj"](x=x[:, None], weight=in_proj).chunk(2, -1)
    window = torch.cat((conv_state, u.transpose(1, 2)), -1)  # (B, E, K)
    u = silu(x=((window * conv_weight).sum(-1) + conv_bias)[:, None])
    y, h = _select_and_scan(u, h, x_proj, dt_weight, dt_bias, a_log, d)
    return OPS["out_proj"](x=gate(y=y, z=z), weight=out_proj)[:, 0], window[..., 1:], h


def _fused_step(*, x: Tensor, **others: Tensor) -> Arithmetic:
    return Arithmetic(fused=one_step.fits(x, *others.values()))


@implements("mamba.step", _fused_step)
def fast_step(*, x: Tensor, conv_state: Tensor, h: Tensor, in_proj: Tensor, out_proj: Tensor, **weights: Tensor,
              ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """`step` with all between its projections as one kernel, where there is a GPU and no gradient is asked for. Lean:
    `Spec.Mamba.fusedStep`."""
    if not one_step.fits(x, conv_state, h, in_proj, out_proj, *weights.values()):
        return step.__wrapped__(x=x, conv_state=conv_state, h=h, in_proj=in_proj, out_proj=out_proj, **weights)
    y, conv_state, h = one_step.step(F.linear(x, in_proj), conv_state, h, **weights)
    return F.linear(y, out_proj), conv_state, h


def _select_and_scan(u: Tensor, h0: Tensor, x_proj: Tensor, dt_weight: Tensor, dt_bias: Tensor, a_log: Tensor,
                     d: Tensor) -> tuple[Tensor, Tensor]:
    """The selective scan of u (B, L, E) from h0 (B, E, N): the readout (B, L, E) and the last state (B, E, N)."""
    R, N = dt_weight.shape[1], a_log.shape[1]
    low, b, c = OPS["x_proj"](x=u, weight=x_proj).split((R, N, N), -1)
    delta = dt(x=low, weight=dt_weight, bias=dt_bias)
    h = states(decay=decay(dt=delta, a=-torch.exp(a_log)), input=input(dt=delta, b=b, u=u), h0=h0)
    return readout(h=h, c=c, u=u, d=d), h[:, -1]


OPS = {"in_proj": in_proj, "x_proj": x_proj, "out_proj": out_proj}  # the mixer's arguments have the same names
