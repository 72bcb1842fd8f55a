"""`pyzoo conform --grad`: gradients by autograd, and foreign backward passes, against the derivative of the specification."""

import textwrap
from contextlib import nullcontext

import pytest
import torch

from pyzoo.cli.conform import conform
from pyzoo.conformance import FAMILIES, run
from pyzoo.conformance.emit import emit_test
from pyzoo.conformance.foreign import isolated
from pyzoo.conformance.gradient import COTANGENT, gradients, on
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call, load, save
from pyzoo.errors import InputError
from pyzoo.ops.point import POINTS

SOURCE = """
    import torch

    class Scan(torch.autograd.Function):
        @staticmethod
        def forward(ctx, decay, input, h0):
            h, out = h0, []
            for t in range(decay.shape[1]):
                h = decay[:, t] * h + input[:, t]
                out.append(h)
            states = torch.stack(out, 1)
            ctx.save_for_backward(decay, states, h0)
            return states

        @staticmethod
        def backward(ctx, grad):
            decay, states, h0 = ctx.saved_tensors
            before = torch.cat((h0[:, None], states[:, :-1]), 1)
            g, out = torch.zeros_like(h0), []
            for t in reversed(range(decay.shape[1])):
                g = grad[:, t] + g
                out.append(g)
                g = decay[:, t] * g
            g_input = torch.stack(out[::-1], 1)
            return g_input * before, g_input, g

    class Late(Scan):
        @staticmethod
        def backward(ctx, grad):
            decay, states, h0 = ctx.saved_tensors
            g_decay, g_input, g_h0 = Scan.backward(ctx, grad)
            return g_input * states, g_input, g_h0

    class CarriedNothing(Scan):
        @staticmethod
        def backward(ctx, grad):
            decay, states, h0 = ctx.saved_tensors
            before = torch.cat((h0[:, None], states[:, :-1]), 1)
            return grad * before, grad, Scan.backward(ctx, grad)[2]

    class Raises(Scan):
        @staticmethod
        def backward(ctx, grad):
            return 1 / 0

    def scan(*, decay, input, h0): return Scan.apply(decay, input, h0)
    def late(*, decay, input, h0): return Late.apply(decay, input, h0)
    def carried_nothing(*, decay, input, h0): return CarriedNothing.apply(decay, input, h0)
    def raises(*, decay, input, h0): return Raises.apply(decay, input, h0)
    def cut(*, decay, input, h0): return Scan.apply(decay, input, h0).detach()
"""


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    (tmp_path / "backward_passes.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_correct_models_gradients_pass(lean, family):
    result = run.conform(lean, family, 1, grad=True)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    module = run.family(family)
    judged = {p for p in module.POINTS if p not in getattr(module, "VALUES_ALONE", ())}
    assert {p.id.partition(".grad.")[0] for p in result.points} == judged


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16], ids=str)
def test_gradients_in_other_formats_pass(lean, dtype):
    result = run.conform(lean, "mamba", 3, grad=True, dtype=dtype, point="mamba.states")
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]


@pytest.mark.parametrize(("name", "verdict"), [("scan", "WITHIN"), ("late", "FAIL"), ("cut", "FAIL")])
def test_a_foreign_backward_gets_a_verdict(lean, foreign, name, verdict):
    result = run.conform(lean, "mamba", 0, impl=f"backward_passes:{name}", point="mamba.states", grad=True)
    assert result.verdict == verdict and len(result.points) == 3
    if name == "late":
        assert [p.id for p in result.points if not p.holds] == ["mamba.states.grad.decay"]


def test_an_entry_without_influence_has_the_gradient_0(lean):
    x = torch.randn(2, 3)
    call = Call("mamba.head", {"x": x, "weight": torch.randn(4, 3), COTANGENT: torch.zeros(2, 4)}, {}, x, wrt="x")
    answered = on(POINTS["mamba.head"], "cpu")(call)
    assert judge(lean, answered, 6).verdict == "EXACT"
    answered.output[1, 2] = 1e-30
    assert judge(lean, answered, 6).verdict == "FAIL"


def test_an_exact_gradient_is_the_derivative_to_the_last_bit(lean):
    x = torch.randn(2, 3)
    call = Call("resnet.add", {"x": x, "y": torch.randn(2, 3), COTANGENT: torch.randn(2, 3)}, {}, x, wrt="x")
    answered = on(run.family("resnet").ops.add, "cpu")(call)
    assert judge(lean, answered, 6).verdict == "EXACT"
    answered.output = answered.output.clone()  # autograd gives the cotangent itself
    answered.output[1, 2] = torch.nextafter(answered.output[1, 2], torch.tensor(9.0))
    assert judge(lean, answered, 6).verdict == "WITHIN"


def test_a_cotangent_of_another_shape_fails_and_is_named(lean):
    x = torch.randn(2, 3)
    call = Call("mamba.head", {"x": x, "weight": torch.randn(4, 3), COTANGENT: torch.zeros(2, 5)}, {}, x, wrt="x")
    verdict = judge(lean, call, 6)
    assert verdict.verdict == "FAIL" and "[2, 5]" in verdict.message and "[2, 4]" in verdict.message


