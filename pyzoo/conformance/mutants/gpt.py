"""Wrong implementations of GPT's operations."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.conformance.mutants.vit import (
    bias_dropped, branch_replaces, eps_outside, queries_and_keys_swapped, scale_missing, scale_twice, variance_unbiased,
)  # fmt: skip
from pyzoo.ops import gpt as ops
from pyzoo.ops.point import POINTS


def positions_from_zero(*, tokens, token_weight, position_weight, past):
    return POINTS["gpt.embed"](tokens=tokens, token_weight=token_weight, position_weight=position_weight, past=0)


def positions_late(*, tokens, token_weight, position_weight, past):
    return POINTS["gpt.embed"](tokens=tokens, token_weight=token_weight, position_weight=position_weight, past=past + 1)


def positions_missing(*, tokens, token_weight, position_weight, past):
    return token_weight[tokens]


def heads_inside(*, qkv, heads):
    return qkv.unflatten(-1, (heads, 3, -1)).permute(3, 0, 2, 1, 4)


def heads_interleaved(*, qkv, heads):
    return qkv.unflatten(-1, (3, -1, heads)).permute(2, 0, 4, 1, 3)


def heads_by_view(*, qkv, heads):
    b, t, n = qkv.shape
    return torch.stack([part.reshape(b, heads, t, n // 3 // heads) for part in qkv.chunk(3, -1)])


def _angles(each: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    angle = positions[:, None].double() * each.double()
    return angle.cos().float(), angle.sin().float()


def angles_base(*, context, pairs):
    return _angles(1000.0 ** (-torch.arange(pairs).double() / pairs), torch.arange(context))


def angles_half_exponent(*, context, pairs):
    return _angles(10000.0 ** (-torch.arange(pairs).double() / (2 * pairs)), torch.arange(context))


def angles_from_one(*, context, pairs):
    return _angles(10000.0 ** (-torch.arange(pairs).double() / pairs), torch.arange(context) + 1)


def angles_half_precision(*, context, pairs):
    return _angles(10000.0 ** (-torch.arange(pairs).double() / pairs), torch.arange(context).bfloat16())


def rotate_backwards(*, x, cosines, sines, past):
    return POINTS["gpt.rotate"](x=x, cosines=cosines, sines=-sines, past=past)


def rotate_from_zero(*, x, cosines, sines, past):
    return POINTS["gpt.rotate"](x=x, cosines=cosines, sines=sines, past=0)


def rotate_late(*, x, cosines, sines, past):
    return POINTS["gpt.rotate"](x=x, cosines=cosines, sines=sines, past=past + 1)


def rotate_neighbours(*, x, cosines, sines, past):
    halves = x.unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)
    y = POINTS["gpt.rotate"](x=halves, cosines=cosines, sines=sines, past=past)
    return y.unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)


def rotate_by_head(*, x, cosines, sines, past):
    return POINTS["gpt.rotate"](x=x.transpose(1, 2), cosines=cosines, sines=sines, past=past).transpose(1, 2)


def rotate_cosines_for_sines(*, x, cosines, sines, past):
    return POINTS["gpt.rotate"](x=x, cosines=sines, sines=cosines, past=past)


def append_before(*, past, now):
    return torch.cat([now, past], 2)


def append_over(*, past, now):
    return torch.cat([past, now], 2)[:, :, : max(past.shape[2], now.shape[2])]


def _masked(scores: Tensor, diagonal: int, value: float = -math.inf, dim: int = -1) -> Tensor:
    T, S = scores.shape[-2:]
    later = torch.ones(T, S, dtype=torch.bool).triu(S - T + 1 + diagonal)
    return scores.masked_fill(later, value).softmax(dim)


def mask_missing(*, scores):
    return scores.softmax(-1)


def mask_late(*, scores):
    return _masked(scores, 1)


def mask_early(*, scores):
    T, S = scores.shape[-2:]
    own = torch.ones(T, S, dtype=torch.bool).triu(S - T)
    own[:, 0] = False
    return scores.masked_fill(own, -math.inf).softmax(-1)


def mask_without_cache(*, scores):
    return scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -math.inf).softmax(-1)


def mask_with_zeros(*, scores):
    return _masked(scores, 0, 0.0)


def mask_after_softmax(*, scores):
    T, S = scores.shape[-2:]
    return scores.softmax(-1).tril(S - T)


def softmax_over_queries(*, scores):
    return _masked(scores, 0, -1e9, -2)


def attend_unmasked(*, q, k, v):
    return F.scaled_dot_product_attention(q, k, v)


def attend_from_the_left(*, q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def merge_without_transpose(*, z):
    b, h, t, d = z.shape
    return z.reshape(b, t, h * d)


def merge_interleaved(*, z):
    return z.permute(0, 2, 3, 1).flatten(2)


def gelu_by_tanh(*, x):
    return F.gelu(x, approximate="tanh")


def gelu_by_erf(*, x):
    return F.gelu(x)


def gelu_square(*, x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x)))


def _rotated(w, past, *rows):
    """The rows of tokens after `past` others, rotated if the positions are rotary."""
    if "cosines" not in w:
        return rows
    return [POINTS["gpt.rotate"](x=x, cosines=w["cosines"], sines=w["sines"], past=past) for x in rows]


def _block(x, k, v, w, eps, tanh, post=False, parallel=False, from_norm=False, once=False, turned="qk"):
    """The block, with its norms after the branches, or its branches side by side, or its residual from the norm, or one
    norm for both branches, or other projections than queries and keys rotated."""
    norm = lambda x, i: F.layer_norm(x, x.shape[-1:], w[f"norm{i}_weight"], w[f"norm{i}_bias"], eps)  # noqa: E731
    gelu = "tanh" if tanh else "none"
    fc1 = lambda x: F.gelu(F.linear(x, w["fc1_weight"], w["fc1_bias"]), approximate=gelu)  # noqa: E731
    mlp = lambda x: F.linear(fc1(x), w["fc2_weight"], w["fc2_bias"])  # noqa: E731
    y = x if post else norm(x, 1)
    q, k_now, v_now = POINTS["gpt.heads"](qkv=F.linear(y, w["qkv_weight"], w["qkv_bias"]), heads=k.shape[1])
    part = dict(zip("qkv", (q, k_now, v_now), strict=True))
    part |= dict(zip(turned, _rotated(w, k.shape[2], *(part[name] for name in turned)), strict=True))
    q, k, v = part["q"], torch.cat([k, part["k"]], 2), torch.cat([v, part["v"]], 2)
    a = F.linear(POINTS["gpt.merge"](z=POINTS["gpt.attend"](q=q, k=k, v=v)), w["proj_weight"], w["proj_bias"])
    if post:
        x = norm(x + a, 1)
        return norm(x + mlp(x), 2), k, v
    if parallel:
        return x + a + mlp(norm(x, 2)), k, v
    x = (y if from_norm else x) + a
    return x + mlp(norm(x, 1 if once else 2)), k, v


def block_post_norm(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, post=True)


def block_parallel(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, parallel=True)


def block_residual_from_norm(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, from_norm=True)


def block_first_norm_twice(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, once=True)


def block_other_gelu(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, 1 - tanh)


def block_keys_not_rotated(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, turned="q")


def block_queries_not_rotated(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, turned="k")


def block_values_rotated(*, x, k, v, eps, tanh, **w):
    return _block(x, k, v, w, eps, tanh, turned="qkv")


def block_keys_rotated_again(*, x, k, v, eps, tanh, **w):
    (k,) = _rotated(w, 0, k)
    return _block(x, k, v, w, eps, tanh)


def block_cache_ignored(*, x, k, v, eps, tanh, **w):
    y, k_now, v_now = _block(x, k[:, :, :0], v[:, :, :0], w, eps, tanh)
    return y, torch.cat([k, k_now], 2), torch.cat([v, v_now], 2)


def block_cache_not_appended(*, x, k, v, eps, tanh, **w):
    y, k_all, v_all = _block(x, k, v, w, eps, tanh)
    return y, k_all[:, :, : k.shape[2]], v_all[:, :, : v.shape[2]]


def head_rolled(*, x, weight):
    return F.linear(x, weight.roll(1, 0))


def head_normed(*, x, weight):
    return F.linear(x, F.normalize(weight, dim=-1))


def head_transposed(*, x, weight):
    return x @ weight.reshape(weight.shape[1], weight.shape[0])


def head_untied(*, tokens, heads, depth, eps, tanh, **weights):
    generator = torch.Generator().manual_seed(0)
    fresh = torch.randn(weights["head_weight"].shape, generator=generator).to(weights["head_weight"])
    return POINTS["gpt.logits"](tokens=tokens, heads=heads, depth=depth, eps=eps, tanh=tanh,
                                **(weights | {"head_weight": fresh}))  # fmt: skip


def last_norm_missing(*, tokens, heads, depth, eps, tanh, **weights):
    tables = {name: weights[name] for name in ("cosines", "sines") if name in weights}
    x = weights["token_weight"][tokens] + (0 if tables else weights["position_weight"][: tokens.shape[1]])
    for i, (k, v) in enumerate(ops.empty(len(tokens), depth, heads, weights["token_weight"])):
        at = f"blocks.{i}."
        x, *_ = _block(x, k, v, tables | {n.removeprefix(at): w for n, w in weights.items() if n.startswith(at)}, eps, tanh)
    return x @ weights["head_weight"].T


def _decode(tokens, heads, depth, eps, tanh, weights, keep):
    """Token by token, with what `keep(before, after)` makes of the cache."""
    cache, out = ops.empty(len(tokens), depth, heads, weights["token_weight"]), []
    for token in tokens.split(1, 1):
        now, after = ops.forward(token, cache, weights, eps, tanh)
        cache = keep(cache, after)
        out.append(now)
    return torch.cat(out, 1)


def decode_without_cache(*, tokens, heads, depth, eps, tanh, **weights):
    return _decode(tokens, heads, depth, eps, tanh, weights, lambda before, after: before)


def decode_shared_cache(*, tokens, heads, depth, eps, tanh, **weights):
    return _decode(tokens, heads, depth, eps, tanh, weights, lambda before, after: [after[0]] * depth)


def decode_keys_for_values(*, tokens, heads, depth, eps, tanh, **weights):
    return _decode(tokens, heads, depth, eps, tanh, weights, lambda before, after: [(v, k) for k, v in after])


def decode_positions_late(*, tokens, heads, depth, eps, tanh, **weights):
    late = {name: torch.cat([table[:1], table[2:], table[:1]]) for name, table in weights.items()
            if name in ("position_weight", "cosines", "sines")}  # fmt: skip
    return POINTS["gpt.decode"](tokens=tokens, heads=heads, depth=depth, eps=eps, tanh=tanh, **(weights | late))


MUTANTS = [
    Mutant("gpt.positions-from-zero", "gpt.embed", positions_from_zero, "positions start at 0 after a cache"),
    Mutant("gpt.positions-late", "gpt.embed", positions_late, "positions are off by one"),
    Mutant("gpt.positions-missing", "gpt.embed", positions_missing, "the positions are left out"),
    Mutant("gpt.variance-unbiased", "gpt.norm", variance_unbiased, "the variance is divided by D - 1"),
    Mutant("gpt.norm-eps-outside", "gpt.norm", eps_outside, "eps is added outside the root"),
    Mutant("gpt.qkv-swapped", "gpt.qkv", queries_and_keys_swapped, "queries and keys change places"),
    Mutant("gpt.qkv-bias-dropped", "gpt.qkv", bias_dropped, "the bias of the projection is left out"),
    Mutant("gpt.heads-inside", "gpt.heads", heads_inside, "each head has its queries, keys and values side by side"),
    Mutant("gpt.heads-interleaved", "gpt.heads", heads_interleaved, "a head takes every H-th entry"),
    Mutant("gpt.heads-by-view", "gpt.heads", heads_by_view, "tokens and heads are not transposed"),
    Mutant("gpt.angles-base", "gpt.angles", angles_base, "the base of the angles is another one"),
    Mutant("gpt.angles-half-exponent", "gpt.angles", angles_half_exponent, "the exponent is divided by the entries, not the pairs"),
    Mutant("gpt.angles-from-one", "gpt.angles", angles_from_one, "the first position is 1"),
    Mutant("gpt.angles-half-precision", "gpt.angles", angles_half_precision, "positions in bfloat16, where many are one"),
    Mutant("gpt.rotate-backwards", "gpt.rotate", rotate_backwards, "the rotation goes the other way"),
    Mutant("gpt.rotate-from-zero", "gpt.rotate", rotate_from_zero, "rotary positions start at 0 after a cache"),
    Mutant("gpt.rotate-late", "gpt.rotate", rotate_late, "rotary positions are off by one"),
    Mutant("gpt.rotate-neighbours", "gpt.rotate", rotate_neighbours, "neighbours are pairs, as in the paper, and not halves"),
    Mutant("gpt.rotate-by-head", "gpt.rotate", rotate_by_head, "the number of the head is taken for the position"),
    Mutant("gpt.rotate-cosines-for-sines", "gpt.rotate", rotate_cosines_for_sines, "cosines and sines change places"),
    Mutant("gpt.append-before", "gpt.append", append_before, "the new keys come first"),
    Mutant("gpt.append-over", "gpt.append", append_over, "the new keys are left out of the cache"),
    Mutant("gpt.scale-missing", "gpt.scores", scale_missing, "1/√d is left out"),
    Mutant("gpt.scale-twice", "gpt.scores", scale_twice, "the scale is 1/d"),
    Mutant("gpt.mask-missing", "gpt.weights", mask_missing, "later tokens are seen"),
    Mutant("gpt.mask-late", "gpt.weights", mask_late, "the next token is seen"),
    Mutant("gpt.mask-early", "gpt.weights", mask_early, "a token does not see itself"),
    Mutant("gpt.mask-without-cache", "gpt.weights", mask_without_cache, "the mask does not count the tokens of the cache"),
    Mutant("gpt.mask-with-zeros", "gpt.weights", mask_with_zeros, "masked scores are 0, not -∞"),
    Mutant("gpt.mask-after-softmax", "gpt.weights", mask_after_softmax, "the mask comes after the softmax"),
    Mutant("gpt.softmax-over-queries", "gpt.weights", softmax_over_queries, "the softmax runs over the queries"),
    Mutant("gpt.attend-unmasked", "gpt.attend", attend_unmasked, "attention without a mask"),
    Mutant("gpt.attend-from-the-left", "gpt.attend", attend_from_the_left, "the mask counts keys from the first one"),
    Mutant("gpt.merge-without-transpose", "gpt.merge", merge_without_transpose, "heads and tokens are not transposed"),
    Mutant("gpt.merge-interleaved", "gpt.merge", merge_interleaved, "the heads' entries are interleaved"),
    Mutant("gpt.proj-bias-dropped", "gpt.proj", bias_dropped, "the bias of the output projection is left out"),
    Mutant("gpt.branch-replaces", "gpt.add", branch_replaces, "the residual connection is left out"),
    Mutant("gpt.gelu-by-tanh", "gpt.gelu", gelu_by_tanh, "GELU by the tanh formula where it is exact"),
    Mutant("gpt.gelu-by-erf", "gpt.gelu_tanh", gelu_by_erf, "exact GELU where the weights need the tanh formula"),
    Mutant("gpt.gelu-square", "gpt.gelu_tanh", gelu_square, "x² for x³ in the tanh formula"),
    Mutant("gpt.block-post-norm", "gpt.block", block_post_norm, "the norms come after the branches, as in GPT-1"),
    Mutant("gpt.block-parallel", "gpt.block", block_parallel, "the perceptron does not see the attention's output"),
    Mutant("gpt.block-residual-from-norm", "gpt.block", block_residual_from_norm, "the residual starts after the norm"),
    Mutant("gpt.block-first-norm-twice", "gpt.block", block_first_norm_twice, "both branches have the first norm"),
    Mutant("gpt.block-other-gelu", "gpt.block", block_other_gelu, "the other form of GELU"),
    Mutant("gpt.block-keys-not-rotated", "gpt.block", block_keys_not_rotated, "the queries alone are rotated"),
    Mutant("gpt.block-queries-not-rotated", "gpt.block", block_queries_not_rotated, "the keys alone are rotated"),
    Mutant("gpt.block-values-rotated", "gpt.block", block_values_rotated, "the values are rotated too"),
    Mutant("gpt.block-keys-rotated-again", "gpt.block", block_keys_rotated_again, "the keys of the cache are rotated once more"),
    Mutant("gpt.block-cache-ignored", "gpt.block", block_cache_ignored, "earlier tokens are not attended to"),
    Mutant("gpt.block-cache-not-appended", "gpt.block", block_cache_not_appended, "the cache stays as it was"),
    Mutant("gpt.head-rolled", "gpt.head", head_rolled, "every token has its neighbour's logit"),
    Mutant("gpt.head-normed", "gpt.head", head_normed, "the rows of the head are normalized"),
    Mutant("gpt.head-transposed", "gpt.head", head_transposed, "the head's weight is read as its transpose"),
    Mutant("gpt.head-untied", "gpt.logits", head_untied, "the head has weights of its own where it is tied"),
    Mutant("gpt.last-norm-missing", "gpt.logits", last_norm_missing, "the last norm is left out"),
    Mutant("gpt.decode-without-cache", "gpt.decode", decode_without_cache, "the cache stays empty"),
    Mutant("gpt.decode-shared-cache", "gpt.decode", decode_shared_cache, "every block has the first one's cache"),
    Mutant("gpt.decode-keys-for-values", "gpt.decode", decode_keys_for_values, "keys and values change places in the cache"),
    Mutant("gpt.decode-positions-late", "gpt.decode", decode_positions_late, "from the second token on, positions are off by one"),
]
