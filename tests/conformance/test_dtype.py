"""Correct models in every dtype that has a rounding model, and what happens where its numbers end."""

from dataclasses import replace

import pytest
import torch

from pyzoo.conformance import FAMILIES, run
from pyzoo.conformance.judge import judge
from pyzoo.conformance.rounding import rounding
from pyzoo.conformance.trace import Call
from pyzoo.errors import InputError
from pyzoo.ops.point import Arithmetic


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_correct_model_passes(lean, family, dtype):
    result = run.conform(lean, family, 2, dtype=dtype)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]


@pytest.mark.parametrize(("dtype", "big"), [(torch.float16, 6e4), (torch.float32, 3e38), (torch.float64, 1.7e308)])
def test_an_overflow_is_reported_as_one(lean, dtype, big):
    x = torch.tensor([1.0, big], dtype=dtype)
    verdict = judge(lean, Call("resnet.add", {"x": x, "y": x}, {}, x + x), 10)
    assert verdict.verdict == "UNBOUNDED" and "1 entries overflow" in verdict.message


def test_a_factor_that_overflows_when_it_is_cast_is_reported_as_one(lean):
    x, weight = torch.tensor([[3.4e38]]), torch.tensor([[1e-3]])
    output = x.bfloat16().float() @ weight.bfloat16().float().T
    assert output.isinf().all()
    call = Call("mamba.head", {"x": x, "weight": weight}, {}, output, None, Arithmetic(cast="bfloat16"))
    assert judge(lean, call, 1).verdict == "UNBOUNDED"
    x = torch.tensor([[3.3e38]])
    output = x.bfloat16().float() @ weight.bfloat16().float().T
    assert judge(lean, replace(call, inputs={"x": x, "weight": weight}, output=output), 1).verdict == "WITHIN"


def test_a_constant_beyond_the_largest_number_is_reported_as_one(lean):
    """The number of entries, 2^16, is infinite in fp16, so a mean that divides by it is 0."""
    x = torch.full((1, 1, 256, 256), 0.25).half()
    output = x.float().sum((2, 3)).half() / torch.tensor(65536.0).half()
    call = Call("resnet.pool", {"x": x}, {}, output, None, Arithmetic("tree:17", "float32"))
    assert output.item() == 0 and judge(lean, call, 1).verdict == "UNBOUNDED"


@pytest.mark.parametrize(("size", "verdict"), [(6e4, "EXACT"), (6.55e4, "UNBOUNDED")])
def test_a_sum_is_bounded_up_to_the_largest_number(lean, size, verdict):
    x, weight = torch.tensor([[size]]).half(), torch.ones(1, 1).half()
    assert judge(lean, Call("mamba.head", {"x": x, "weight": weight}, {}, x), 1).verdict == verdict


@pytest.mark.parametrize(
    ("dtype", "arithmetic"),
    [(torch.bfloat16, Arithmetic(accumulator="float16")), (torch.float64, Arithmetic(cast="tfloat32"))],
)
def test_there_is_no_model_for_sums_in_a_narrower_range(dtype, arithmetic):
    assert rounding(dtype, arithmetic) is None


def test_factors_underflow_in_the_format_that_they_are_cast_to():
    assert rounding(torch.float32, Arithmetic("any", "float64", "tfloat32"))["sum_smallest"] == 126


def test_an_infinity_where_nothing_overflows_fails(lean):
    x = torch.ones(2)
    verdict = judge(lean, Call("resnet.add", {"x": x, "y": x}, {}, torch.tensor([2.0, float("inf")])), 10)
    assert verdict.verdict == "FAIL" and verdict.worst_index == [1]


def test_softplus_with_torchs_own_threshold_is_not_faithful_in_float64(lean):
    """Beyond 20, torch.nn.functional.softplus returns its argument, which is off by up to 2e-9."""
    inputs = {"x": torch.zeros(1, 1, 1), "weight": torch.zeros(1, 1), "bias": torch.tensor([21.0])}
    for dtype, expected in ((torch.float32, "WITHIN"), (torch.float64, "FAIL")):
        call = {name: x.to(dtype) for name, x in inputs.items()}
        output = torch.nn.functional.softplus(call["x"] @ call["weight"] + call["bias"])
        assert judge(lean, Call("mamba.dt", call, {}, output), 10).verdict == expected


def test_an_unknown_dtype_is_bad_input():
    with pytest.raises(InputError, match="float32, float64, bfloat16, float16, not 'int8'"):
        run.dtype_of("int8")
