"""`pyzoo bench`: what it refuses, and how it prints and stores a row."""

import json
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from pyzoo import bench
from pyzoo.bench import Row, Runner, compare, decode, document, errors_of, scan
from pyzoo.cli import app
from pyzoo.cli import bench as command
from pyzoo.conformance.gradient import COTANGENT
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call
from pyzoo.errors import InputError
from pyzoo.models.mamba import Mamba, MambaConfig


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["rockets"], "'rockets' has no benchmark; there are scan, recurrence, spectral, gpt, mamba, decode"),
    (["scan", "--out", "nowhere/table.json"], "--out: nowhere is not a folder"),
])  # fmt: skip
def test_bad_input_is_one_sentence(arguments, sentence):
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert isinstance(result.exception, InputError) and str(result.exception) == sentence


def test_what_is_far_from_fp64_is_not_timed():
    exact = torch.ones(4, dtype=torch.float64)
    assert errors_of("ones", {"right": exact.float()}, exact, torch.float32) == {"right": 0}
    for wrong in (exact + 1e-3, exact * torch.nan):
        with pytest.raises(ValueError, match="wrong is .* of the norm away from fp64 on ones"):
            errors_of("ones", {"right": exact, "wrong": wrong}, exact, torch.float32)


def test_gradients_far_from_fp64_are_not_timed():
    x = torch.ones(3, requires_grad=True)
    right, wrong = Runner(lambda: 2 * x, (x,)), Runner(lambda: 3 * x - x.detach(), (x,))
    lost = Runner(lambda: 2 * x + 0 * (x - 1).sqrt(), (x,))
    exact = torch.full((3,), 2.0, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)
    ask = ("doubling", exact, torch.ones(3), 24, "cpu", None, torch.float32)
    rows = {row.name: row for row in compare(ask[0], {"pyzoo": right, "wrong": wrong, "lost": lost}, *ask[1:])}
    assert rows["pyzoo"].error == rows["pyzoo"].gradients == 0 and set(rows["pyzoo"].times) == {"forward", "recorded", "backward"}
    assert rows["wrong"].gradients == 0.5 and rows["lost"].gradients != rows["lost"].gradients  # not a number
    for name in ("wrong", "lost"):
        line = command._line(rows[name], rows["pyzoo"])
        assert line["backward ms"] == "wrong" and line["× ours"].count(",") == 1
    with pytest.raises(ValueError, match="a gradient of pyzoo's is 5.0e-01 of the norm away from fp64 on doubling"):
        list(compare(ask[0], {"pyzoo": wrong}, *ask[1:]))


def test_lean_judges_the_scans_values_and_gradients_in_fp64(lean, monkeypatch):
    monkeypatch.setattr(scan, "PIECE", 2)
    x = {name: tensor.double() for name, tensor in scan.inputs(1, 1, 5, torch.float32, "cpu").items()}
    grad = torch.randn(1, 5, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y, *gradients = scan.exact(x, grad)
    grouped = {name: tensor[:, :, None] if name in "bc" else tensor for name, tensor in x.items()}
    call = Call("mamba.selective_scan", grouped | {"h0": torch.zeros(1, 1, scan.STATES).double()}, {}, y)
    assert judge(lean, call, 5).verdict == "WITHIN"
    for name, found in zip(x, gradients, strict=True):
        answered = replace(call, inputs=call.inputs | {COTANGENT: grad}, wrt=name, output=found.reshape(grouped[name].shape))
        assert judge(lean, answered, 0, indices=[0]).verdict == "WITHIN", name


@torch.no_grad()
def test_what_decodes_remembers_the_tokens_before():
    pytest.importorskip("transformers")
    model = Mamba(MambaConfig(16, 8, 2)).eval()
    prompt = torch.randint(16, (6, 2))
    exact = deepcopy(model).double()(prompt.T)
    steps = {"eager": decode.eager(model, 2), "transformers": decode.transformers(model),
             "forgetful": lambda tokens: decode.eager(model, 2)(tokens)}  # fmt: skip
    outputs = {name: torch.stack([step(tokens) for tokens in prompt], 1) for name, step in steps.items()}
    with pytest.raises(ValueError, match="^forgetful is"):
        errors_of("a prompt", outputs, exact, torch.float32)


def test_a_row_is_printed_beside_ours():
    ours, other = (Row("p", name, {"forward": ms, "backward": 2 * ms}, 1e-7, gradients=2e-6, moved=10**9, floor=1.0, tokens=8)
                   for name, ms in (("pyzoo", 2.0), ("other", 4.0)))  # fmt: skip
    line = command._line(other, ours)
    assert line["× ours"] == "2.00, 2.00" and line["GB/s"] == "250" and line["of floor"] == "25%" and line["tokens/s"] == "2,000"
    assert line["error"] == "1e-07, 2e-06"
    assert json.loads(json.dumps(document([ours], "cpu")))["rows"][0]["times"] == {"forward": 2.0, "backward": 4.0}


def test_times_are_medians_of_milliseconds(monkeypatch):
    ticks = iter([0.0, 1.0] * 100)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(ticks))
    assert bench.times({"one": lambda: None}, "cpu") == {"one": 1000.0}
