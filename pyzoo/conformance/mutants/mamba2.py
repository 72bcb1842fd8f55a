"""Wrong implementations of Mamba-2's operations."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.ops.point import POINTS


def differences(rows: Tensor, columns: Tensor, diagonal: int = 1) -> Tensor:
    """`exp(rows_i - columns_j)`, 0 from the diagonal-th diagonal on."""
    Q = rows.shape[-1]
    later = torch.ones(Q, Q, dtype=torch.bool).triu(diagonal)
    return torch.exp((rows[..., :, None] - columns[..., None, :]).masked_fill(later, -torch.inf))


def segments_inclusive(*, g):
    return differences(g.cumsum(-1), g.cumsum(-1) - g)


def segments_exclusive(*, g):
    return differences(g.cumsum(-1) - g, g.cumsum(-1) - g)


def mask_strict(*, g):
    return differences(g.cumsum(-1), g.cumsum(-1), diagonal=0) if g.shape[-1] > 1 else torch.zeros_like(g)[..., None]


def mask_late(*, g):
    return differences(g.cumsum(-1), g.cumsum(-1), diagonal=2)


def transposed(*, g):
    return POINTS["mamba2.decays"](g=g).mT


def starts(g: Tensor, v: Tensor, b: Tensor, whole: Tensor, left: Tensor, carry: Callable = torch.mul) -> Tensor:
    """The states before each chunk, from the decay of each chunk (B, J, H) and of its places (B, J, H, Q); `carry`
    takes a decay and a state over a chunk."""
    added = v.permute(0, 1, 3, 4, 2) @ (b[:, :, None] * left[..., None])
    h = [torch.zeros_like(added[:, 0])]
    for j in range(g.shape[1] - 1):
        h.append(carry(whole[:, j, :, None, None], h[-1]) + added[:, j])
    return torch.stack(h, 1)


def carry_lost(*, g, v, b):
    """Each chunk starts from what the one before it added."""
    total = g.cumsum(-1)
    return starts(g, v, b, torch.zeros_like(total[..., -1]), torch.exp(total[..., -1:] - total))


def carry_undecayed(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.ones_like(total[..., -1]), torch.exp(total[..., -1:] - total))


def first_decay_twice(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.exp(total[..., -1] + g[..., 0]), torch.exp(total[..., -1:] - total))


def first_decay_missing(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.exp(total[..., -1] - g[..., 0]), torch.exp(total[..., -1:] - total))


def inputs_decayed_once_more(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.exp(total[..., -1]), torch.exp(total[..., -1:] - total + g))


def decays_from_start(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.exp(total[..., -1]), torch.exp(total))


def states_after(*, g, v, b):
    """The state after each chunk in the place of the one before it."""
    total = g.cumsum(-1)
    longer = [torch.cat((t, torch.zeros_like(t[:, :1])), 1) for t in (g, v, b, torch.exp(total[..., -1]),
                                                                    torch.exp(total[..., -1:] - total))]  # fmt: skip
    return starts(*longer)[:, 1:]


def _recurrence(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """The state space step by step."""
    h, out = x.new_zeros(*x[:, 0].shape, b.shape[-1]), []
    for t in range(x.shape[1]):
        y, h = POINTS["mamba2.ssd_step"](h=h, x=x[:, t], dt=dt[:, t], a=a, b=b[:, t], c=c[:, t], d=d)
        out.append(y)
    return torch.stack(out, 1)


def chunks_alone(*, x, dt, a, b, c, d, chunk):
    chunk = min(chunk, x.shape[1] - 1) or 1
    parts = [_recurrence(x[:, s:e], dt[:, s:e], a, b[:, s:e], c[:, s:e], d)
             for s, e in pairwise([*range(0, x.shape[1], chunk), x.shape[1]])]  # fmt: skip
    return torch.cat(parts, 1)


def skip_missing(*, x, dt, a, b, c, d, chunk):
    return POINTS["mamba2.ssd"](x=x, dt=dt, a=a, b=b, c=c, d=torch.zeros_like(d), chunk=chunk)


def skip_scaled(*, x, dt, a, b, c, d, chunk):
    """D x with the step size that belongs to B x alone."""
    return skip_missing(x=x, dt=dt, a=a, b=b, c=c, d=d, chunk=chunk) + d[:, None] * x * dt[..., None]


def heads_mixed(*, x, dt, a, b, c, d, chunk):
    return POINTS["mamba2.ssd"](x=x, dt=dt, a=a.roll(1), b=b, c=c, d=d, chunk=chunk)


def heads_transposed(*, x, dt, a, b, c, d, chunk):
    """Channels are read as P groups of H."""
    x = x.flatten(2).unflatten(-1, (x.shape[3], x.shape[2])).transpose(2, 3)
    return POINTS["mamba2.ssd"](x=x, dt=dt, a=a, b=b, c=c, d=d, chunk=chunk)


def projections_swapped(*, x, dt, a, b, c, d, chunk):
    return POINTS["mamba2.ssd"](x=x, dt=dt, a=a, b=c, c=b, d=d, chunk=chunk)


def input_without_dt(*, x, dt, a, b, c, d, chunk):
    one = torch.ones_like(dt)
    return POINTS["mamba2.ssd"](x=x, dt=one, a=a, b=b, c=c, d=d, chunk=chunk)


def states_in_bfloat16(*, g, v, b):
    return POINTS["mamba2.starts"](g=g, v=v.bfloat16().to(v), b=b)


def step_decay_after(*, h, x, dt, a, b, c, d):
    decay = torch.exp(dt * a)
    y, after = POINTS["mamba2.ssd_step"](h=h, x=x * decay[..., None], dt=dt, a=a, b=b, c=c, d=torch.zeros_like(d))
    return y + d[:, None] * x, after


def step_reads_before(*, h, x, dt, a, b, c, d):
    _, after = POINTS["mamba2.ssd_step"](h=h, x=x, dt=dt, a=a, b=b, c=c, d=d)
    return (h @ c[:, None, :, None])[..., 0] + d[:, None] * x, after


def gate_after_norm(*, y, z, weight, eps):
    return POINTS["mamba.norm"](x=y, weight=weight, eps=eps) * F.silu(z)


def norm_per_half(*, y, z, weight, eps):
    """Each half of the channels has a norm of its own."""
    gated = (y * F.silu(z)).unflatten(-1, (2, -1))
    return (gated / torch.sqrt(gated.square().mean(-1, keepdim=True) + eps)).flatten(-2) * weight


def gate_missing(*, y, z, weight, eps):
    return POINTS["mamba.norm"](x=y, weight=weight, eps=eps)


def gate_swapped(*, y, z, weight, eps):
    return POINTS["mamba2.gated_norm"](y=z, z=y, weight=weight, eps=eps)


def conv_over_x_alone(*, x, weight, bias):
    """The channels of B and C, here the last half, pass as they are."""
    half = weight.shape[0] // 2
    return torch.cat((POINTS["mamba2.conv"](x=x, weight=weight, bias=bias)[..., :half], x[..., half:]), -1)


def taps_flipped(*, x, weight, bias):
    return POINTS["mamba2.conv"](x=x, weight=weight.flip(1), bias=bias)


def bias_dropped(*, x, bias):
    return F.softplus(x)


def bias_after_softplus(*, x, bias):
    return F.softplus(x) + bias


def softplus_dropped(*, x, bias):
    return x + bias


def parts_reordered(*, x, in_proj, **others):
    """The projection's rows are read with x before the gate."""
    E = others["out_proj"].shape[1]
    return POINTS["mamba2.mixer"](x=x, in_proj=torch.cat((in_proj[E : 2 * E], in_proj[:E], in_proj[2 * E :])), **others)


