"""GPT: sizes, causality, the cache, sampling, and addition."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from pyzoo.errors import InputError
from pyzoo.models import gpt
from pyzoo.models.gpt import GPT, GPTConfig
from pyzoo.ops import gpt as ops
from pyzoo.tasks import gpt as task
from pyzoo.tasks import gpt_adder, writing
from pyzoo.train.folder import RunFolder

PUBLISHED = {"GPT-2": 124_439_808, "GPT-2 medium": 354_823_168, "GPT-2 large": 774_030_080, "GPT-2 XL": 1_557_611_200}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_count_is_the_published_one(name):
    assert gpt.count_parameters(name) == PUBLISHED[name]


@pytest.mark.parametrize("wrong", [{"heads": 5}, {"width": 0}, {"depth": 0}, {"rotary": True}])
def test_sizes_that_make_no_model_are_refused(wrong):
    with pytest.raises(InputError, match="a GPT's"):
        GPTConfig(**({"vocab": 5, "context": 4, "width": 6, "depth": 1, "heads": 2} | wrong))


def model(seed: int = 0, **changes) -> GPT:
    torch.manual_seed(seed)
    return GPT(GPTConfig(**({"vocab": 11, "context": 12, "width": 8, "depth": 2, "heads": 2} | changes))).eval()


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_every_parameter_gets_a_gradient(tied, rotary):
    built = model(tied=tied, tanh=tied, rotary=rotary)
    built(torch.arange(12)[None] % 11).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in built.parameters())


def integers(seed: int, *shape: int) -> torch.Tensor:
    """Small integers in fp64: products and sums of them are exact, in any order."""
    return torch.randint(-3, 4, shape, generator=torch.Generator().manual_seed(seed)).double()


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**31), past=st.integers(0, 4), now=st.integers(1, 5), t=st.integers(0, 4))
def test_weights_do_not_depend_on_later_scores(seed, past, now, t):
    """`Spec.causalWeights_unseen`, bit for bit, and that a row has no other row's scores."""
    t = min(t, now - 1)
    scores = torch.randn(1, 2, now, past + now, generator=torch.Generator().manual_seed(seed))
    later = scores.clone()
    later[..., : t + 1, past + t + 1 :] = 1e4
    a, b = ops.weights(scores=scores)[:, :, : t + 1], ops.weights(scores=later)[:, :, : t + 1]
    assert torch.equal(a[..., : past + t + 1], b[..., : past + t + 1])
    assert not b[..., -1, past + t + 1 :].any()


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**31), cut=st.integers(1, 5))
def test_scores_and_cache_do_not_depend_on_where_a_text_is_cut(seed, cut):
    """`Spec.causalAttention_part`, in exact arithmetic: integers, and heads of 4 entries, whose root is 2."""
    qkv = integers(seed, 1, 6, 24)
    q, k, v = ops.heads(qkv=qkv, heads=2)
    _, k1, v1 = ops.heads(qkv=qkv[:, :cut], heads=2)
    q2, k2, v2 = ops.heads(qkv=qkv[:, cut:], heads=2)
    assert torch.equal(ops.append(past=k1, now=k2), k) and torch.equal(ops.append(past=v1, now=v2), v)
    assert torch.equal(ops.scores(q=q2, k=ops.append(past=k1, now=k2)), ops.scores(q=q, k=k)[:, :, cut:])


