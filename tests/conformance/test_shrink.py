"""Counterexamples: a failing call becomes a small one that still fails, and nothing else is touched."""

import textwrap
from dataclasses import replace

import pytest
import torch

from pyzoo.conformance import run
from pyzoo.conformance.foreign import Worker, isolated
from pyzoo.conformance.judge import judge
from pyzoo.conformance.shrink import shrink
from pyzoo.conformance.trace import Call

SOURCE = """
    import torch
    import torch.nn.functional as F

    def minus(*, x, y): return x - y
    def wrong_on_tall_images(*, x, y): return x + y + (x.shape[2] >= 3)
    def wrong_shape(*, x, y): return (x + y)[1:]
    def right(*, x, y): return x + y
    def fails_once(*, x, y, calls=[]): calls.append(1); return x + y + (len(calls) == 1)
    def eps_missing(*, x, mean, var, weight, bias, eps): return (x - mean[:, None, None]) / var.sqrt()[:, None, None]
    def columns_first(*, x, patch):
        b, c, h, w = x.shape
        x = x.reshape(b, c, h // patch, patch, w // patch, patch)
        return x.permute(0, 4, 2, 1, 3, 5).reshape(b, -1, c * patch * patch)
    def positions_shifted(*, x, cls, pos):
        return torch.cat([cls.expand(len(x), 1, -1), x], dim=1) + pos.roll(1, 0)
"""


@pytest.fixture(autouse=True)
def functions(tmp_path, monkeypatch):
    (tmp_path / "shrunk_functions.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def smallest(lean, point: str, spec: str, seed: int = 2):
    """The failing verdict on a recorded call of the point, and what it is shrunk to."""
    family = run.family(point.partition(".")[0])
    with Worker(spec) as worker:
        calls = [c for c in run.record(point.partition(".")[0], seed, "cpu", None, None) if c.point == point]
        verdicts = [judge(lean, call, family.limit(call)) for call in map(worker, calls)]
        failing = next(v for v in verdicts if v.verdict == "FAIL")
        return failing, shrink(lean, failing, worker, family.limit)


def shapes(verdict) -> dict[str, list[int]]:
    return {name: list(x.shape) for name, x in verdict.worst_call[0].inputs.items()}


def test_a_wrong_sum_shrinks_to_one_element(lean):
    _, small = smallest(lean, "resnet.add", "shrunk_functions:minus")
    assert small.worst_call[0].inputs["x"].tolist() == [[[[0]]]] and small.worst_call[0].inputs["y"].tolist() == [[[[1]]]]
    again = isolated("shrunk_functions:minus", small.worst_call[0])
    assert judge(lean, again, 0, indices=small.worst_call[1]).verdict == "FAIL"
    assert judge(lean, isolated("shrunk_functions:right", again), 0, indices=small.worst_call[1]).holds


@pytest.mark.parametrize(
    ("point", "spec", "wanted"),
    [
        ("mamba.states", "pyzoo.conformance.mutants.mamba:scan_reversed",
         {"decay": [1, 2, 1, 1], "input": [1, 2, 1, 1], "h0": [1, 1, 1]}),
        ("resnet.add", "shrunk_functions:wrong_on_tall_images", {"x": [1, 1, 3, 1], "y": [1, 1, 3, 1]}),
        ("vit.patchify", "shrunk_functions:columns_first", {"x": [1, 1, 2, 2]}),
        ("vit.tokens", "shrunk_functions:positions_shifted", {"x": [1, 1, 1], "cls": [1], "pos": [2, 1]}),
    ],
)  # fmt: skip
def test_axes_are_cut_together_and_as_far_as_it_fails(lean, point, spec, wanted):
    failing, small = smallest(lean, point, spec)
    assert shapes(small) == wanted and small.verdict == "FAIL"
    assert judge(lean, small.worst_call[0], 0, indices=small.worst_call[1]).verdict == "FAIL"
    assert shapes(failing) != wanted


def test_axes_of_the_same_size_by_chance_are_told_apart(lean):
    x = torch.randn(3, 3, 3, 3)
    call = isolated("shrunk_functions:wrong_on_tall_images", Call("resnet.add", {"x": x, "y": x}, {}, x + x))
    with Worker("shrunk_functions:wrong_on_tall_images") as worker:
        small = shrink(lean, judge(lean, call, 81), worker, lambda call: 81)
    assert shapes(small) == {"x": [1, 1, 3, 1], "y": [1, 1, 3, 1]}


def test_where_the_specification_has_no_value_nothing_is_a_counterexample(lean):
    """A variance of 0 with an eps of 0 would make every implementation divide by 0."""
    _, small = smallest(lean, "resnet.batch_norm", "shrunk_functions:eps_missing")
    assert judge(lean, isolated("pyzoo.ops.resnet:batch_norm", small.worst_call[0]), 9).holds


@pytest.mark.parametrize(
    ("name", "verdict"), [("right", "WITHIN"), ("wrong_shape", "FAIL"), ("fails_once", "FAIL"), ("missing", "FAIL")]
)
def test_a_call_that_does_not_fail_by_its_values_again_is_not_touched(lean, name, verdict):
    x, y = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    with Worker(f"shrunk_functions:{name}") as worker:
        judged = judge(lean, worker(Call("resnet.add", {"x": x, "y": y}, {}, x + y)), 120)
        assert judged.verdict == verdict and shrink(lean, judged, worker, lambda call: 120) is judged


def test_the_search_ends_within_its_questions(lean, monkeypatch):
    monkeypatch.setattr("pyzoo.conformance.shrink.QUESTIONS", 3)
    asked = []
    counting = lambda call: asked.append(call) or replace(call, output=call.inputs["x"] - call.inputs["y"])  # noqa: E731
    x, y = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    failing = judge(lean, Call("resnet.add", {"x": x, "y": y}, {}, x - y), 120)
    assert shrink(lean, failing, counting, lambda call: 120).verdict == "FAIL" and len(asked) == 3
