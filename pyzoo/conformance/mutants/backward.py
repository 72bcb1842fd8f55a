"""Backward passes that are wrong although the forward pass is right: what a hand-written kernel's gradient gets wrong."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.ops.point import POINTS


def grafted(value: Tensor, y: Tensor) -> Tensor:
    """`value`, with the gradient of y."""
    return value.detach() + (y - y.detach())


def backward(name: str, point: str, wrong: Callable[..., Tensor], why: str) -> Mutant:
    """The value of the spec point's own function, and the gradient of `wrong`."""

    def replacement(**inputs):
        return grafted(POINTS[point](**inputs), wrong(**inputs))

    family = point.partition(".")[0]
    return Mutant(f"{family}.backward-{name}", point, replacement, why, gradient=True)


def _scan(step: Callable, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    h, out = h0, []
    for a, b in zip(decay.unbind(1), input.unbind(1), strict=True):
        h = step(a, h, b)
        out.append(h)
    return torch.stack(out, 1)


def _moving(x: Tensor) -> Tensor:
    """0, with the gradient of x."""
    return x - x.detach()


def state_after(*, decay, input, h0):
    return _scan(lambda a, h, b: a.detach() * h + b + _moving(a) * (a * h + b).detach(), decay, input, h0)


def carry_undecayed(*, decay, input, h0):
    return _scan(lambda a, h, b: a * h.detach() + _moving(h) + b, decay, input, h0)


def carry_dropped(*, decay, input, h0):
    return _scan(lambda a, h, b: a * h.detach() + b, decay, input, h0)


def softplus_linear(*, x, weight, bias):
    return F.linear(x, weight, bias)


def taps_flipped(*, x, weight, bias):
    return POINTS["mamba.conv"](x=x, weight=weight.flip(1), bias=bias)


def rms_constant(*, x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps).detach() * weight


def silu_sigmoid(*, y, z):
    return y * torch.sigmoid(z).detach() * z


def dt_dropped(*, dt, b, u):
    return dt.detach()[..., None] * b[..., None, :] * u[..., None]


def skip_dropped(*, h, c, u, d):
    return (h @ c[..., None])[..., 0] + d * u.detach()


def step_size_forgotten(*, dt, a):
    return torch.exp(dt[..., None] * a).detach() * (a + dt[..., None] * a.detach())


def kernel_flipped(*, x, weight, stride, padding):
    return F.conv2d(x, weight.flip(2, 3) if weight.shape[2] > 1 else 2 * weight, stride=stride, padding=padding)


def border_dropped(*, x, weight, stride, padding):
    inner = F.pad(torch.ones_like(x)[..., 1:, 1:], (1, 0, 1, 0))
    return F.conv2d(x * inner, weight, stride=stride, padding=padding)


def eps_missing(*, x, mean, var, weight, bias, eps):
    mean, scale, weight, bias = (t[:, None, None] for t in (mean, torch.sqrt(var), weight, bias))
    return (x - mean) / scale * weight + bias


def statistics_constant(*, x, mean, var, weight, bias, eps):
    mean, scale, weight, bias = (t[:, None, None] for t in (mean.detach(), torch.sqrt(var + eps).detach(), weight, bias))
    return (x - mean) / scale * weight + bias


def shortcut_dropped(*, x, y):
    return x + y.detach()


def identity(*, x):
    return x


def pool_sum(*, x):
    return x.sum((2, 3))


def bias_dropped(*, x, weight, bias):
    return F.linear(x, weight, bias.detach())


def softmax_diagonal(*, scores):
    return scores.softmax(-1).detach() * scores


def mean_constant(*, x, weight, bias, eps):
    centred = x - x.mean(-1, keepdim=True).detach()
    return centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + eps) * weight + bias


def deviation_constant(*, x, weight, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + eps).detach() * weight + bias


def gelu_tanh(*, x):
    return F.gelu(x, approximate="tanh")


def scale_missing(*, q, k):
    return q @ k.transpose(-1, -2) * (1 if q.shape[-1] > 1 else 2)


def scale_twice(*, q, k):
    return q @ k.transpose(-1, -2) / (q.shape[-1] if q.shape[-1] > 1 else math.sqrt(2))


def weights_dropped(*, weights, v):
    return weights.detach() @ v


def positions_dropped(*, x, cls, pos):
    return POINTS["vit.tokens"](x=x, cls=cls, pos=pos.detach())


def repeats_overwrite(*, tokens, token_weight, position_weight, past):
    """Of a token that is there more than once, the last place alone gives its row a gradient."""
    flat = tokens.flatten()
    last = torch.tensor([i == len(flat) - 1 or t not in flat[i + 1 :] for i, t in enumerate(flat)]).reshape(*tokens.shape, 1)
    rows = token_weight[tokens]
    rows = torch.where(last, rows, rows.detach())
    return rows + position_weight[past : past + tokens.shape[1]]


