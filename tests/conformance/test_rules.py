"""Mutants made by rule: what the rules change, and that a survivor is a failure."""

import pytest
import torch

from pyzoo.cli.conform import _show_mutants
from pyzoo.conformance import run
from pyzoo.conformance.judge import judge, rejected
from pyzoo.conformance.mutants import rules
from pyzoo.conformance.mutants.rules import Change
from pyzoo.conformance.trace import Call


def outputs(point: str, **inputs) -> dict[str, torch.Tensor]:
    """The first output under each change, and under "" unchanged."""
    run.family(point.partition(".")[0])
    found = rules.variants(point, inputs, set())
    return {change.id.removeprefix(f"{point}:") if change else "": y[0] for change, y in found}


def test_the_rules_change_one_operation():
    x, y = torch.randn(2, 3), torch.randn(2, 3)
    found = outputs("resnet.add", x=x, y=y)
    assert found.keys() == {"", "add1:drop", "add1:drop-first", "add1:round"}
    assert torch.equal(found["add1:drop"], x) and torch.equal(found["add1:drop-first"], y)
    assert torch.equal(found["add1:round"], (x + y).half().float())


def test_an_axis_an_operand_and_a_last_term():
    x = torch.randn(2, 3, 4, 5)
    found = outputs("resnet.pool", x=x)
    assert torch.equal(found["mean1:axis"], x.mean((1, 2)))
    cut = x.clone()
    cut[..., -1] = 0
    assert torch.equal(found["mean1:drop"], cut.mean((2, 3)))
    mean, var, weight = torch.rand(3, 3)
    found = outputs("resnet.batch_norm", x=x, mean=mean, var=var, weight=weight, bias=torch.zeros(3), eps=1e-5)
    assert torch.equal(found["sub1:swap"], -found[""]) and not torch.equal(found["sub1:swap"], found[""])


def test_an_index_is_off_by_one():
    scores = torch.randn(1, 1, 3, 3)
    assert outputs("gpt.weights", scores=scores)["triu1:shift"][0, 0, 0, 2] == 0  # one key more
    assert outputs("gpt.weights", scores=scores)["triu1:shift"][0, 0, 0, 1] > 0
    assert outputs("gpt.weights", scores=scores)[""][0, 0, 0, 1] == 0


def test_an_operation_inside_another_point_is_known_there():
    call = next(c for c in run.record("rnn", 0) if c.point == "rnn.layer")
    changes = [change for change, _ in rules.variants("rnn.layer", call.inputs, set()) if change]
    third = next(c for c in changes if c.id == "rnn.layer:tanh3:drop")
    assert third.inner == Change("rnn.cell", "tanh", 1, "drop")
    assert next(c for c in changes if c.operation == "unbind").inner is None


@pytest.mark.parametrize(("family", "one"), [
    ("rnn", "rnn.cell:addmm2:drop"), ("spectral", "spectral.conv:_fft_r2c1:round"), ("mamba", "mamba.mixer:exp1:round"),
])  # fmt: skip
def test_every_mutant_by_rule_is_killed_or_equivalent(lean, family, one):
    found = run.kill_by_rule(lean, family, 0, "cpu")
    assert [m["id"] for m in found if run.survived(m)] == []
    assert next(m for m in found if m["id"] == one)["by"] == one.partition(":")[0]


def nudged(op, name, rule, args, kwargs):
    """A result that is off by its last bit, which no verdict can tell from a rounding."""
    y = op(*args, **kwargs)
    return torch.nextafter(y, y + 1) if isinstance(y, torch.Tensor) and y.is_floating_point() else y


@pytest.fixture
def survivor(lean, monkeypatch) -> list[dict]:
    monkeypatch.setattr(rules, "RULES", ("nudge",))
    monkeypatch.setattr(rules, "changed", nudged)
    monkeypatch.setattr(run.family("resnet"), "POINTS", ("resnet.fc",))
    return run.kill_by_rule(lean, "resnet", 0, "cpu")


def test_a_survivor_is_a_failure(survivor):
    alive = [m["id"] for m in survivor if not m["killed"] and not m["equivalent"]]
    assert alive == ["resnet.fc:t1:nudge", "resnet.fc:addmm1:nudge"]
    passed = [run.Verdict("resnet.fc", "WITHIN")]
    assert run.Result("resnet", "cpu", 0, passed).holds and not run.Result("resnet", "cpu", 0, passed, survivor).holds


def test_a_correct_change_is_equivalent(monkeypatch):
    from rich.console import Console

    change = Change("resnet.fc", "addmm", 1, "nudge")
    assert run.survived(run._report(change, {change: ""}))
    monkeypatch.setattr(rules, "CORRECT", {change.id: "a last bit"})
    known = run._report(change, {change: ""})
    assert known["equivalent"] == "a last bit" and not run.survived(known)
    with (console := Console(width=200)).capture() as shown:
        _show_mutants(console, [known])
    assert "0 of 1 mutants killed, 1 equivalent, 0 survived" in shown.get()


def test_a_survivor_is_named(survivor):
    from rich.console import Console

    with (console := Console(width=200)).capture() as shown:
        _show_mutants(console, survivor)
    assert "SURVIVED resnet.fc:addmm1:nudge" in shown.get() and "2 survived" in shown.get()


def test_several_outputs_get_the_verdicts_that_each_gets_alone(lean):
    x, weight, bias = torch.randn(20, 3), torch.randn(4, 3), torch.randn(4)
    right = torch.nn.functional.linear(x, weight, bias)
    late = right.clone()
    late[19, 3] += 1
    wrong_shape, nan = right[:, :3], right.clone()
    nan[10, 0] = float("nan")
    several, indices = [right, late, wrong_shape, nan, right.roll(1)], [*range(16), *range(40, 80)]
    calls = [Call("resnet.fc", {"x": x, "weight": weight, "bias": bias}, {}, y) for y in several]
    alone = [judge(lean, call, 0, indices=[i for i in indices if i < call.output.numel()]).verdict for call in calls]
    assert alone == ["WITHIN", "FAIL", "FAIL", "FAIL", "FAIL"]
    assert rejected(lean, calls[0], several, indices) == [verdict == "FAIL" for verdict in alone]
