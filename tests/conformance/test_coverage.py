"""Which branches of the specification the recorded calls reach, as Lean reports them."""

import pytest
import torch
from rich.console import Console

from pyzoo.cli.conform import _show
from pyzoo.conformance.judge import Verdict, judge
from pyzoo.conformance.run import Result
from pyzoo.conformance.trace import Call
from pyzoo.ops import gpt, mamba, mamba2, resnet

OPS = {"gpt": gpt, "mamba": mamba, "mamba2": mamba2, "resnet": resnet}
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


def record(lean, point: str, ints: dict | None = None, indices: list[int] | None = None, **inputs: torch.Tensor) -> list[str]:
    """What a call of the library's own function never reaches."""
    family, _, name = point.partition(".")
    call = Call(point, inputs, ints or {}, getattr(OPS[family], name)(**inputs, **(ints or {})))
    verdict = judge(lean, call, 1000, indices=indices)
    assert verdict.holds, verdict.message
    return verdict.unreached


@pytest.mark.parametrize(
    ("padding", "indices", "unreached"),
    [(0, None, "the kernel over the padding"), (1, [0, 1, 2], "the kernel inside the image"), (1, None, None)],
    ids=("no padding", "first row", "all"),
)
def test_padding_that_no_entry_reads_is_reported(lean, padding, indices, unreached):
    x, weight = torch.randn(1, 1, 4, 3), torch.randn(1, 1, 3, 3)
    found = record(lean, "resnet.conv", {"stride": 1, "padding": padding}, indices, x=x, weight=weight)
    assert found == ([unreached] if unreached else [])


@pytest.mark.parametrize(
    ("queries", "indices", "unreached"), [(1, None, "a key hidden"), (3, [0, 1], "no key hidden"), (3, None, None)]
)
def test_a_mask_that_hides_nothing_is_reported(lean, queries, indices, unreached):
    q, k, v = torch.randn(1, 1, queries, 2), torch.randn(1, 1, 3, 2), torch.randn(1, 1, 3, 2)
    found = [name for name in record(lean, "gpt.attend", None, indices, q=q, k=k, v=v) if "key" in name]
    assert found == ([unreached] if unreached else [])


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("start", [0.0, 0.5])
def test_a_state_that_begins_at_0_and_a_single_step_are_reported(lean, start, steps):
    decay, inputs = torch.rand(1, steps, 2, 2), torch.randn(1, steps, 2, 2)
    found = record(lean, "mamba.states", decay=decay, input=inputs, h0=torch.full((1, 2, 2), start))
    assert sorted(found) == ["a later step"] * (steps == 1) + ["h0 other than 0"] * (start == 0)


def test_the_state_of_another_sequence_reaches_nothing(lean):
    decay, inputs, h0 = torch.rand(2, 2, 1, 1), torch.randn(2, 2, 1, 1), torch.tensor([[[0.0]], [[1.0]]])
    assert "h0 other than 0" in record(lean, "mamba.states", indices=[0, 1], decay=decay, input=inputs, h0=h0)
    assert "h0 other than 0" not in record(lean, "mamba.states", indices=[2, 3], decay=decay, input=inputs, h0=h0)


@pytest.mark.parametrize(("length", "unreached"), [(2, "all taps after the start"), (3, None)])
def test_a_sequence_no_longer_than_the_padding_is_reported(lean, length, unreached):
    x, weight, bias = torch.randn(1, length, 2), torch.randn(2, 3), torch.randn(2)
    assert record(lean, "mamba.conv", x=x, weight=weight, bias=bias) == ([unreached] if unreached else [])


@pytest.mark.parametrize(
    ("length", "unreached"), [(2, {"a later chunk", "a chunk cut short"}), (4, {"a chunk cut short"}), (5, set())]
)
def test_chunks_that_are_never_cut_short_are_reported(lean, length, unreached):
    x, b, c = torch.randn(1, length, 1, 2), torch.randn(1, length, 2), torch.randn(1, length, 2)
    dt = torch.rand(1, length, 1)
    found = record(lean, "mamba2.ssd", {"chunk": 2}, x=x, dt=dt, a=torch.tensor([-0.5]), b=b, c=c, d=torch.randn(1))
    assert set(found) == unreached


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