def quarters(turns: tuple[int, int], context: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tables in which position n turns pair i by n turns[i] quarters: cosines and sines that are integers."""
    cosine = torch.tensor([1, 0, -1, 0]).double()
    angle = torch.arange(context)[:, None] * torch.tensor(turns)
    return cosine[angle % 4], cosine[(angle - 1) % 4]


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**31), past=st.integers(0, 4), later=st.integers(1, 9), turns=st.tuples(*[st.integers(0, 3)] * 2))
def test_attention_does_not_change_if_all_rotary_positions_are_later(seed, past, later, turns):
    """`Spec.causalAttend_later`, bit for bit: integers turned by quarters, and heads of 4 entries, whose root is 2."""
    cosines, sines = quarters(turns, 20)
    q, v = integers(seed, 1, 2, 3, 4), integers(seed + 1, 1, 2, past + 3, 4)
    k = integers(seed + 2, 1, 2, past + 3, 4)
    turned = lambda x, past: ops.rotate(x=x, cosines=cosines, sines=sines, past=past)  # noqa: E731
    there = ops.attend(q=turned(q, past), k=turned(k, 0), v=v)
    assert torch.equal(ops.attend(q=turned(q, later + past), k=turned(k, later), v=v), there)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**31), cut=st.integers(1, 5))
def test_rotated_keys_do_not_depend_on_where_a_text_is_cut(seed, cut):
    """`Spec.Cache.push_holds`, bit for bit: what is kept of a text in parts is what is kept of the whole."""
    cosines, sines = ops.angles(context=6, pairs=3)
    k = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(seed))
    rotated = [ops.rotate(x=part, cosines=cosines, sines=sines, past=past) for part, past in ((k, 0), (k[:, :, cut:], cut))]
    assert torch.equal(rotated[0][:, :, cut:], rotated[1])
    assert torch.equal(rotated[0][:, :, 0], k[:, :, 0]) and not torch.equal(rotated[0], k)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), t=st.integers(1, 6), rotary=st.booleans())
def test_logits_do_not_depend_on_later_tokens(seed, t, rotary):
    """`Spec.GPT.logits_causal`, bit for bit between texts of one length: only what is multiplied by a weight of 0 differs."""
    built = model(seed, rotary=rotary)
    tokens = torch.randint(11, (1, 7), generator=torch.Generator().manual_seed(seed))
    other = tokens.clone()
    other[:, t:] = (other[:, t:] + 1) % 11
    assert torch.equal(built(tokens)[:, :t], built(other)[:, :t])


def test_sampling_is_by_the_seed_and_the_likeliest_with_top_k_of_1():
    built = model(vocab=40)
    write = lambda seed, top_k: [*writing.stream(built, [1, 2], 30, 1.0, top_k, seed)]  # noqa: E731
    assert write(0, None) == write(0, None) != write(1, None)
    assert write(0, 1) == write(1, 1)
    assert len(set(write(0, None))) > 5


@torch.no_grad()
@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("past", [0, 5, 11, 12])  # after 11 tokens one row is left, which could stand for two
def test_more_tokens_than_positions_are_refused(past, rotary):
    built, tokens = model(rotary=rotary), torch.zeros(1, 13, dtype=torch.int64)
    _, cache = built.extend(tokens[:, :past], built.start(1)) if past else (None, built.start(1))
    with pytest.raises(ValueError, match="13 tokens are more than the 12 positions of this GPT"):
        built.extend(tokens[:, past:], cache)


@torch.no_grad()
def test_a_stream_longer_than_the_context_goes_on_from_its_half():
    built = model()
    written = [3, *writing.stream(built, [3], 30, 1.0, 1, 0)]
    assert len(written) == 31
    held = 1
    for i in range(1, 31):  # the token i was chosen after the last `held` ones
        assert built(torch.tensor([written[i - held : i]]))[0, -1].argmax() == written[i]
        held = 6 if held == 12 else held + 1


def test_the_digits_of_a_sum_come_in_reverse_order():
    x = gpt_adder.tokens(torch.tensor([7, 95]), torch.tensor([48, 8]), 2)
    assert x.tolist() == [[0, 7, 4, 8, 5, 5, 0], [9, 5, 0, 8, 3, 0, 1]]


def test_a_short_training_learns_to_carry(tmp_path):
    """Without carrying, 55² of the 100² sums of two digits are right."""
    metrics = gpt_adder.train(gpt_adder.Config(steps=500, batch=128), RunFolder(tmp_path / "run"), "cpu")
    print(f"accuracy {metrics['test_accuracy']:.3f} on unseen sums")
    assert metrics["test_accuracy"] > 0.5
    assert gpt_adder.sample(tmp_path / "run", prompt="3+4").startswith("3+4=")
    for prompt in ("", "123+4", "a+b", "3-4", "٣+٤"):
        with pytest.raises(InputError, match="two numbers of at most 2 digits"):
            gpt_adder.sample(tmp_path / "run", prompt=prompt)


def test_what_is_trained_on_and_what_is_not_are_all_sums():
    held = gpt_adder.unseen(gpt_adder.Config())
    assert len(held) == len(held.unique()) == 500 and 0 <= held.min() and held.max() < 100**2
    assert not torch.equal(held, gpt_adder.unseen(gpt_adder.Config(seed=1)))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="the loss is compiled on a GPU alone")
@pytest.mark.parametrize("tied", [False, True])
def test_the_compiled_loss_follows_tokens_and_weights(tied):
    """CUDA graphs read the addresses that they were recorded with. Each gradient is within a rounding of bfloat16 of fp64, in the norm,
    or twice as far away as without them; that of the step before is not."""
    built = model(vocab=65, context=32, width=64, tied=tied, fast_kernels=True).cuda()
    loss, weights, before = task.loss_of(built), list(built.parameters()), None

    def gradients(value: torch.Tensor, of: list[torch.Tensor]) -> list[torch.Tensor]:
        return [value.detach().double(), *(g.double() for g in torch.autograd.grad(value, of))]

    for seed in range(5):
        tokens = torch.randint(65, (4, 33), generator=torch.Generator().manual_seed(seed)).cuda()
        given, after = tokens[:, :-1], tokens[:, 1:]
        twin = deepcopy(built).double()
        exact = gradients(twin.loss(given, after), list(twin.parameters()))
        with torch.autocast("cuda", torch.bfloat16):
            logits, _ = ops.forward(given, built.start(4), built.weights(), gpt.EPS, 0)
            plain = gradients(cross_entropy(logits.flatten(0, 1), after.flatten()), weights)
        with torch.no_grad():
            loss(given[:2], after[:2])
        found = gradients(loss(given, after), weights)
        for f, p, e, b in zip(found, plain, exact, before or exact, strict=True):
            bound = max(2**-8 * e.norm(), 2 * (p - e).norm())
            assert (f - e).norm() <= bound
            assert before is None or f.dim() == 0 or (f - b).norm() > bound
        before = exact
        with torch.no_grad():
            for weight in weights:
                weight.add_(0.2 * weight.abs().mean() * torch.randn_like(weight))
