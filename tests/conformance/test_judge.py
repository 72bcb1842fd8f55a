"""The figures of a verdict: error over budget, and errors in units in the last place."""

import torch

from pyzoo.conformance.judge import histogram, judge
from pyzoo.conformance.trace import Call


def test_a_rounded_sum_is_within_half_a_unit_in_the_last_place(lean):
    x, y = torch.randn(64), torch.randn(64)
    verdict = judge(lean, Call("resnet.add", {"x": x, "y": y}, {}, x + y), 100)
    assert verdict.holds and set(histogram(verdict.ulps)) <= {"0", "0.5"}


def test_an_error_of_one_unit_counts_as_one(lean):
    x = torch.tensor([3.0, 1e-40, 0.0])
    output = (x + x).view(torch.int32).add(1).view(torch.float32)
    verdict = judge(lean, Call("resnet.add", {"x": x, "y": x}, {}, output), 100)
    assert histogram(verdict.ulps) == {"1": 3} and verdict.worst_index == [0]
    assert verdict.verdict == "FAIL" and abs(verdict.error_over_budget - 4 / 3) < 1e-3  # 2^-21 over 6 · 2^-24
