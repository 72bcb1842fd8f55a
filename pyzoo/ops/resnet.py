"""The operations of residual networks (He et al., arXiv 1512.03385), as spec points.

Shapes: B batch, C channels in, K channels out, H height, W width, R x S the kernel.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops.point import SINGLE, spec_point


@spec_point("resnet.conv", SINGLE)
def conv(*, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Convolution without bias: x (B,C,H,W), weight (K,C,R,S) -> (B,K,H',W') with
    H' = (H + 2 padding - R) // stride + 1."""
    return F.conv2d(x, weight, stride=stride, padding=padding)


@spec_point("resnet.batch_norm")
def batch_norm(*, x: Tensor, mean: Tensor, var: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Batch normalisation by running statistics: x (B,C,H,W), the others (C) -> (B,C,H,W)."""
    mean, scale, weight, bias = (t[:, None, None] for t in (mean, torch.sqrt(var + eps), weight, bias))
    return (x - mean) / scale * weight + bias


@spec_point("resnet.relu")
def relu(*, x: Tensor) -> Tensor:
    """max(x, 0), entry by entry."""
    return F.relu(x)


@spec_point("resnet.add")
def add(*, x: Tensor, y: Tensor) -> Tensor:
    """The sum of the residual branch and the shortcut, which have the same shape."""
    return x + y


@spec_point("resnet.pool")
def pool(*, x: Tensor) -> Tensor:
    """Global average: x (B,C,H,W) -> (B,C)."""
    return x.mean((2, 3))


@spec_point("resnet.fc", SINGLE)
def fc(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The classifier: x (B,C), weight (K,C), bias (K) -> (B,K)."""
    return F.linear(x, weight, bias)


@spec_point("resnet.block")
def block(
    *,
    x: Tensor,
    conv1: Tensor, mean1: Tensor, var1: Tensor, weight1: Tensor, bias1: Tensor,
    conv2: Tensor, mean2: Tensor, var2: Tensor, weight2: Tensor, bias2: Tensor,
    stride: int,
    eps: float,
    conv3: Tensor | None = None, mean3: Tensor | None = None, var3: Tensor | None = None,
    weight3: Tensor | None = None, bias3: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The basic block in evaluation mode, relu(F(x) + S(x)): x (B,C,H,W), conv1 (K,C,3,3) with the stride, conv2
    (K,K,3,3), and for a projection shortcut conv3 (K,C,1,1) with the stride -> (B,K,H',W'). Without conv3, S(x) = x."""
    y = conv(x=x, weight=conv1, stride=stride, padding=1)
    y = relu(x=batch_norm(x=y, mean=mean1, var=var1, weight=weight1, bias=bias1, eps=eps))
    y = conv(x=y, weight=conv2, stride=1, padding=1)
    y = batch_norm(x=y, mean=mean2, var=var2, weight=weight2, bias=bias2, eps=eps)
    if conv3 is not None:
        x = conv(x=x, weight=conv3, stride=stride, padding=0)
        x = batch_norm(x=x, mean=mean3, var=var3, weight=weight3, bias=bias3, eps=eps)
    return relu(x=add(x=y, y=x))
