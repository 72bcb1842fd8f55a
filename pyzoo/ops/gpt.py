"""The operations of GPT (Radford et al., "Language Models are Unsupervised Multitask Learners"), as spec points. Its block is
the vision transformer's but for causal attention, so they share the operations.

Shapes: B texts, P tokens before, T tokens now, S = P + T keys, D width, H heads, d = D / H, V vocabulary, C positions,
e = d / 2 pairs of a head that is rotated. Lean: `Spec.GPT`, `Spec.causalAttend`, `Spec.embedAt`, `Spec.rotate`,
`Spec.rotaryAngle`.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops import vit
from pyzoo.ops.point import SINGLE, implements, spec_point


def _as_in(name: str) -> Callable[..., Tensor]:
    """The vision transformer's operation of that name, with its arithmetic, as GPT's spec point."""
    operation = getattr(vit, name).__wrapped__
    return spec_point(f"gpt.{name}", operation.arithmetic)(operation)


norm, qkv, scores, mix, proj, add, fc1, gelu, fc2 = map(
    _as_in, ("norm", "qkv", "scores", "mix", "proj", "add", "fc1", "gelu", "fc2")
)


@spec_point("gpt.embed")
def embed(*, tokens: Tensor, token_weight: Tensor, position_weight: Tensor, past: int) -> Tensor:
    """Rows of the tokens and of their positions: tokens (B,T) after `past` others, token_weight (V,D), position_weight
    (C,D) -> (B,T,D)."""
    return F.embedding(tokens, token_weight) + position_weight[past : past + tokens.shape[1]]


@spec_point("gpt.tokens")
def rows(*, tokens: Tensor, token_weight: Tensor) -> Tensor:
    """Rows of the tokens, where the positions are rotary: tokens (B,T), token_weight (V,D) -> (B,T,D)."""
    return F.embedding(tokens, token_weight)


@spec_point("gpt.heads")
def heads(*, qkv: Tensor, heads: int) -> Tensor:
    """Queries, keys and values of each head: qkv (B,T,3D) -> (3,B,H,T,d)."""
    return qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)


@spec_point("gpt.angles")
def angles(*, context: int, pairs: int) -> tuple[Tensor, Tensor]:
    """The cosines and the sines (C,e) of rotary positions (Su et al., section 3.2.2): position n rotates pair i by
    n 10000^(-i/e). They are computed in fp64: in fp32 an angle of a thousand is off by a ten-thousandth."""
    each = 10000.0 ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    angle = torch.arange(context, dtype=torch.float64)[:, None] * each
    return angle.cos().float(), angle.sin().float()


@spec_point("gpt.rotate")
def rotate(*, x: Tensor, cosines: Tensor, sines: Tensor, past: int) -> Tensor:
    """Rotary positions (Su et al., arXiv 2104.09864, equation 34): entries i and e + i of each row are a pair, rotated by the
    angle i of the row's position. x (B,H,T,d) after `past` other tokens, cosines and sines (C,e) -> (B,H,T,d)."""
    a, b = x.chunk(2, -1)
    c, s = (table[past : past + x.shape[2]] for table in (cosines, sines))
    return torch.cat([a * c - b * s, b * c + a * s], -1)


@spec_point("gpt.append")
def append(*, past: Tensor, now: Tensor) -> Tensor:
    """The keys or values so far: past (B,H,P,d), now (B,H,T,d) -> (B,H,P+T,d)."""
    return torch.cat([past, now], 2) if past.shape[2] else now


@spec_point("gpt.weights")
def weights(*, scores: Tensor) -> Tensor:
    """Softmax over the keys that each query sees, the last of which is its own; 0 for the others: scores (B,H,T,S) ->
    (B,H,T,S)."""
    T, S = scores.shape[-2:]
    later = torch.ones(T, S, dtype=torch.bool, device=scores.device).triu(S - T + 1)
    return scores.masked_fill(later, -math.inf).softmax(-1)


