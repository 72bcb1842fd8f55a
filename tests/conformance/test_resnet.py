"""`pyzoo conform resnet`: correct models pass, wrong ones fail."""

import pytest
import torch

from pyzoo.conformance import run
from pyzoo.conformance.judge import judge, judge_fact
from pyzoo.conformance.mutants import mutants
from pyzoo.conformance.trace import Call


@pytest.mark.parametrize("seed", range(20))
def test_a_correct_model_passes(lean, seed):
    result = run.conform(lean, "resnet", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"resnet.parameters", "resnet.sizes", *run.family("resnet").POINTS}
    assert all(p.elements > 0 for p in result.points)
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


@pytest.mark.parametrize("mutant", mutants("resnet"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "resnet", mutant, seed=2, device="cpu")["killed"], mutant.why


@pytest.mark.parametrize(("fact", "value"), [("resnet.parameters", [11_689_513]), ("resnet.sizes", [56, 28, 14, 8])])
def test_a_wrong_count_or_size_of_a_published_network_fails(lean, fact, value):
    verdict = judge_fact(lean, fact, value, name="ResNet-18")
    assert verdict.verdict == "FAIL" and "the specification says" in verdict.message


def test_a_block_whose_branches_have_different_shapes_fails(lean):
    """Stride 2 without a projection: the shortcut keeps the size that the branch halves."""
    calls = [c for c in run.record("resnet", 2, "cpu", None, None) if c.point == "resnet.block"]
    call = next(c for c in calls if "conv3" not in c.inputs)
    strided = Call(call.point, call.inputs, call.ints | {"stride": 2}, call.output)
    verdict = judge(lean, strided, 10)
    assert verdict.verdict == "FAIL" and "no projection" in verdict.message


def test_a_kernel_larger_than_the_padded_input_has_no_output(lean):
    x, weight = torch.randn(1, 1, 2, 2), torch.randn(1, 1, 5, 5)
    call = Call("resnet.conv", {"x": x, "weight": weight}, {"stride": 1, "padding": 0}, torch.randn(1, 1, 1, 1))
    verdict = judge(lean, call, 10)
    assert verdict.verdict == "FAIL" and "[1, 1, 0, 0]" in verdict.message