def positions_from_zero(*, tokens, token_weight, position_weight, past):
    return token_weight[tokens] + position_weight[(past == 0) : tokens.shape[1] + (past == 0)]


def mask_forgotten(*, scores):
    return scores.softmax(-1)


def causal_diagonal(*, scores):
    T, S = scores.shape[-2:]
    return scores.masked_fill(torch.ones(T, S).triu(S - T + 1).bool(), -1e9).softmax(-1).detach() * scores


def values_unmasked(*, q, k, v):
    return F.scaled_dot_product_attention(q, k, v)


def gelu_erf(*, x):
    return F.gelu(x)


def heads_swapped(*, qkv, heads):
    return POINTS["gpt.heads"](qkv=qkv, heads=heads).flip(2)


def cache_constant(*, past, now):
    return torch.cat([past.detach(), now], 2)


def block_cache_constant(*, k, v, **inputs):
    return POINTS["gpt.block"](k=k, v=v.detach(), **inputs)


MUTANTS = [
    backward("state-after", "mamba.states", state_after, "a decay's gradient has the state after its step"),
    backward("carry-undecayed", "mamba.states", carry_undecayed, "the reverse scan doesn't decay"),
    backward("carry-dropped", "mamba.states", carry_dropped, "the reverse scan carries nothing"),
    backward("softplus-linear", "mamba.dt", softplus_linear, "softplus's derivative is taken as 1"),
    backward("taps-flipped", "mamba.conv", taps_flipped, "the reverse convolution's taps are not turned around"),
    backward("rms-constant", "mamba.norm", rms_constant, "the root mean square is treated as a constant"),
    backward("silu-sigmoid", "mamba.gate", silu_sigmoid, "SiLU's derivative lacks its second term"),
    backward("dt-dropped", "mamba.input", dt_dropped, "the step size gets no gradient"),
    backward("skip-dropped", "mamba.readout", skip_dropped, "the skip connection gets no gradient"),
    backward("step-size-forgotten", "mamba.decay", step_size_forgotten, "the transition's gradient lacks the step size"),
    backward("kernel-flipped", "resnet.conv", kernel_flipped, "the kernel is turned around once too often"),
    backward("border-dropped", "resnet.conv", border_dropped, "the first row and column get no gradient"),
    backward("eps-missing", "resnet.batch_norm", eps_missing, "eps is left out"),
    backward("statistics-constant", "resnet.batch_norm", statistics_constant, "mean and variance get no gradient"),
    backward("shortcut-dropped", "resnet.add", shortcut_dropped, "the shortcut gets no gradient"),
    backward("relu-identity", "resnet.relu", identity, "negative entries get a gradient"),
    backward("pool-sum", "resnet.pool", pool_sum, "the mean's gradient is that of the sum"),
    backward("bias-dropped", "resnet.fc", bias_dropped, "the bias gets no gradient"),
    backward("softmax-diagonal", "vit.weights", softmax_diagonal, "the sum under the softmax is treated as a constant"),
    backward("mean-constant", "vit.norm", mean_constant, "the mean is treated as a constant"),
    backward("deviation-constant", "vit.norm", deviation_constant, "the deviation is treated as a constant"),
    backward("gelu-tanh", "vit.gelu", gelu_tanh, "the derivative of the tanh formula"),
    backward("scale-missing", "vit.scores", scale_missing, "1/√d is left out"),
    backward("scale-twice", "vit.scores", scale_twice, "1/√d is applied twice"),
    backward("weights-dropped", "vit.mix", weights_dropped, "the weights get no gradient"),
    backward("positions-dropped", "vit.tokens", positions_dropped, "the positions get no gradient"),
    backward("bias-dropped", "vit.qkv", bias_dropped, "the bias gets no gradient"),
    backward("repeats-overwrite", "gpt.embed", repeats_overwrite, "of a token's places, the last one alone counts"),
    backward("positions-from-zero", "gpt.embed", positions_from_zero, "other positions get the gradient"),
    backward("mask-forgotten", "gpt.weights", mask_forgotten, "later tokens get a gradient"),
    backward("softmax-diagonal", "gpt.weights", causal_diagonal, "the sum under the softmax is treated as a constant"),
    backward("attend-unmasked", "gpt.attend", values_unmasked, "the backward pass has no mask"),
    backward("gelu-erf", "gpt.gelu_tanh", gelu_erf, "the derivative of the exact GELU"),
    backward("heads-swapped", "gpt.heads", heads_swapped, "the heads' gradients change places"),
    backward("cache-constant", "gpt.append", cache_constant, "earlier keys get no gradient"),
    Mutant("gpt.backward-block-cache-constant", "gpt.block.y", block_cache_constant, "earlier values get no gradient", gradient=True),
    backward("mean-constant", "gpt.norm", mean_constant, "the mean is treated as a constant"),
    backward("scale-missing", "gpt.scores", scale_missing, "1/√d is left out"),
]
