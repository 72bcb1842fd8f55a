"""The real Mamba: shapes, gradients, and what the theorems about its mixer say of it."""

import pytest
import torch

from pyzoo.errors import InputError
from pyzoo.models.mamba import Mamba, MambaConfig
from pyzoo.tasks.mamba import Config
from pyzoo.train.folder import RunFolder


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Mamba(MambaConfig(vocab=11, width=8, layers=2, state=4)).eval()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 33])
def test_shapes_at_any_length(model, length):
    assert model(torch.zeros(3, length, dtype=torch.long)).shape == (3, length, 11)


def test_every_parameter_gets_a_gradient(model):
    model(torch.arange(11)[None]).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("t", [1, 4, 6])
def test_outputs_do_not_depend_on_later_inputs(model, t):
    """`Spec.Mamba.mixer_causal`, bit for bit."""
    a = torch.arange(7)[None]
    b = torch.cat((a[:, :t], a[:, t:] + 3), 1)
    assert torch.equal(model(a)[:, :t], model(b)[:, :t])
    assert not torch.equal(model(a)[:, t:], model(b)[:, t:])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"prompt": ""}, "--prompt"), ({"window": 0}, "--window"), ({"temperature": 0.0}, "--temperature")],
)
def test_settings_out_of_range_are_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Config(**settings)


def test_an_unseen_prompt_is_refused_and_nothing_is_written(tmp_path):
    from pyzoo.tasks import mamba

    with pytest.raises(InputError, match="'€'"):
        mamba.train(Config(prompt="€", steps=1), RunFolder(tmp_path / "run"), "cpu")
    assert not (tmp_path / "run").exists()


def test_a_run_can_be_loaded_and_continues_its_prompt(tmp_path):
    from pyzoo.tasks import mamba

    text = tmp_path / "text.txt"
    text.write_text("to be or not to be, that is the question\n" * 60)
    config = Config(steps=2, batch=4, window=16, width=16, layers=1, generate=20, prompt="to be", data_file=str(text))
    mamba.train(config, RunFolder(tmp_path / "run"), "cpu")
    for name in ("config.json", "metrics.jsonl", "checkpoint", "loss.png", "sample.txt"):
        assert (tmp_path / "run" / name).exists()
    written = mamba.sample(tmp_path / "run", prompt="that")
    assert written.startswith("that") and len(written) == 24
