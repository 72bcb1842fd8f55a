"""The operations of vision transformers (Dosovitskiy et al., arXiv 2010.11929), as spec points.

Shapes: B batch, C channels, P patch side, N patches, T = N + 1 tokens, D width, H heads, d = D / H, K classes.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops.point import SINGLE, spec_point


@spec_point("vit.patchify")
def patchify(*, x: Tensor, patch: int) -> Tensor:
    """Cut images into patches: x (B,C,H,W) -> (B,N,C*P*P). Patches run row by row; inside a patch, entries run
    channel by channel and then row by row, as in a convolution's flattened kernel."""
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // patch, patch, w // patch, patch)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // patch) * (w // patch), c * patch * patch)


@spec_point("vit.embed", SINGLE)
def embed(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Project patches: x (B,N,C*P*P), weight (D,C*P*P), bias (D) -> (B,N,D)."""
    return F.linear(x, weight, bias)


@spec_point("vit.tokens")
def tokens(*, x: Tensor, cls: Tensor, pos: Tensor) -> Tensor:
    """Put the class token first, then add the positions: x (B,N,D), cls (D), pos (T,D) -> (B,T,D)."""
    return torch.cat([cls.expand(len(x), 1, -1), x], dim=1) + pos


@spec_point("vit.norm")
def norm(*, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Layer normalisation over the last axis: x (B,T,D), weight (D), bias (D) -> (B,T,D)."""
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred * centred).mean(-1, keepdim=True)
    return centred / torch.sqrt(variance + eps) * weight + bias


@spec_point("vit.qkv", SINGLE)
def qkv(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Queries, keys and values, in this order: x (B,T,D), weight (3D,D), bias (3D) -> (B,T,3D)."""
    return F.linear(x, weight, bias)


@spec_point("vit.scores")
def scores(*, q: Tensor, k: Tensor) -> Tensor:
    """Scaled dot products: q (B,H,T,d), k (B,H,S,d) -> (B,H,T,S), where S = T."""
    return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])


@spec_point("vit.weights")
def weights(*, scores: Tensor) -> Tensor:
    """Softmax over the keys: scores (B,H,T,T) -> (B,H,T,T)."""
    return scores.softmax(-1)


@spec_point("vit.mix", SINGLE)
def mix(*, weights: Tensor, v: Tensor) -> Tensor:
    """Weighted sums of the values: weights (B,H,T,S), v (B,H,S,d) -> (B,H,T,d), where S = T."""
    return weights @ v


@spec_point("vit.proj", SINGLE)
def proj(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The attention's output projection: x (B,T,D), weight (D,D), bias (D) -> (B,T,D)."""
    return F.linear(x, weight, bias)


@spec_point("vit.fc1", SINGLE)
def fc1(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The perceptron's first layer: x (B,T,D), weight (M,D), bias (M) -> (B,T,M)."""
    return F.linear(x, weight, bias)


@spec_point("vit.gelu")
def gelu(*, x: Tensor) -> Tensor:
    """x Φ(x) with the normal distribution function Φ, entry by entry."""
    return F.gelu(x)


@spec_point("vit.fc2", SINGLE)
def fc2(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The perceptron's second layer: x (B,T,M), weight (D,M), bias (D) -> (B,T,D)."""
    return F.linear(x, weight, bias)


@spec_point("vit.add")
def add(*, x: Tensor, y: Tensor) -> Tensor:
    """The sum of a residual branch and its input, which have the same shape."""
    return x + y


@spec_point("vit.head", SINGLE)
def head(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The classifier of the class token: x (B,D), weight (K,D), bias (K) -> (B,K)."""
    return F.linear(x, weight, bias)
