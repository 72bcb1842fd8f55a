"""Wrong implementations of Mamba's operations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant, selective_scan
from pyzoo.ops.point import POINTS


def _scan(decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    h, out = h0, []
    for t in range(decay.shape[1]):
        h = decay[:, t] * h + input[:, t]
        out.append(h)
    return torch.stack(out, 1)


def scan_reversed(*, decay, input, h0):
    return _scan(decay.flip(1), input.flip(1), h0).flip(1)


def scan_outputs_reversed(*, decay, input, h0):
    return _scan(decay, input, h0).flip(1)


def state_delayed(*, decay, input, h0):
    return torch.cat((h0[:, None], _scan(decay, input, h0)[:, :-1]), 1)


def carry_lost(*, decay, input, h0):
    half = (decay.shape[1] + 1) // 2
    return torch.cat(
        (_scan(decay[:, :half], input[:, :half], h0), _scan(decay[:, half:], input[:, half:], torch.zeros_like(h0)))
        if decay.shape[1] > half else (_scan(decay, input, h0 + 1),), 1)


def decay_after_input(*, decay, input, h0):
    h, out = h0, []
    for t in range(decay.shape[1]):
        h = decay[:, t] * (h + input[:, t])
        out.append(h)
    return torch.stack(out, 1)


def state_in_bfloat16(*, decay, input, h0):
    return _scan(decay.bfloat16(), input.bfloat16(), h0.bfloat16()).to(decay.dtype)


def state_leak(*, decay, input, h0):
    return _scan(decay * (1 - 1e-5), input, h0)


def bias_dropped(*, x, weight, bias):
    return F.softplus(F.linear(x, weight))


def bias_after_softplus(*, x, weight, bias):
    return F.softplus(F.linear(x, weight)) + bias


def softplus_dropped(*, x, weight, bias):
    return F.linear(x, weight, bias)


def softplus_as_exp(*, x, weight, bias):
    return torch.exp(F.linear(x, weight, bias))


def softplus_in_float16(*, x, weight, bias):
    return F.softplus(F.linear(x, weight, bias)).half().to(x.dtype)


def decay_first_order(*, dt, a):
    return 1 + dt[..., None] * a


def decay_growing(*, dt, a):
    return torch.exp(-dt[..., None] * a)


def input_zero_order_hold(*, dt, b, u):
    return -torch.expm1(-dt)[..., None] * b[..., None, :] * u[..., None]


def input_without_dt(*, dt, b, u):
    return (b[..., None, :] * u[..., None]).expand(*dt.shape, b.shape[-1])


def skip_missing(*, h, c, u, d):
    return (h @ c[..., None])[..., 0]


def last_state_dropped(*, h, c, u, d):
    return (h[..., :-1] @ c[..., :-1, None])[..., 0] + d * u


def taps_flipped(*, x, weight, bias):
    return _conv(x, weight.flip(1), bias, weight.shape[1] - 1)


def conv_not_causal(*, x, weight, bias):
    return _conv(x, weight, bias, (weight.shape[1] - 1) // 2)


def conv_without_bias(*, x, weight, bias):
    return _conv(x, weight, torch.zeros_like(bias), weight.shape[1] - 1)


def _conv(x: Tensor, weight: Tensor, bias: Tensor, before: int) -> Tensor:
    E, K = weight.shape
    padded = F.pad(x.transpose(1, 2), (before, K - 1 - before))
    return F.conv1d(padded, weight[:, None], bias, groups=E).transpose(1, 2)


def gate_sigmoid(*, y, z):
    return y * torch.sigmoid(z)


def gate_swapped(*, y, z):
    return z * F.silu(y)


def norm_eps_outside(*, x, weight, eps):
    return x / (torch.sqrt((x * x).mean(-1, keepdim=True)) + eps) * weight


def norm_centred(*, x, weight, eps):
    x = x - x.mean(-1, keepdim=True)
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def window_not_shifted(*, x, conv_state, h, **parameters):
    y, _, h = POINTS["mamba.step"](x=x, conv_state=conv_state, h=h, **parameters)
    return y, conv_state, h


MUTANTS = [
    Mutant("mamba.scan-reversed", "mamba.states", scan_reversed, "the scan runs from the last step to the first"),
    Mutant("mamba.outputs-reversed", "mamba.states", scan_outputs_reversed, "the states come out in reversed time"),
    Mutant("mamba.state-delayed", "mamba.states", state_delayed, "a state before its own input is read"),
    Mutant("mamba.carry-lost", "mamba.states", carry_lost, "the state is reset at a chunk's edge"),
    Mutant("mamba.decay-after-input", "mamba.states", decay_after_input, "the input decays in its own step"),
    Mutant("mamba.state-bfloat16", "mamba.states", state_in_bfloat16, "the state is kept in bfloat16"),
    Mutant("mamba.state-leak", "mamba.states", state_leak, "the state loses 1e-5 of itself each step"),
    Mutant("mamba.dt-bias-dropped", "mamba.dt", bias_dropped, "the bias of the step sizes is left out"),
    Mutant("mamba.dt-bias-late", "mamba.dt", bias_after_softplus, "the bias is added after softplus"),
    Mutant("mamba.softplus-dropped", "mamba.dt", softplus_dropped, "step sizes without softplus"),
    Mutant("mamba.softplus-exp", "mamba.dt", softplus_as_exp, "exp in the place of softplus"),
    Mutant("mamba.dt-float16", "mamba.dt", softplus_in_float16, "step sizes rounded to float16"),
    Mutant("mamba.decay-first-order", "mamba.decay", decay_first_order, "1 + ΔA in the place of exp(ΔA)"),
    Mutant("mamba.decay-growing", "mamba.decay", decay_growing, "the sign of A is lost"),
    Mutant("mamba.input-zoh", "mamba.input", input_zero_order_hold, "a zero-order hold, with A taken as -1"),
    Mutant("mamba.input-without-dt", "mamba.input", input_without_dt, "the input is not scaled by Δ"),
    Mutant("mamba.skip-missing", "mamba.readout", skip_missing, "the skip connection D u is left out"),
    Mutant("mamba.last-state-dropped", "mamba.readout", last_state_dropped, "the last state is not read"),
    Mutant("mamba.taps-flipped", "mamba.conv", taps_flipped, "the convolution's taps are reversed"),
    Mutant("mamba.conv-not-causal", "mamba.conv", conv_not_causal, "the convolution sees later steps"),
    Mutant("mamba.conv-bias-dropped", "mamba.conv", conv_without_bias, "the convolution's bias is left out"),
    Mutant("mamba.gate-sigmoid", "mamba.gate", gate_sigmoid, "sigmoid in the place of SiLU"),
    Mutant("mamba.gate-swapped", "mamba.gate", gate_swapped, "SiLU on the wrong branch"),
    Mutant("mamba.norm-eps-outside", "mamba.norm", norm_eps_outside, "eps is added outside the root"),
    Mutant("mamba.norm-centred", "mamba.norm", norm_centred, "layer norm in the place of RMS norm"),
    Mutant("mamba.window-not-shifted", "mamba.step", window_not_shifted, "the stream's window is not advanced"),
    *selective_scan.MUTANTS,
]
