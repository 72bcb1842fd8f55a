"""`pyzoo conform mamba2`: correct models pass, wrong ones fail."""

import json

import pytest
import torch

from pyzoo.cli.conform import _model_of
from pyzoo.conformance import run
from pyzoo.conformance.judge import judge, judge_fact
from pyzoo.conformance.mutants import mutants
from pyzoo.conformance.trace import Call
from pyzoo.ops import mamba2 as ops


@pytest.mark.parametrize("seed", range(7))
def test_a_correct_model_passes(lean, seed):
    result = run.conform(lean, "mamba2", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"mamba2.parameters", *run.family("mamba2").POINTS}
    assert all(p.elements > 0 for p in result.points)
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


@pytest.mark.parametrize("mutant", mutants("mamba2"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "mamba2", mutant, seed=0, device="cpu")["killed"], mutant.why


@pytest.mark.parametrize("chunk", [1, 2, 5, 8])
def test_every_length_of_the_chunks_is_judged_by_its_own_text(lean, chunk):
    torch.manual_seed(chunk)
    x, b, c = torch.randn(1, 5, 2, 2), torch.randn(1, 5, 3), torch.randn(1, 5, 3)
    inputs = {"x": x, "dt": torch.rand(1, 5, 2), "a": -torch.rand(2), "b": b, "c": c, "d": torch.randn(2)}
    y = ops.ssd(**inputs, chunk=chunk)
    assert judge(lean, Call("mamba2.ssd", inputs, {"chunk": chunk}, y), 100).verdict == "WITHIN"
    y[0, 4, 1, 1] += 1e-4
    assert judge(lean, Call("mamba2.ssd", inputs, {"chunk": chunk}, y), 100).verdict == "FAIL"


def test_chunks_of_no_steps_are_refused(lean):
    x, b = torch.ones(1, 2, 1, 1), torch.ones(1, 2, 1)
    inputs = {"x": x, "dt": torch.ones(1, 2, 1), "a": -torch.ones(1), "b": b, "c": b, "d": torch.ones(1)}
    verdict = judge(lean, Call("mamba2.ssd", inputs, {"chunk": 0}, x), 10)
    assert verdict.verdict == "FAIL" and "'chunk' is 0" in verdict.message


def test_a_wrong_parameter_count_fails(lean):
    assert judge_fact(lean, "mamba2.parameters", [1], sizes=[7, 4, 2, 2, 4, 3, 4]).verdict == "FAIL"


def test_a_saved_run_is_judged_as_its_variant(tmp_path):
    for variant, family in (("mamba1", "mamba"), ("mamba2", "mamba2")):
        (tmp_path / "config.json").write_text(json.dumps({"model": "mamba", "config": {"variant": variant}}))
        assert _model_of(tmp_path) == family
