"""Which branches of the specification the recorded calls reach, as Lean reports them."""

import pytest
import torch
from rich.console import Console

from pyzoo.cli.conform import _show
from pyzoo.conformance.judge import Verdict, judge
from pyzoo.conformance.run import Result
from pyzoo.conformance.trace import Call
from pyzoo.ops import gpt, resnet

FIRST, SECOND = "max(a, b): a > b", "max(a, b): a < b"


def relu(*values: float) -> Call:
    x = torch.tensor(values)
    return Call("resnet.relu", {"x": x}, {}, resnet.relu(x=x))


@pytest.mark.parametrize(
    ("values", "unreached"),
    [((1.0, 3.0), [SECOND]), ((-1.0, -3.0), [FIRST]), ((0.0, -0.0), [SECOND, FIRST]), ((-1e-45, 1e-45), [])],
    ids=("positive", "negative", "zero", "both"),
)
def test_a_side_of_relu_that_no_input_is_on_is_reported(lean, values, unreached):
    verdict = judge(lean, relu(*values), 10)
    assert verdict.holds and sorted(verdict.unreached) == sorted(unreached)
    assert sorted(verdict.branches) == sorted((FIRST, SECOND))


def test_an_entry_that_is_not_compared_reaches_nothing(lean):
    assert judge(lean, relu(1.0, -1.0), 10, indices=[0]).unreached == [SECOND]
    assert judge(lean, relu(1.0, -1.0), 10, indices=[1]).unreached == [FIRST]


@pytest.mark.parametrize(("order", "unreached"), [((0, 1, 2, 3), [FIRST]), ((3, 2, 1, 0), [SECOND]), ((1, 0, 3, 2), [])])
def test_the_running_maximum_of_softmax_is_followed(lean, order, unreached):
    scores = torch.tensor(order, dtype=torch.float32).expand(1, 1, 4, 4).contiguous()
    assert judge(lean, Call("gpt.weights", {"scores": scores}, {}, gpt.weights(scores=scores)), 16).unreached == unreached


@pytest.mark.parametrize(
    ("dtype", "inside", "outside"), [(torch.float32, 5.7, 5.9), (torch.float64, 8.5, 8.7), (torch.bfloat16, 3.3, 3.4)], ids=str
)
def test_a_tail_begins_where_what_is_left_of_it_is_below_the_rounding(lean, dtype, inside, outside):
    """`exp(-x²/2) < 2^-precision`."""
    for end, tails in ((inside, {"gelu(x): x ≪ 0", "gelu(x): x ≫ 0"}), (outside, {"gelu(x): x < 0", "gelu(x): x ≥ 0"})):
        x = torch.tensor([-end, end], dtype=dtype)
        assert set(judge(lean, Call("gpt.gelu", {"x": x}, {}, gpt.gelu(x=x)), 10).unreached) == tails


def test_a_point_without_branches_reports_none(lean):
    x = torch.randn(4)
    assert judge(lean, Call("resnet.add", {"x": x, "y": x}, {}, x + x), 10).branches == {}


def test_the_calls_of_a_point_reach_branches_together(lean):
    verdict = Verdict("resnet.relu")
    verdict.merge(judge(lean, relu(1.0), 10))
    assert verdict.unreached == [SECOND]
    verdict.merge(judge(lean, relu(-1.0), 10))
    assert verdict.document()["branches"] == {FIRST: True, SECOND: True} and verdict.unreached == []


def test_the_report_names_what_was_never_reached():
    points = [Verdict("resnet.relu", "EXACT", branches={FIRST: True, SECOND: False}), Verdict("resnet.add", "EXACT")]
    console = Console(record=True, width=120)
    _show(console, Result("resnet", "cpu", 0, points), None, None)
    text = console.export_text()
    assert "resnet.relu never reached max(a, b): a < b\n" in text and text.count("never reached") == 1
