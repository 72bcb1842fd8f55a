"""`pyzoo bench`: what it refuses, and how it prints and stores a row."""

import json

import pytest
import torch
from typer.testing import CliRunner

from pyzoo import bench
from pyzoo.bench import Row, Runner, compare, document, errors_of, scan
from pyzoo.cli import app
from pyzoo.cli import bench as command
from pyzoo.errors import InputError
from pyzoo.ops.selective_scan import selective_scan


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


def test_what_has_gradients_far_from_fp64_is_not_timed():
    x = torch.ones(3, requires_grad=True)
    right, wrong = Runner(lambda: 2 * x, (x,)), Runner(lambda: 3 * x - x.detach(), (x,))
    exact = torch.full((3,), 2.0, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)
    ask = ("doubling", exact, torch.ones(3), 24, "cpu", None, torch.float32)
    (row,) = compare(ask[0], {"right": right}, *ask[1:])
    assert row.error == row.gradients == 0 and set(row.times) == {"forward", "recorded", "backward"}
    with pytest.raises(ValueError, match=r"wrong is 5.0e-01 of the norm away from fp64 on doubling, gradient 0"):
        list(compare(ask[0], {"right": right, "wrong": wrong}, *ask[1:]))


def test_the_scans_values_in_fp64_are_those_of_the_operator(monkeypatch):
    monkeypatch.setattr(scan, "PIECE", 7)
    x = {name: tensor.double().requires_grad_() for name, tensor in scan.inputs(2, 3, 20, torch.float32, "cpu").items()}
    grad = torch.randn(2, 20, 3, dtype=torch.float64)
    y = selective_scan(**x)[0]
    expected = y, *torch.autograd.grad(y, tuple(x.values()), grad)
    for found, value in zip(scan.exact({n: t.detach() for n, t in x.items()}, grad), expected, strict=True):
        torch.testing.assert_close(found, value.detach(), rtol=1e-12, atol=1e-12)


def test_a_row_is_printed_beside_ours():
    ours, other = (Row("p", name, {"forward": ms, "backward": 2 * ms}, 1e-7, 2e-6, 10**9, 1.0, 8)
                   for name, ms in (("pyzoo", 2.0), ("other", 4.0)))  # fmt: skip
    line = command._line(other, ours)
    assert line["× ours"] == "2.00, 2.00" and line["GB/s"] == "250" and line["of floor"] == "25%" and line["tokens/s"] == "2,000"
    assert line["error"] == "1e-07, 2e-06"
    assert json.loads(json.dumps(document([ours], "cpu")))["rows"][0]["times"] == {"forward": 2.0, "backward": 4.0}


def test_times_are_medians_of_milliseconds(monkeypatch):
    ticks = iter([0.0, 1.0] * 100)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(ticks))
    assert bench.times({"one": lambda: None}, "cpu") == {"one": 1000.0}
