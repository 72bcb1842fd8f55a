"""Which branches of the specification the recorded calls reach, as Lean reports them."""

from dataclasses import replace

import pytest
import torch
from rich.console import Console

from pyzoo.cli.conform import _show
from pyzoo.conformance import run
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


STATES = [
    *((p, "h0", ("h0",)) for p in ("mamba.states", "mamba.selective_scan", "rnn.layer", "gru.layer", "gru.original_layer")),
    *((p, "h", ("h",)) for p in ("mamba2.ssd_step.y", "mamba2.ssd_step.h", "rnn.cell", "gru.gates", "gru.cell",
                                 "gru.original_cell", "lstm.gates")),
    *((f"{p}.{y}", state, ("h", "conv_state")) for p in ("mamba.step", "mamba2.step") for y in "yh" for state in ("h", "conv_state")),
    *((f"lstm.cell.{y}", state, ("h", "c")) for y in "hc" for state in "hc"),
    *(("lstm.layer", state, ("h0", "c0")) for state in ("h0", "c0")),
]  # fmt: skip


@pytest.mark.parametrize(("point", "state", "states"), STATES)
def test_a_state_counts_for_its_own_sequence(lean, point, state, states):
    """The other states of a call begin at 1; this one does in its last entry, which is the second sequence's."""
    call = next(c for c in run.record(point.partition(".")[0], 0) if c.point == point)
    begin = {name: torch.ones_like(call.inputs[name]) for name in states}
    begin[state].zero_()[-1].flatten()[-1] = 1
    names = [f"{name} other than 0" for name in states]
    for index, others in ((0, states), (call.output.numel() // 2, ())):
        found = branches(lean, replace(call, inputs=call.inputs | begin), index)
        assert [found[name] for name in names] == [not (name == state and others) for name in states]


def branches(lean, call: Call, index: int) -> dict[str, bool]:
    """The branches that one entry of a call is on."""
    return judge(lean, call, 0, indices=[index]).branches


def own(point: str, ints: dict[str, int] | None = None, **inputs: torch.Tensor) -> Call:
    """A call of the library's own function."""
    family, _, name = point.partition(".")
    return Call(point, inputs, ints or {}, getattr(OPS[family], name)(**inputs, **(ints or {})))


def on_one_of(lean, call: Call, yes: str, no: str) -> list[bool]:
    """Of each entry, whether it is on the branch `yes`; else it is on `no`."""
    found = [branches(lean, call, i) for i in range(call.output.numel())]
    assert all(each[yes] != each[no] for each in found)
    return [each[yes] for each in found]


def test_the_first_step_is_each_sequences_own(lean):
    x = torch.ones(2, 3, 2, 1)
    found = on_one_of(lean, own("mamba.states", decay=x, input=x, h0=x[:, 0]), "the first step", "a later step")
    assert found == 2 * [True, True, False, False, False, False]


def test_a_causal_convolution_starts_with_each_sequence(lean):
    call = own("mamba.conv", x=torch.ones(2, 4, 2), weight=torch.ones(2, 3), bias=torch.ones(2))
    found = on_one_of(lean, call, "taps before the start", "all taps after the start")
    assert found == 2 * [True, True, True, True, False, False, False, False]


def test_chunks_are_those_of_the_entrys_step(lean):
    x, b, dt = torch.ones(2, 5, 1, 2), torch.ones(2, 5, 2), torch.ones(2, 5, 1)
    call = own("mamba2.ssd", {"chunk": 2}, x=x, dt=dt, a=-torch.ones(1), b=b, c=b, d=torch.ones(1))
    assert on_one_of(lean, call, "the first chunk", "a later chunk") == 2 * (4 * [True] + 6 * [False])
    assert on_one_of(lean, call, "a whole chunk", "a chunk cut short") == 2 * (8 * [True] + 2 * [False])


def test_a_kernel_is_inside_where_both_its_sides_are(lean):
    """A kernel of 3 x 2 with stride 2 in an image of 5 x 4 with a padding of 1: rows -1, 1 and 3, columns -1, 1 and 3."""
    x, weight = torch.ones(2, 1, 5, 4), torch.ones(2, 1, 3, 2)
    call = own("resnet.conv", {"stride": 2, "padding": 1}, x=x, weight=weight)
    assert call.output.shape == (2, 2, 3, 3)
    found = on_one_of(lean, call, "the kernel inside the image", "the kernel over the padding")
    assert found == 4 * [False, False, False, False, True, False, False, False, False]


def test_a_block_has_one_shortcut(lean):
    calls = [c for c in run.record("resnet", 0) if c.point == "resnet.block"]
    found = [branches(lean, c, 0) for c in calls]
    assert {"conv3" in c.inputs for c in calls} == {True, False}
    assert [f["a projection as shortcut"] for f in found] == ["conv3" in c.inputs for c in calls]
    assert [f["the identity as shortcut"] for f in found] == ["conv3" not in c.inputs for c in calls]


def test_a_key_is_hidden_from_the_queries_before_it(lean):
    seen = on_one_of(lean, own("gpt.weights", scores=torch.ones(1, 2, 2, 3)), "a key that is seen", "a key that is hidden")
    assert seen == 2 * [True, True, False, True, True, True]
    q, k = torch.ones(1, 2, 2, 3), torch.ones(1, 2, 3, 3)
    assert on_one_of(lean, own("gpt.attend", q=q, k=k, v=k), "a key hidden", "no key hidden") == 2 * (3 * [True] + 3 * [False])


def test_entries_before_come_first_in_each_head(lean):
    call = own("gpt.append", past=torch.ones(1, 2, 2, 3), now=torch.ones(1, 2, 1, 3))
    assert on_one_of(lean, call, "an entry from before", "an entry from now") == 2 * (6 * [True] + 3 * [False])


def test_a_block_and_a_text_hide_keys_from_all_tokens_but_the_last(lean):
    calls = [c for c in run.record("gpt", 0) if c.point in ("gpt.block.y", "gpt.logits", "gpt.decode") and len(c.output[0]) > 1]
    blocks = [c for c in calls if c.point == "gpt.block.y"]
    assert {c.inputs["k"].shape[2] > 0 for c in blocks} == {True, False}
    first = {c.inputs["k"].shape[2] > 0: c for c in blocks} | {c.point: c for c in calls if c.point != "gpt.block.y"}
    for call in first.values():
        found = [branches(lean, call, i) for i in (0, call.output.numel() - 1)]
        assert [f["a key hidden"] for f in found] == [True, False] == [not f["no key hidden"] for f in found]
        if call.point == "gpt.block.y":
            before = call.inputs["k"].shape[2] > 0
            assert found[0]["tokens before"] == before != found[0]["no tokens before"]


@pytest.mark.parametrize(
    ("points", "modes", "twice", "half"),
    [(1, 1, False, False), (2, 1, False, False), (2, 2, False, True), (3, 2, True, False), (4, 2, True, False), (4, 3, True, True)],
)  # fmt: skip
def test_modes_that_count_twice_and_the_one_at_half_the_points(lean, points, modes, twice, half):
    x, weight = torch.ones(1, 1, points), torch.ones(1, 1, modes, 2)
    found = branches(lean, Call("spectral.conv", {"x": x, "weight": weight}, {}, x), 0)
    assert found == {"a mode that counts twice": twice, "the mode at half the points": half}


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
