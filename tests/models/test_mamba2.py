"""The real Mamba-2: shapes, gradients, and what the theorems about its mixer say of it."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyzoo.errors import InputError
from pyzoo.models.mamba2 import Mamba2, Mamba2Config
from pyzoo.ops import mamba2 as ops

SIZES = {"vocab": 11, "width": 8, "layers": 2, "head": 4, "state": 4}
seeds, lengths = st.integers(0, 2**16), st.integers(1, 40)


def built(seed: int = 0, chunk: int = 4) -> Mamba2:
    """A model in fp64, with weights that fp32 has too, whose states outlast a chunk."""
    torch.manual_seed(seed)
    model = Mamba2(Mamba2Config(**SIZES, chunk=chunk)).eval()
    for mixer in model.mixers:
        mixer.a_log.data.sub_(2)
    return model.double()


def close(x: torch.Tensor, model: Mamba2, tokens: torch.Tensor) -> bool:
    """Whether the last of these outputs are the model's but for roundings. Those of fp64 are 2^-29 of fp32's, so less than 2^-20 of
    what the same model is off by in fp32 is asked for: 2^9 is for errors of fp32 that happen to cancel."""
    exact, rough = model(tokens), copy.deepcopy(model).float()(tokens).double()
    n = x.shape[1]
    return bool((x - exact[:, -n:]).abs().max() <= 2**-20 * (rough - exact).abs().max())


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 33])
def test_shapes_at_any_length(length):
    assert built()(torch.zeros(3, length, dtype=torch.long)).shape == (3, length, 11)


def test_every_parameter_gets_a_gradient():
    model = built()
    model(torch.arange(11)[None]).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in model.parameters())


def test_steps_far_beyond_a_chunks_decay_have_finite_gradients():
    """`exp` of a difference above the diagonal would overflow."""
    dt = torch.full((1, 8, 1), 60.0, requires_grad=True)
    x, b = torch.randn(1, 8, 1, 2), torch.randn(1, 8, 3)
    ops.ssd(x=x, dt=dt, a=torch.tensor([-16.0]), b=b, c=b, d=torch.ones(1), chunk=8).sum().backward()
    assert dt.grad.isfinite().all()


@settings(max_examples=25, deadline=None)
@given(seeds, lengths, st.integers(1, 20), st.integers(1, 20))
def test_the_length_of_the_chunks_does_not_matter(seed, length, one, other):
    """`Spec.Ssd.chunked_eq_recurrent`."""
    tokens = torch.randint(11, (2, length), generator=torch.Generator().manual_seed(seed))
    assert close(built(seed, one)(tokens), built(seed, other), tokens)


@settings(max_examples=15, deadline=None)
@given(seeds, lengths)
def test_a_stream_gives_what_the_whole_sequence_gives(seed, length):
    """`Spec.Mamba2.run_eq_recurrentMixer`, and `Spec.Ssd.chunked_eq_recurrent` for the sequence in chunks."""
    model, tokens = built(seed), torch.randint(11, (2, length), generator=torch.Generator().manual_seed(seed))
    memory, out = model.start(2), []
    for token in tokens.unbind(1):
        logits, memory = model.step(token, memory)
        out.append(logits)
    assert close(torch.stack(out, 1), model, tokens)


def test_a_stream_that_forgets_its_state_is_seen():
    model, tokens = built(), torch.arange(9)[None]
    memory = model.start(1)
    for token in tokens[0, :-1]:
        _, memory = model.step(token[None], memory)
    forgotten = [(window, torch.zeros_like(h)) for window, h in memory]
    assert close(model.step(tokens[:, -1], memory)[0][:, None], model, tokens)
    assert not close(model.step(tokens[:, -1], forgotten)[0][:, None], model, tokens)


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(2, 20), st.data())
def test_outputs_do_not_depend_on_later_inputs(seed, length, data):
    """`Spec.Mamba2.mixer_causal`, bit for bit."""
    t = data.draw(st.integers(1, length - 1))
    model, a = built(seed), torch.randint(11, (1, length), generator=torch.Generator().manual_seed(seed))
    b = torch.cat((a[:, :t], (a[:, t:] + 3) % 11), 1)
    assert torch.equal(model(a)[:, :t], model(b)[:, :t])
    assert not torch.equal(model(a)[:, t:], model(b)[:, t:])


def test_a_head_that_does_not_divide_the_inner_width_is_refused():
    with pytest.raises(InputError, match="inner width 16 must be a multiple of the head width 5"):
        Mamba2Config(vocab=5, width=8, head=5)