@spec_point("gpt.attend", SINGLE)
def attend(*, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of the last T of S tokens: q (B,H,T,d), k (B,H,S,d), v (B,H,S,d) -> (B,H,T,d)."""
    return mix(weights=weights(scores=scores(q=q, k=k)), v=v)


@spec_point("gpt.merge")
def merge(*, z: Tensor) -> Tensor:
    """The heads side by side: z (B,H,T,d) -> (B,T,D)."""
    return z.transpose(1, 2).flatten(2)


@spec_point("gpt.gelu_tanh")
def gelu_tanh(*, x: Tensor) -> Tensor:
    """x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, entry by entry: the GELU of GPT-2's published weights."""
    return F.gelu(x, approximate="tanh")


def _split(qkv: Tensor, count: int) -> tuple[Tensor, ...]:
    """Queries, keys and values of each head: qkv (B,T,3D) -> three of (B,H,T,d). Compiled code has no spec points, and is faster
    without one tensor that holds all three."""
    if torch.compiler.is_compiling():
        return tuple(y.unflatten(-1, (count, -1)).transpose(1, 2) for y in qkv.chunk(3, -1))
    return heads(qkv=qkv, heads=count).unbind()


def _block(norm: Callable[..., Tensor], attend: Callable[..., Tensor], *, x: Tensor, k: Tensor, v: Tensor,
           norm1_weight: Tensor, norm1_bias: Tensor, qkv_weight: Tensor, qkv_bias: Tensor, proj_weight: Tensor,
           proj_bias: Tensor, norm2_weight: Tensor, norm2_bias: Tensor, fc1_weight: Tensor, fc1_bias: Tensor,
           fc2_weight: Tensor, fc2_bias: Tensor, eps: float, tanh: int, cosines: Tensor | None = None,
           sines: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    y = norm(x=x, weight=norm1_weight, bias=norm1_bias, eps=eps)
    q, k_now, v_now = _split(qkv(x=y, weight=qkv_weight, bias=qkv_bias), k.shape[1])
    if cosines is not None:
        q, k_now = (rotate(x=y, cosines=cosines, sines=sines, past=k.shape[2]) for y in (q, k_now))
    k, v = append(past=k, now=k_now), append(past=v, now=v_now)
    y = proj(x=merge(z=attend(q=q, k=k, v=v)), weight=proj_weight, bias=proj_bias)
    x = add(x=x, y=y)
    y = fc1(x=norm(x=x, weight=norm2_weight, bias=norm2_bias, eps=eps), weight=fc1_weight, bias=fc1_bias)
    y = gelu_tanh(x=y) if tanh else gelu(x=y)
    return add(x=x, y=fc2(x=y, weight=fc2_weight, bias=fc2_bias)), k, v


@spec_point("gpt.block", SINGLE)
def block(*, x: Tensor, k: Tensor, v: Tensor, eps: float, tanh: int, **weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A block on the tokens now, with the keys and values of those before, k and v (B,H,P,d): x (B,T,D) -> (B,T,D) and
    the keys and values so far (B,H,P+T,d). `tanh` is 1 for the GELU of that name, 0 for the exact one; the weights are those
    of `pyzoo.models.gpt.Block`, and `cosines` and `sines` (C,e) where the positions are rotary."""
    return _block(norm, attend, x=x, k=k, v=v, eps=eps, tanh=tanh, **weights)


@implements("gpt.norm")
def fast_norm(*, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """`norm` as one kernel."""
    return F.layer_norm(x, weight.shape, weight, bias, float(eps))


@implements("gpt.attend", SINGLE)
def fast_attend(*, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """`attend` as one kernel."""
    T, S = q.shape[2], k.shape[2]
    mask = None if T in (1, S) else torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=1 < T == S)


@implements("gpt.block", SINGLE)
def fast_block(**inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`block` with attention and each norm as one kernel."""
    return _block(fast_norm, fast_attend, **inputs)


@spec_point("gpt.head", SINGLE)
def head(*, x: Tensor, weight: Tensor) -> Tensor:
    """The logits of the next token: x (B,T,D), weight (V,D) -> (B,T,V)."""
    return F.linear(x, weight)


Cache = list[tuple[Tensor, Tensor]]  # for each block the keys and values (B,H,P,d) of the P tokens so far


def hidden(tokens: Tensor, cache: Cache, weights: dict[str, Tensor], eps: float, tanh: int,
           fast: bool = False) -> tuple[Tensor, Cache]:  # fmt: skip
    """The network without its head on tokens (B,T) after those of the cache, with its weights by the names of
    `pyzoo.models.gpt`: (B,T,D), and the new cache. ValueError if there are more tokens than positions."""
    w, after = weights, []
    tables = {name: w[name] for name in ("cosines", "sines") if name in w}
    past, positions = cache[0][0].shape[2], len(w["cosines" if tables else "position_weight"])
    if past + tokens.shape[1] > positions:
        raise ValueError(f"{past + tokens.shape[1]} tokens are more than the {positions} positions of this GPT")
    x = rows(tokens=tokens, token_weight=w["token_weight"]) if tables else embed(
        tokens=tokens, token_weight=w["token_weight"], position_weight=w["position_weight"], past=past
    )  # fmt: skip
    for i, (k, v) in enumerate(cache):
        at = f"blocks.{i}."
        own = {name.removeprefix(at): weight for name, weight in w.items() if name.startswith(at)}
        x, k, v = (fast_block if fast else block)(x=x, k=k, v=v, eps=eps, tanh=tanh, **tables, **own)
        after.append((k, v))
    return (fast_norm if fast else norm)(x=x, weight=w["norm_weight"], bias=w["norm_bias"], eps=eps), after


def forward(tokens: Tensor, cache: Cache, weights: dict[str, Tensor], eps: float, tanh: int,
            fast: bool = False) -> tuple[Tensor, Cache]:  # fmt: skip
    """`hidden` and the head: the logits (B,T,V) after each token, and the new cache."""
    x, after = hidden(tokens, cache, weights, eps, tanh, fast)
    return head(x=x, weight=weights["head_weight"]), after


def empty(batch: int, depth: int, heads: int, like: Tensor) -> Cache:
    """The cache before the first token of a network that is as wide as `like` (V,D)."""
    nothing = like.new_zeros(batch, heads, 0, like.shape[1] // heads)
    return [(nothing, nothing)] * depth


@spec_point("gpt.logits", SINGLE)
def logits(*, tokens: Tensor, heads: int, depth: int, eps: float, tanh: int, **weights: Tensor) -> Tensor:
    """The whole network on a text, all tokens at once: tokens (B,T) -> the logits (B,T,V) after each."""
    return forward(tokens, empty(len(tokens), depth, heads, weights["token_weight"]), weights, eps, tanh)[0]


@spec_point("gpt.decode", SINGLE)
def decode(*, tokens: Tensor, heads: int, depth: int, eps: float, tanh: int, **weights: Tensor) -> Tensor:
    """The whole network on a text, one token after the other with a cache: tokens (B,T) -> the logits (B,T,V)."""
    cache, out = empty(len(tokens), depth, heads, weights["token_weight"]), []
    for token in tokens.split(1, 1):
        now, cache = forward(token, cache, weights, eps, tanh)
        out.append(now)
    return torch.cat(out, 1)
