"""`pyzoo conform mamba`: correct models pass, wrong ones fail, and nothing that is not a number passes."""

import pytest
import torch

from pyzoo.conformance import run
from pyzoo.conformance.judge import judge, judge_fact
from pyzoo.conformance.mutants import mutants
from pyzoo.conformance.trace import Call


@pytest.mark.parametrize("seed", range(20))
def test_a_correct_model_passes(lean, seed):
    result = run.conform(lean, "mamba", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"mamba.parameters", *run.family("mamba").POINTS}
    assert all(p.elements > 0 for p in result.points)
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


@pytest.mark.parametrize("mutant", mutants("mamba"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "mamba", mutant, seed=2, device="cpu")["killed"], mutant.why


def linear(**changes) -> Call:
    x, weight = torch.randn(2, 3, 4), torch.randn(5, 4)
    inputs = {"x": x, "weight": weight} | changes.pop("inputs", {})
    return Call("mamba.head", inputs, {}, changes.pop("output", x @ weight.T))


def test_a_correct_linear_layer_is_within_its_budget(lean):
    assert judge(lean, linear(), 1000).verdict == "WITHIN"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_output_that_is_not_finite_fails_and_is_located(lean, value):
    call = linear()
    call.output[1, 2, 3] = value
    verdict = judge(lean, call, 1000)
    assert verdict.verdict == "FAIL" and verdict.worst_index == [1, 2, 3]


def test_an_input_that_is_not_finite_fails_and_is_named(lean):
    call = linear()
    call.inputs["x"][0, 0, 1] = float("nan")
    verdict = judge(lean, call, 1000)
    assert verdict.verdict == "FAIL" and "'x' entry 1 is NaN or infinite" in verdict.message


def test_a_wrong_shape_fails_and_is_named(lean):
    verdict = judge(lean, linear(output=torch.zeros(2, 3, 6)), 1000)
    assert verdict.verdict == "FAIL" and "[2, 3, 6]" in verdict.message and "[2, 3, 5]" in verdict.message


def test_a_wrong_dtype_fails_and_is_named(lean):
    call = linear()
    call.output = call.output.double()
    verdict = judge(lean, call, 1000)
    assert verdict.verdict == "FAIL" and "float64" in verdict.message


def test_a_missing_input_fails_and_is_named(lean):
    call = linear()
    del call.inputs["weight"]
    verdict = judge(lean, call, 1000)
    assert verdict.verdict == "FAIL" and "'weight' is missing" in verdict.message


def test_a_dtype_without_a_rounding_model_is_unbounded(lean):
    call = Call("mamba.head", {}, {}, torch.zeros(2, dtype=torch.complex64))
    assert judge(lean, call, 10).verdict == "UNBOUNDED"


def test_an_empty_output_is_vacuous(lean):
    x, weight = torch.randn(0, 3, 4), torch.randn(5, 4)
    assert judge(lean, Call("mamba.head", {"x": x, "weight": weight}, {}, x @ weight.T), 10).verdict == "VACUOUS"


def test_one_changed_bit_beyond_the_budget_fails(lean):
    call = linear()
    flipped = call.output.view(torch.int32)
    flipped[0, 0, 0] ^= 1 << 12
    assert judge(lean, call, 1000).verdict == "FAIL"


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e30])
def test_subnormal_and_huge_numbers_are_judged(lean, scale):
    x, weight = torch.randn(2, 4) * scale, torch.randn(3, 4)
    assert judge(lean, Call("mamba.head", {"x": x, "weight": weight}, {}, x @ weight.T), 10).holds


def test_a_wrong_parameter_count_fails(lean):
    sizes = [7, 4, 2, 8, 3, 1, 4]
    assert judge_fact(lean, "mamba.parameters", [1], sizes=sizes).verdict == "FAIL"


def test_a_point_that_was_never_reached_is_vacuous(lean):
    verdicts = run.judge_calls(lean, "mamba", [], seed=0)
    assert {v.verdict for v in verdicts} == {"VACUOUS"}
