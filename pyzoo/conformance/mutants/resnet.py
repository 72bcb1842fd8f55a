"""Wrong implementations of residual networks' operations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.ops.point import POINTS


def _column(*tensors: Tensor) -> list[Tensor]:
    return [t[:, None, None] for t in tensors]


def kernel_flipped(*, x, weight, stride, padding):
    return F.conv2d(x, weight.flip(2, 3), stride=stride, padding=padding)


def kernel_transposed(*, x, weight, stride, padding):
    if weight.shape[2] != weight.shape[3]:
        return F.conv2d(x, weight.flip(2), stride=stride, padding=padding)
    return F.conv2d(x, weight.transpose(2, 3), stride=stride, padding=padding)


def padding_replicated(*, x, weight, stride, padding):
    return F.conv2d(F.pad(x, [padding] * 4, mode="replicate"), weight, stride=stride)


def stride_offset(*, x, weight, stride, padding):
    return F.conv2d(x.roll(1, 3), weight, stride=stride, padding=padding)


def conv_in_bfloat16(*, x, weight, stride, padding):
    return F.conv2d(x.bfloat16(), weight.bfloat16(), stride=stride, padding=padding).to(x.dtype)


def last_channel_dropped(*, x, weight, stride, padding):
    weight = weight.clone()
    weight[:, -1] = 0
    return F.conv2d(x, weight, stride=stride, padding=padding)


def eps_outside(*, x, mean, var, weight, bias, eps):
    mean, scale, weight, bias = _column(mean, torch.sqrt(var) + eps, weight, bias)
    return (x - mean) / scale * weight + bias


def eps_missing(*, x, mean, var, weight, bias, eps):
    mean, scale, weight, bias = _column(mean, torch.sqrt(var), weight, bias)
    return (x - mean) / scale * weight + bias


def variance_not_rooted(*, x, mean, var, weight, bias, eps):
    mean, scale, weight, bias = _column(mean, var + eps, weight, bias)
    return (x - mean) / scale * weight + bias


def weight_and_bias_swapped(*, x, mean, var, weight, bias, eps):
    mean, scale, weight, bias = _column(mean, torch.sqrt(var + eps), weight, bias)
    return (x - mean) / scale * bias + weight


def mean_not_subtracted(*, x, mean, var, weight, bias, eps):
    scale, weight, bias = _column(torch.sqrt(var + eps), weight, bias)
    return x / scale * weight + bias


def batch_statistics(*, x, mean, var, weight, bias, eps):
    return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def relu_leaky(*, x):
    return F.leaky_relu(x, 1e-3)


def relu_gelu(*, x):
    return F.gelu(x)


def add_averaged(*, x, y):
    return (x + y) / 2


def shortcut_lost(*, x, y):
    return x.clone()


def pool_over_rows(*, x):
    return x.sum((2, 3)) / x.shape[2]


def pool_maximum(*, x):
    return x.amax((2, 3))


def bias_dropped(*, x, weight, bias):
    return F.linear(x, weight)


def relu_before_addition(*, x, stride, eps, conv3=None, mean3=None, var3=None, weight3=None, bias3=None, **p):
    conv, norm = POINTS["resnet.conv"], POINTS["resnet.batch_norm"]
    y = conv(x=x, weight=p["conv1"], stride=stride, padding=1)
    y = F.relu(norm(x=y, mean=p["mean1"], var=p["var1"], weight=p["weight1"], bias=p["bias1"], eps=eps))
    y = conv(x=y, weight=p["conv2"], stride=1, padding=1)
    y = F.relu(norm(x=y, mean=p["mean2"], var=p["var2"], weight=p["weight2"], bias=p["bias2"], eps=eps))
    if conv3 is not None:
        x = conv(x=x, weight=conv3, stride=stride, padding=0)
        x = norm(x=x, mean=mean3, var=var3, weight=weight3, bias=bias3, eps=eps)
    return y + x


def stride_on_second(*, x, stride, **p):
    """The stride moves from the first convolution to the second: the same shape, another function."""
    conv, norm = POINTS["resnet.conv"], POINTS["resnet.batch_norm"]
    named = lambda i: {k: p[f"{k}{i}"] for k in ("mean", "var", "weight", "bias")}  # noqa: E731
    y = conv(x=x, weight=p["conv1"], stride=1, padding=1)
    y = F.relu(norm(x=y, eps=p["eps"], **named(1)))
    y = norm(x=conv(x=y, weight=p["conv2"], stride=stride, padding=1), eps=p["eps"], **named(2))
    if p.get("conv3") is not None:
        x = norm(x=conv(x=x, weight=p["conv3"], stride=stride, padding=0), eps=p["eps"], **named(3))
    return F.relu(y + x)


def shortcut_not_normalised(*, x, stride, **p):
    if p.get("conv3") is None:
        return F.relu(POINTS["resnet.block"](x=x, stride=stride, **p) + x)
    ones = torch.ones_like(p["mean3"])
    p |= {"mean3": 0 * ones, "var3": ones, "weight3": ones, "bias3": 0 * ones}
    return POINTS["resnet.block"](x=x, stride=stride, **p)


def shortcut_shifted(*, x, stride, **p):
    if p.get("conv3") is None:
        return POINTS["resnet.block"](x=x, stride=stride, **p) + F.relu(x)
    return POINTS["resnet.block"](x=x.roll(1, 2), stride=stride, **p)


def inner_relu_missing(*, x, stride, eps, **p):
    conv, norm = POINTS["resnet.conv"], POINTS["resnet.batch_norm"]
    named = lambda i: {k: p[f"{k}{i}"] for k in ("mean", "var", "weight", "bias")}  # noqa: E731
    y = norm(x=conv(x=x, weight=p["conv1"], stride=stride, padding=1), eps=eps, **named(1))
    y = norm(x=conv(x=y, weight=p["conv2"], stride=1, padding=1), eps=eps, **named(2))
    if p.get("conv3") is not None:
        x = norm(x=conv(x=x, weight=p["conv3"], stride=stride, padding=0), eps=eps, **named(3))
    return F.relu(y + x)


MUTANTS = [
    Mutant("resnet.kernel-flipped", "resnet.conv", kernel_flipped, "a true convolution in the place of correlation"),
    Mutant("resnet.kernel-transposed", "resnet.conv", kernel_transposed, "the kernel's rows and columns are exchanged"),
    Mutant("resnet.padding-replicated", "resnet.conv", padding_replicated, "the border is repeated, not zero"),
    Mutant("resnet.stride-offset", "resnet.conv", stride_offset, "the kernel starts one column late"),
    Mutant("resnet.conv-bfloat16", "resnet.conv", conv_in_bfloat16, "the convolution is computed in bfloat16"),
    Mutant("resnet.channel-dropped", "resnet.conv", last_channel_dropped, "the last channel is not read"),
    Mutant("resnet.eps-outside", "resnet.batch_norm", eps_outside, "eps is added outside the root"),
    Mutant("resnet.eps-missing", "resnet.batch_norm", eps_missing, "eps is left out"),
    Mutant("resnet.variance-not-rooted", "resnet.batch_norm", variance_not_rooted, "divides by the variance"),
    Mutant("resnet.weight-bias-swapped", "resnet.batch_norm", weight_and_bias_swapped, "scale and shift are exchanged"),
    Mutant("resnet.mean-kept", "resnet.batch_norm", mean_not_subtracted, "the mean is not subtracted"),
    Mutant("resnet.batch-statistics", "resnet.batch_norm", batch_statistics, "the batch's statistics in evaluation"),
    Mutant("resnet.relu-leaky", "resnet.relu", relu_leaky, "negative values leak through"),
    Mutant("resnet.relu-gelu", "resnet.relu", relu_gelu, "GELU in the place of ReLU"),
    Mutant("resnet.add-averaged", "resnet.add", add_averaged, "branch and shortcut are averaged"),
    Mutant("resnet.shortcut-lost", "resnet.add", shortcut_lost, "the shortcut is not added"),
    Mutant("resnet.pool-rows", "resnet.pool", pool_over_rows, "the mean is divided by the rows alone"),
    Mutant("resnet.pool-maximum", "resnet.pool", pool_maximum, "the maximum in the place of the mean"),
    Mutant("resnet.fc-bias-dropped", "resnet.fc", bias_dropped, "the classifier's bias is left out"),
    Mutant("resnet.relu-before-addition", "resnet.block", relu_before_addition, "ReLU inside the branch, not after"),
    Mutant("resnet.stride-on-second", "resnet.block", stride_on_second, "the stride is on the wrong convolution"),
    Mutant("resnet.shortcut-not-normalised", "resnet.block", shortcut_not_normalised, "the projection is not normalised"),
    Mutant("resnet.shortcut-shifted", "resnet.block", shortcut_shifted, "the shortcut reads the wrong row"),
    Mutant("resnet.inner-relu-missing", "resnet.block", inner_relu_missing, "no ReLU between the convolutions"),
]
