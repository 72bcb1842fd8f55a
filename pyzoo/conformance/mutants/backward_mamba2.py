"""Wrong backward passes of Mamba-2's operations, of the kinds that kernels in chunks make possible."""

import torch
import torch.nn.functional as F

from pyzoo.conformance.mutants.backward import backward, grafted, taps_flipped
from pyzoo.conformance.mutants.mamba2 import differences, starts
from pyzoo.ops.point import POINTS


def sums_constant(*, g):
    """The gradient of a decay goes to the last step of its segment alone."""
    total = grafted(g.cumsum(-1), g)
    return differences(total, total.detach())


def mask_forgotten(*, g):
    total = g.cumsum(-1)
    return torch.exp(total[..., :, None] - total[..., None, :])


def chunk_decay_dropped(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.exp(total[..., -1]).detach(), torch.exp(total[..., -1:] - total))


def decays_to_end_dropped(*, g, v, b):
    total = g.cumsum(-1)
    return starts(g, v, b, torch.exp(total[..., -1]), torch.exp(total[..., -1:] - total).detach())


def _carried(carry):
    def wrong(*, g, v, b):
        total = g.cumsum(-1)
        return starts(g, v, b, torch.exp(total[..., -1]), torch.exp(total[..., -1:] - total), carry)

    return wrong


carry_dropped = _carried(lambda decay, h: decay * h.detach())
carry_undecayed = _carried(lambda decay, h: decay * h.detach() + h - h.detach())


def _ssd(x, v, g, b, c, d, chunk):
    """The state space from the logarithms g (B, L, H) of its decays and from v, which is Δ x."""
    inside = {"x": v / -g[..., None], "dt": -g, "a": -torch.ones_like(d), "d": torch.zeros_like(d)}
    return POINTS["mamba2.ssd"](**inside, b=b, c=c, chunk=chunk) + d[:, None] * x


def dt_of_decay_dropped(*, x, dt, a, **rest):
    return _ssd(x, x * dt[..., None], dt.detach() * a, **rest)


def dt_of_input_dropped(*, x, dt, a, **rest):
    return _ssd(x, x * dt.detach()[..., None], dt * a, **rest)


def transition_of_last_step(*, x, dt, a, **rest):
    first = (dt * a.detach())[:, :-1]
    return _ssd(x, x * dt[..., None], torch.cat((first, dt[:, -1:] * a), 1), **rest)


def skip_dropped(*, d, **inputs):
    return POINTS["mamba2.ssd"](d=d.detach(), **inputs)


def skip_input_dropped(*, x, d, **inputs):
    return POINTS["mamba2.ssd"](x=x, d=torch.zeros_like(d), **inputs) + d[:, None] * x.detach()


def projections_swapped(*, b, c, **inputs):
    return POINTS["mamba2.ssd"](b=grafted(b, c), c=grafted(c, b), **inputs)


def softplus_linear(*, x, bias):
    return x + bias


def rms_constant(*, y, z, weight, eps):
    gated = y * F.silu(z)
    return gated / torch.sqrt(gated.square().mean(-1, keepdim=True) + eps).detach() * weight


def gate_sigmoid(*, y, z, weight, eps):
    return POINTS["mamba.norm"](x=y * torch.sigmoid(z).detach() * z, weight=weight, eps=eps)


MUTANTS = [
    backward("sums-constant", "mamba2.decays", sums_constant, "a decay's gradient is that of its segment's last step"),
    backward("mask-forgotten", "mamba2.decays", mask_forgotten, "places above the diagonal get a gradient"),
    backward("chunk-decay-dropped", "mamba2.starts", chunk_decay_dropped, "the decay over a chunk gets no gradient"),
    backward("decays-to-end-dropped", "mamba2.starts", decays_to_end_dropped, "decays to a chunk end get no gradient"),
    backward("carry-dropped", "mamba2.starts", carry_dropped, "the state's gradient stops at a chunk's edge"),
    backward("carry-undecayed", "mamba2.starts", carry_undecayed, "the state's gradient does not decay over a chunk"),
    backward("dt-of-decay-dropped", "mamba2.ssd", dt_of_decay_dropped, "the step size has the gradient of Δ x alone"),
    backward("dt-of-input-dropped", "mamba2.ssd", dt_of_input_dropped, "the step size has the decay's gradient alone"),
    backward("transition-last-step", "mamba2.ssd", transition_of_last_step, "A's gradient is not summed over time"),
    backward("skip-dropped", "mamba2.ssd", skip_dropped, "D gets no gradient"),
    backward("skip-input-dropped", "mamba2.ssd", skip_input_dropped, "x gets no gradient through D x"),
    backward("projections-swapped", "mamba2.ssd", projections_swapped, "the gradients of B and C change places"),
    backward("softplus-linear", "mamba2.dt", softplus_linear, "softplus's derivative is taken as 1"),
    backward("rms-constant", "mamba2.gated_norm", rms_constant, "the root mean square is treated as a constant"),
    backward("gate-sigmoid", "mamba2.gated_norm", gate_sigmoid, "SiLU's derivative lacks its second term"),
    backward("taps-flipped", "mamba2.conv", taps_flipped, "the reverse convolution's taps are not turned around"),
]
