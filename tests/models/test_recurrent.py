"""The recurrent models: shapes, gradients, PyTorch's fused layers, and what the theorems say of the cells."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyzoo.data import shakespeare
from pyzoo.errors import InputError
from pyzoo.models.recurrent import LAYERS, RecurrentConfig, RecurrentModel
from pyzoo.tasks import task
from pyzoo.train.folder import RunFolder

KINDS = ("rnn", "lstm", "gru")


def model(kind: str, **settings) -> RecurrentModel:
    torch.manual_seed(0)
    return RecurrentModel(RecurrentConfig(kind, vocab=11, embed=6, hidden=8, layers=2, **settings)).eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 2, 7, 33])
def test_shapes_at_any_length(kind, length):
    assert model(kind)(torch.zeros(3, length, dtype=torch.long)).shape == (3, length, 11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [False, True])
def test_every_parameter_gets_a_gradient(kind, training):
    built = model(kind).train(training)
    built(torch.arange(11)[None]).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in built.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_pytorchs_fused_layers_and_our_cells_agree(kind):
    """In values and gradients, to fp64's rounding."""
    built, tokens = model(kind).double(), torch.randint(11, (3, 20))
    gradients = []
    for training in (False, True):
        logits = built.train(training)(tokens)
        gradients.append((logits, *torch.autograd.grad(logits.square().sum(), [*built.parameters()])))
    for ours, fused in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, fused, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_computes_what_a_sequence_does(kind):
    built, tokens = model(kind).double(), torch.arange(9)[None]
    memory, out = built.start(1), []
    for token in tokens[0]:
        logits, memory = built.step(token[None], memory)
        out.append(logits)
    torch.testing.assert_close(torch.stack(out, 1), built(tokens), rtol=1e-12, atol=1e-12)


def test_the_reset_gate_matters_where_it_acts():
    """`Spec.GRU.conventions_differ`, on the same weights; the first step from zeros is the same but for the bias."""
    after, before = model("gru"), model("gru", original=True)
    before.load_state_dict(after.state_dict())
    assert not torch.allclose(after(torch.arange(5)[None]), before(torch.arange(5)[None]), atol=1e-4)


def test_only_a_gru_has_an_original():
    with pytest.raises(InputError, match="setting of gru"):
        RecurrentConfig("lstm", vocab=5, original=True)


layers = st.sampled_from(sorted(LAYERS))
lengths = st.integers(1, 8)


def call(name: str, seed: int, length: int) -> dict[str, torch.Tensor]:
    """Inputs of a layer with 2 sequences, 3 inputs and 4 units, weights of any size."""
    generator = torch.Generator().manual_seed(seed)
    rows = {"rnn": 4, "lstm": 16}.get(name, 12)
    shapes = {"x": (2, length, 3), "h0": (2, 4), "weight_ih": (rows, 3), "weight_hh": (rows, 4), "bias_ih": (rows,),
              "bias_hh": (rows,)} | ({"c0": (2, 4)} if name == "lstm" else {})  # fmt: skip
    inputs = {key: 3 * torch.randn(shape, generator=generator) for key, shape in shapes.items()}
    return inputs | {"h0": torch.rand(2, 4, generator=generator) * 2 - 1}


@settings(deadline=None, max_examples=50)
@given(name=layers, seed=st.integers(0, 2**31), length=lengths, t=lengths)
def test_outputs_do_not_depend_on_later_inputs(name, seed, length, t):
    """`Spec.take_unroll`, bit for bit."""
    inputs = call(name, seed, length + t)
    later = inputs["x"].clone()
    later[:, t:] += 1
    whole, other = LAYERS[name](**inputs), LAYERS[name](**(inputs | {"x": later}))
    assert torch.equal(whole[:, :t], other[:, :t])
    assert torch.equal(whole[:, :t], LAYERS[name](**(inputs | {"x": inputs["x"][:, :t]})))


@settings(deadline=None, max_examples=50)
@given(name=layers.filter(lambda name: name != "lstm"), seed=st.integers(0, 2**31), length=lengths, t=lengths)
def test_a_sequence_can_be_cut_anywhere(name, seed, length, t):
    """`Spec.unroll_append`, bit for bit, with `Spec.getLast_unroll`: the last output is the state to go on from."""
    inputs = call(name, seed, length + t)
    whole = LAYERS[name](**inputs)
    rest = LAYERS[name](**(inputs | {"x": inputs["x"][:, t:], "h0": whole[:, t - 1]}))
    assert torch.equal(whole[:, t:], rest)


@settings(deadline=None, max_examples=50)
@given(name=layers, seed=st.integers(0, 2**31), length=lengths)
def test_outputs_stay_between_minus_one_and_one(name, seed, length):
    """`Spec.rnn_within`, `Spec.LSTM.layer_within`, `Spec.GRU.layer_within`, and the rounding of a blend."""
    assert LAYERS[name](**call(name, seed, length)).abs().max() <= 1 + 2**-22


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_training_beats_the_bigram_model(kind, tmp_path):
    module = task(kind)
    metrics = module.train(module.Config(steps=100, hidden=128, generate=20), RunFolder(tmp_path / "run"), "cpu")
    bigram = shakespeare.bigram_loss(shakespeare.load(None, 64))
    print(f"{kind}: validation loss {metrics['validation_loss']:.3f} after 100 steps, bigram {bigram:.3f}")
    assert metrics["validation_loss"] < bigram
    assert module.sample(RunFolder.open(tmp_path / "run"), prompt="KING").startswith("KING")


def test_the_bigram_loss_is_that_of_counting():
    """Of `abab` the pairs ab and ba are seen twice and once, and every pair once more."""
    text = shakespeare.Text("ab", torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1]))
    assert math.isclose(shakespeare.bigram_loss(text), -(math.log(3 / 4) + math.log(1 / 3)) / 2, rel_tol=1e-6)