def test_a_gradient_is_stored_and_judged_again(lean, foreign, tmp_path):
    result = run.conform(lean, "mamba", 0, impl="backward_passes:late", point="mamba.states", grad=True)
    call, indices = next(p for p in result.points if p.verdict == "FAIL").worst_call
    save(tmp_path / "trace", call, indices, {})
    again, indices, _ = load(tmp_path / "trace")
    assert again.id == "mamba.states.grad.decay" and judge(lean, again, 0, indices=indices).verdict == "FAIL"
    assert judge(lean, isolated("backward_passes:scan", again), 0, indices=indices).holds


@pytest.mark.parametrize("point", ["lstm.cell.h", "lstm.cell.c"])
def test_each_output_has_gradients_of_its_own(lean, point):
    calls = run.record("lstm", 0)
    verdicts = run.judge_gradients(lean, "lstm", calls, 0, run.own_answer("cpu"), point)
    assert len(verdicts) == 7 and all(v.holds and v.id.startswith(f"{point}.grad.") for v in verdicts)
    exchanged = on(lambda **inputs: POINTS["lstm.cell"](**inputs)[::-1], "cpu")
    assert any(v.verdict == "FAIL" for v in run.judge_gradients(lean, "lstm", calls, 0, exchanged, point))


@pytest.mark.parametrize("point", ["gpt.decode", "gpt.logits"])
def test_a_point_whose_gradients_are_not_judged_is_vacuous_and_says_so(lean, point):
    result = run.conform(lean, point.partition(".")[0], 1, point=point, grad=True)
    assert result.verdict == "VACUOUS" and not result.holds
    assert result.points[0].message == f"the gradients of {point} are not judged: look at the points inside it"


def test_a_whole_blocks_gradient_has_a_bound_that_a_wrong_one_exceeds(lean):
    call = [c for c in run.record("gpt", 0) if c.point == "gpt.block.y"][-1]
    answered = next(c for c in gradients(call, 0, run.own_answer("cpu")) if c.wrt == "norm1_bias")
    assert judge(lean, answered, 0, indices=[0]).verdict == "WITHIN"
    answered.output[0] *= 1.1
    assert judge(lean, answered, 0, indices=[0]).verdict == "FAIL"


def test_a_failing_gradient_shrinks_and_a_test_of_it_is_written(lean, foreign, tmp_path):
    result = run.conform(lean, "mamba", 0, impl="backward_passes:late", point="mamba.states", grad=True)
    call, indices = result.counterexample.worst_call
    assert call.wrt == "decay" and indices == [0]
    assert {name: list(x.shape) for name, x in call.inputs.items()} == {
        "decay": [1, 1, 1, 1], "input": [1, 1, 1, 1], "h0": [1, 1, 1], COTANGENT: [1, 1, 1, 1]}  # fmt: skip
    assert all(x.item() in (0, 1) for x in call.inputs.values())
    assert judge(lean, isolated("backward_passes:late", call), 0, indices=indices).verdict == "FAIL"
    assert judge(lean, isolated("backward_passes:scan", call), 0, indices=indices).holds
    for name, fails in (("late", True), ("scan", False)):
        test = written(tmp_path / f"test_{name}.py", call, indices, f"backward_passes:{name}")
        with pytest.raises(AssertionError, match="out of reach") if fails else nullcontext():
            test()


def written(path, call, indices, spec):
    """The test function that is written for a call."""
    emit_test(path, call, indices, spec)
    names: dict = {}
    exec(compile(path.read_text(), path.name, "exec"), names)
    return names["test_" + call.id.replace(".", "_")]


def test_a_gradient_that_needs_three_steps_to_fail_keeps_them(lean, foreign):
    """The weights of the outputs are cut along with the inputs. The recorded states begin at 0, so a decay's gradient needs
    a step before it, and a step after it that carries."""
    result = run.conform(lean, "mamba", 0, impl="backward_passes:carried_nothing", point="mamba.states", grad=True)
    call, _ = result.counterexample.worst_call
    assert list(call.inputs["decay"].shape) == list(call.inputs[COTANGENT].shape) == [1, 3, 1, 1]


def test_a_gradient_that_raised_is_not_shrunk_and_a_test_of_it_looks_at_entries_of_the_gradient(lean, foreign, tmp_path):
    result = run.conform(lean, "mamba", 0, impl="backward_passes:raises", point="mamba.states", grad=True)
    call, indices = result.counterexample.worst_call
    assert "ZeroDivisionError" in call.error and call.output.shape == call.inputs["decay"].shape
    written(tmp_path / "test_scan.py", call, indices, "backward_passes:scan")()


def test_gradients_have_no_certificates(tmp_path):
    with pytest.raises(InputError, match="--certify"):
        conform("mamba", grad=True, certify=tmp_path / "certificates")
