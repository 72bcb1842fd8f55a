"""Wrong implementations of the vision transformer's operations."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.ops.point import POINTS


def _cut(x: Tensor, patch: int) -> Tensor:
    """(B,C,H,W) -> (B,C,H/P,P,W/P,P)."""
    b, c, h, w = x.shape
    return x.reshape(b, c, h // patch, patch, w // patch, patch)


def patches_by_column(*, x, patch):
    return _cut(x, patch).permute(0, 4, 2, 1, 3, 5).flatten(3).flatten(1, 2)


def patches_transposed(*, x, patch):
    return _cut(x, patch).permute(0, 2, 4, 1, 5, 3).flatten(3).flatten(1, 2)


def channels_last(*, x, patch):
    return _cut(x, patch).permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def sides_swapped(*, x, patch):
    return POINTS["vit.patchify"](x=x.reshape(*x.shape[:2], x.shape[3], x.shape[2]), patch=patch)


def bias_dropped(*, x, weight, bias):
    return F.linear(x, weight)


def class_last(*, x, cls, pos):
    return torch.cat([x, cls.expand(len(x), 1, -1)], dim=1) + pos


def positions_shifted(*, x, cls, pos):
    return POINTS["vit.tokens"](x=x, cls=cls, pos=pos.roll(1, 0))


def class_without_position(*, x, cls, pos):
    return torch.cat([cls.expand(len(x), 1, -1), x + pos[1:]], dim=1)


def positions_dropped(*, x, cls, pos):
    return POINTS["vit.tokens"](x=x, cls=cls, pos=torch.zeros_like(pos))


def _norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float, after: float, correction: int) -> Tensor:
    deviation = torch.sqrt(x.var(-1, correction=correction, keepdim=True) + eps) + after
    return (x - x.mean(-1, keepdim=True)) / deviation * weight + bias


def variance_unbiased(*, x, weight, bias, eps):
    return _norm(x, weight, bias, eps, 0.0, 1)


def eps_outside(*, x, weight, bias, eps):
    return _norm(x, weight, bias, 0.0, eps, 0)


def eps_missing(*, x, weight, bias, eps):
    return _norm(x, weight, bias, 0.0, 0.0, 0)


def eps_of_torch(*, x, weight, bias, eps):
    return F.layer_norm(x, weight.shape, weight, bias)


def norm_over_tokens(*, x, weight, bias, eps):
    unit, zero = torch.ones(x.shape[1]), torch.zeros(x.shape[1])
    return _norm(x.transpose(1, 2), unit, zero, eps, 0.0, 0).transpose(1, 2) * weight + bias


def norm_bias_dropped(*, x, weight, bias, eps):
    return _norm(x, weight, torch.zeros_like(bias), eps, 0.0, 0)


def queries_and_keys_swapped(*, x, weight, bias):
    q, k, v = F.linear(x, weight, bias).chunk(3, -1)
    return torch.cat([k, q, v], -1)


def heads_interleaved(*, x, weight, bias):
    return F.linear(x, weight, bias).unflatten(-1, (3, -1)).transpose(-1, -2).flatten(-2)


def scale_missing(*, q, k):
    return q @ k.transpose(-1, -2)


def scale_twice(*, q, k):
    return q @ k.transpose(-1, -2) / q.shape[-1]


def scale_by_width(*, q, k):
    return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1] * q.shape[1] + 1)


def scores_transposed(*, q, k):
    return k @ q.transpose(-1, -2) / math.sqrt(q.shape[-1])


def scores_causal(*, q, k):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -1e9)


def softmax_over_queries(*, scores):
    return scores.softmax(-2)


def softmax_over_heads(*, scores):
    return scores.softmax(1)


def softmax_overflows(*, scores):
    e = torch.exp(scores)
    return e / e.sum(-1, keepdim=True)


def softmax_off_by_one(*, scores):
    e = torch.exp(scores - scores.amax(-1, keepdim=True))
    return e / (e.sum(-1, keepdim=True) + 1)


def weights_in_bfloat16(*, scores):
    return scores.bfloat16().softmax(-1).to(scores.dtype)


def last_key_ignored(*, weights, v):
    return weights[..., :-1] @ v[..., :-1, :]


def gelu_tanh(*, x):
    return F.gelu(x, approximate="tanh")


def gelu_sigmoid(*, x):
    return x * torch.sigmoid(1.702 * x)


def branch_replaces(*, x, y):
    return y


MUTANTS = [
    Mutant("vit.patches-by-column", "vit.patchify", patches_by_column, "the patches run column by column"),
    Mutant("vit.patches-transposed", "vit.patchify", patches_transposed, "a patch is read column by column"),
    Mutant("vit.channels-last", "vit.patchify", channels_last, "the channels run last inside a patch"),
    Mutant("vit.sides-swapped", "vit.patchify", sides_swapped, "rows and columns of the image are mixed up"),
    Mutant("vit.embed-bias-dropped", "vit.embed", bias_dropped, "the bias of the patch embedding is left out"),
    Mutant("vit.class-last", "vit.tokens", class_last, "the class token comes last"),
    Mutant("vit.positions-shifted", "vit.tokens", positions_shifted, "every token has its neighbour's position"),
    Mutant("vit.class-without-position", "vit.tokens", class_without_position, "the class token gets no position"),
    Mutant("vit.positions-dropped", "vit.tokens", positions_dropped, "the positions are left out"),
    Mutant("vit.variance-unbiased", "vit.norm", variance_unbiased, "the variance is divided by D - 1"),
    Mutant("vit.norm-eps-outside", "vit.norm", eps_outside, "eps is added outside the root"),
    Mutant("vit.norm-eps-missing", "vit.norm", eps_missing, "eps is left out"),
    Mutant("vit.norm-eps-of-torch", "vit.norm", eps_of_torch, "eps is PyTorch's default, 1e-5"),
    Mutant("vit.norm-over-tokens", "vit.norm", norm_over_tokens, "the norm runs over the tokens"),
    Mutant("vit.norm-bias-dropped", "vit.norm", norm_bias_dropped, "the norm's bias is left out"),
    Mutant("vit.qkv-swapped", "vit.qkv", queries_and_keys_swapped, "queries and keys change places"),
    Mutant("vit.qkv-interleaved", "vit.qkv", heads_interleaved, "queries, keys and values are interleaved"),
    Mutant("vit.qkv-bias-dropped", "vit.qkv", bias_dropped, "the bias of the projection is left out"),
    Mutant("vit.scale-missing", "vit.scores", scale_missing, "1/√d is left out"),
    Mutant("vit.scale-twice", "vit.scores", scale_twice, "1/√d is applied twice"),
    Mutant("vit.scale-other-size", "vit.scores", scale_by_width, "the scale is that of another size than a head's"),
    Mutant("vit.scores-transposed", "vit.scores", scores_transposed, "a row has the scores of a key, not of a query"),
    Mutant("vit.scores-causal", "vit.scores", scores_causal, "later tokens are masked, as in a language model"),
    Mutant("vit.softmax-over-queries", "vit.weights", softmax_over_queries, "the softmax runs over the queries"),
    Mutant("vit.softmax-over-heads", "vit.weights", softmax_over_heads, "the softmax runs over the heads"),
    Mutant("vit.softmax-overflows", "vit.weights", softmax_overflows, "the largest score is not subtracted"),
    Mutant("vit.softmax-off-by-one", "vit.weights", softmax_off_by_one, "1 is added to the softmax's sum"),
    Mutant("vit.weights-bfloat16", "vit.weights", weights_in_bfloat16, "the softmax runs in bfloat16"),
    Mutant("vit.last-key-ignored", "vit.mix", last_key_ignored, "the last token is not attended to"),
    Mutant("vit.proj-bias-dropped", "vit.proj", bias_dropped, "the bias of the output projection is left out"),
    Mutant("vit.branch-replaces", "vit.add", branch_replaces, "the residual connection is left out"),
    Mutant("vit.fc1-bias-dropped", "vit.fc1", bias_dropped, "the bias of the first layer is left out"),
    Mutant("vit.gelu-tanh", "vit.gelu", gelu_tanh, "GELU by the tanh formula"),
    Mutant("vit.gelu-sigmoid", "vit.gelu", gelu_sigmoid, "GELU by the sigmoid formula"),
    Mutant("vit.head-bias-dropped", "vit.head", bias_dropped, "the classifier's bias is left out"),
]