def sign_lost(*, a_log, **others):
    """A = -a_log, where the parameter holds its logarithm."""
    return POINTS["mamba2.mixer"](a_log=torch.log(a_log.abs() + 0.1), **others)


def window_not_shifted(*, conv_state, **others):
    y, _, h = POINTS["mamba2.step"](conv_state=conv_state, **others)
    return y, conv_state, h


MUTANTS = [
    Mutant("mamba2.segments-inclusive", "mamba2.decays", segments_inclusive, "a step's own input decays"),
    Mutant("mamba2.segments-exclusive", "mamba2.decays", segments_exclusive, "the last step of a segment is left out"),
    Mutant("mamba2.mask-strict", "mamba2.decays", mask_strict, "a step does not see its own input"),
    Mutant("mamba2.mask-late", "mamba2.decays", mask_late, "a step sees the next one's input"),
    Mutant("mamba2.decays-transposed", "mamba2.decays", transposed, "rows and columns of the matrix change places"),
    Mutant("mamba2.carry-lost", "mamba2.starts", carry_lost, "a chunk's state reaches no further than the next chunk"),
    Mutant("mamba2.carry-undecayed", "mamba2.starts", carry_undecayed, "the state does not decay over a chunk"),
    Mutant("mamba2.first-decay-twice", "mamba2.starts", first_decay_twice, "a chunk's first decay counts twice"),
    Mutant("mamba2.first-decay-missing", "mamba2.starts", first_decay_missing, "a chunk's first decay is left out"),
    Mutant("mamba2.inputs-decayed", "mamba2.starts", inputs_decayed_once_more, "a step's own decay counts for its input"),
    Mutant("mamba2.decays-from-start", "mamba2.starts", decays_from_start, "inputs decay from a chunk's start, not to its end"),
    Mutant("mamba2.states-after", "mamba2.starts", states_after, "a chunk starts from the state after it"),
    Mutant("mamba2.states-bfloat16", "mamba2.starts", states_in_bfloat16, "inputs are rounded to bfloat16"),
    Mutant("mamba2.chunks-alone", "mamba2.ssd", chunks_alone, "no state is passed from chunk to chunk"),
    Mutant("mamba2.skip-missing", "mamba2.ssd", skip_missing, "D x is left out"),
    Mutant("mamba2.skip-scaled", "mamba2.ssd", skip_scaled, "D x is scaled by the step size"),
    Mutant("mamba2.heads-mixed", "mamba2.ssd", heads_mixed, "a head has its neighbour's transition"),
    Mutant("mamba2.heads-transposed", "mamba2.ssd", heads_transposed, "channels are read as P groups of H"),
    Mutant("mamba2.projections-swapped", "mamba2.ssd", projections_swapped, "B and C change places"),
    Mutant("mamba2.dt-one", "mamba2.ssd", input_without_dt, "the step sizes are 1"),
    Mutant("mamba2.step-input-decays", "mamba2.ssd_step", step_decay_after, "the input decays in its own step"),
    Mutant("mamba2.step-reads-before", "mamba2.ssd_step", step_reads_before, "the state before the step is read"),
    Mutant("mamba2.gate-after-norm", "mamba2.gated_norm", gate_after_norm, "the gate comes after the norm"),
    Mutant("mamba2.norm-halves", "mamba2.gated_norm", norm_per_half, "the norm is over half of the width"),
    Mutant("mamba2.gate-missing", "mamba2.gated_norm", gate_missing, "the gate is left out"),
    Mutant("mamba2.gate-swapped", "mamba2.gated_norm", gate_swapped, "SiLU on the wrong branch"),
    Mutant("mamba2.conv-x-alone", "mamba2.conv", conv_over_x_alone, "B and C are not convolved"),
    Mutant("mamba2.taps-flipped", "mamba2.conv", taps_flipped, "the convolution's taps are reversed"),
    Mutant("mamba2.dt-bias-dropped", "mamba2.dt", bias_dropped, "the bias of the step sizes is left out"),
    Mutant("mamba2.dt-bias-late", "mamba2.dt", bias_after_softplus, "the bias is added after softplus"),
    Mutant("mamba2.softplus-dropped", "mamba2.dt", softplus_dropped, "step sizes without softplus"),
    Mutant("mamba2.parts-reordered", "mamba2.mixer", parts_reordered, "x and the gate change places"),
    Mutant("mamba2.transition-log", "mamba2.mixer", sign_lost, "A = -a_log, where a_log is its logarithm"),
    Mutant("mamba2.window-not-shifted", "mamba2.step", window_not_shifted, "the stream's window is not advanced"),
]
