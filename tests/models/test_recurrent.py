"""The recurrent models: shapes, gradients, PyTorch's fused layers, and what the theorems say of the cells."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyzoo.conformance.gradient import ENTRIES, entries, gradients, on
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call
from pyzoo.data import shakespeare
from pyzoo.errors import InputError
from pyzoo.models.recurrent import FUSED, LAYERS, RecurrentConfig, RecurrentModel
from pyzoo.tasks import task
from pyzoo.train.folder import RunFolder

KINDS = ("rnn", "lstm", "gru")


def model(kind: str, **settings) -> RecurrentModel:
    torch.manual_seed(0)
    return RecurrentModel(RecurrentConfig(kind, **({"vocab": 11, "embed": 6, "hidden": 8, "layers": 2} | settings))).eval()


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
def test_a_layer_that_training_runs_has_the_values_and_gradients_of_the_specification(lean, kind):
    """The fused layer on the model's own weights, from the zero state, judged at the layer's spec point."""
    torch.manual_seed(1)
    built = RecurrentModel(RecurrentConfig(kind, vocab=7, embed=3, hidden=2)).train()
    tokens = torch.randint(7, (2, 2))
    states = {f"{name}0": s.detach() for name, s in built.start(2)[0].items()}
    inputs = {"x": built.embedding[tokens].detach(), **states, **{k: w.detach() for k, w in built.weights(0).items()}}

    def fused(*, x, h0, c0=None, **weights):
        named = {f"{name}_l0": w for name, w in weights.items()}
        return torch.func.functional_call(built.core, named, (x, h0[None] if c0 is None else (h0[None], c0[None])))[0]

    output = fused(**inputs).detach()
    assert torch.equal(built(tokens), built.head(output))
    call = Call(f"{kind}.layer", inputs, {}, output)
    assert judge(lean, call, output.numel()).holds
    for answered in gradients(call, 0, on(fused, "cpu")):
        assert judge(lean, answered, 0, indices=entries(answered, ENTRIES, 0)).holds, answered.wrt


@pytest.mark.parametrize("kind", KINDS)
def test_training_runs_one_layer_after_the_other(kind):
    """Bit for bit: the two layers of the model, and each alone."""
    built, tokens = model(kind).double().train(), torch.randint(11, (3, 20))
    x = built.embedding[tokens]
    for layer in range(2):
        single = FUSED[kind](x.shape[-1], 8, batch_first=True, dtype=torch.float64)
        single.load_state_dict({f"{name}_l0": weight for name, weight in built.weights(layer).items()})
        x = single(x)[0]
    assert torch.equal(built(tokens), built.head(x))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_computes_what_a_sequence_does(kind):
    """Bit for bit: the head is the identity, so that every product but those of the cells is with 0 or 1."""
    built, tokens = model(kind, vocab=8), torch.arange(8)[None]
    built.head.load_state_dict({"weight": torch.eye(8), "bias": torch.zeros(8)})
    memory, out = built.start(1), []
    for token in tokens[0]:
        logits, memory = built.step(token[None], memory)
        out.append(logits)
    assert torch.equal(torch.stack(out, 1), built(tokens))


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
    """`Spec.rnn_within`, `Spec.LSTM.layer_within`, `Spec.GRU.layer_within`. Rounding keeps it so: it is monotone, and of a GRU's
    blend `1 - z` is off by 2^-25 at most, less than half of what separates 1 from the next number."""
    assert LAYERS[name](**call(name, seed, length)).abs().max() <= 1


def bigram_loss(text: shakespeare.Text) -> float:
    """The mean loss, in nats for each character of the validation text, of the bigram model of the training text in which
    every pair was seen once more: what a model must beat to have learned more than which character follows which."""
    size = len(text.vocabulary)
    pairs = torch.bincount(text.train[:-1] * size + text.train[1:], minlength=size * size).reshape(size, size) + 1.0
    losses = -torch.log(pairs / pairs.sum(1, keepdim=True))
    return losses[text.validation[:-1], text.validation[1:]].mean().item()


LEARNERS = dict.fromkeys(KINDS, {"steps": 100, "hidden": 128}) | {
    "chargpt": {"steps": 250}, "mamba": {"steps": 80, "variant": "mamba2"}}  # fmt: skip


@pytest.mark.parametrize(("kind", "sizes"), LEARNERS.items())
def test_a_short_training_beats_the_bigram_model(kind, sizes, tmp_path):
    module = task(kind)
    metrics = module.train(module.Config(**sizes, generate=20), RunFolder(tmp_path / "run"), "cpu")
    bigram = bigram_loss(shakespeare.load(None, 64))
    print(f"{kind}: validation loss {metrics['validation_loss']:.3f} after {sizes['steps']} steps, bigram {bigram:.3f}")
    assert metrics["validation_loss"] < bigram
    assert module.sample(tmp_path / "run", prompt="KING").startswith("KING")


def test_the_bigram_loss_is_that_of_counting():
    """Of `abab` the pairs ab and ba are seen twice and once, and every pair once more."""
    text = shakespeare.Text("ab", torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1]))
    assert math.isclose(bigram_loss(text), -(math.log(3 / 4) + math.log(1 / 3)) / 2, rel_tol=1e-6)
