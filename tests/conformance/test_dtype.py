"""Correct models in every dtype that has a rounding model, and what happens where its numbers end."""

import pytest
import torch

from pyzoo.conformance import FAMILIES, run
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call
from pyzoo.errors import InputError


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
