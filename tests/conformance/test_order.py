"""The order in which an implementation adds, its accumulator and the rounding of its factors: facts of a trace."""

from dataclasses import replace
from statistics import median

import pytest
import torch

from pyzoo.conformance.adapters import mambapy_pscan
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call, load, save
from pyzoo.errors import InputError
from pyzoo.ops.mamba import states
from pyzoo.ops.point import Arithmetic


def inputs(steps: int, dtype=torch.float32, loss=0.02) -> dict[str, torch.Tensor]:
    """A recurrence that loses up to `loss` of its state at each step."""
    generator = torch.Generator().manual_seed(steps)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    decay = 1 - loss * torch.rand(1, steps, 1, 3, generator=generator)
    return {name: x.to(dtype) for name, x in {"decay": decay, "input": draw(1, steps, 1, 3), "h0": draw(1, 1, 3)}.items()}


def composed(decay, input):
    """Every prefix of the steps as one step: pairs, pairs of pairs, and so on."""
    if decay.shape[1] == 1:
        return decay, input
    last, add = decay[:, 1::2], input[:, 1::2]
    a, b = composed(last * decay[:, : 2 * last.shape[1] : 2], last * input[:, : 2 * last.shape[1] : 2] + add)
    out_a, out_b = decay.clone(), input.clone()
    out_a[:, 1::2], out_b[:, 1::2] = a, b
    later = slice(2, None, 2)
    before = slice(0, (decay.shape[1] - 1) // 2)
    out_a[:, later], out_b[:, later] = decay[:, later] * a[:, before], decay[:, later] * b[:, before] + input[:, later]
    return out_a, out_b


def in_a_tree(*, decay, input, h0):
    a, b = composed(decay, input)
    return a * h0[:, None] + b


def in_chunks(*, decay, input, h0, size=16):
    """Each chunk from the zero state, with the product of its decays; then what is carried from chunk to chunk."""
    h, out = h0, []
    for a, b in zip(decay.split(size, 1), input.split(size, 1), strict=True):
        product, local = torch.ones_like(h), torch.zeros_like(h)
        for t in range(a.shape[1]):
            product, local = product * a[:, t], a[:, t] * local + b[:, t]
            out.append(product * h + local)
        h = out[-1]
    return torch.stack(out, 1)


def verdict_on(lean, scan, steps, order, dtype=torch.float32, loss=0.02):
    given = inputs(steps, dtype, loss)
    return judge(lean, Call("mamba.states", given, {}, scan(**given), None, Arithmetic(order)), 10**6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize(
    ("scan", "order"),
    [(states, "sequential"), (states, "any"), (in_a_tree, "any"), (in_a_tree, "tree:13"), (in_chunks, "any"), (in_chunks, "chunks:16")],
)  # fmt: skip
def test_a_scan_in_any_order_conforms(lean, scan, order, dtype):
    verdict = verdict_on(lean, scan, 61, order, dtype)
    assert verdict.holds, (verdict.error_over_budget, verdict.message)


def test_a_narrower_class_has_a_narrower_budget(lean):
    shares = [median(verdict_on(lean, in_a_tree, 200, order).ratios) for order in ("any", "chunks:16", "tree:17")]
    assert shares == sorted(shares) and 0.001 < shares[0] < shares[2] / 1.5


def test_numbers_that_contradict_the_declared_order_fail_and_say_so(lean):
    verdict = verdict_on(lean, in_a_tree, 200, "sequential", loss=1)
    assert verdict.verdict == "FAIL" and "contradict the declared order 'sequential'" in verdict.message


def test_a_wrong_scan_fails_in_every_order(lean):
    late = lambda *, decay, input, h0: states(decay=decay.roll(1, 1), input=input, h0=h0)  # noqa: E731
    for order in ("any", "tree:9", "sequential", "chunks:16"):
        verdict = verdict_on(lean, late, 40, order)
        assert verdict.verdict == "FAIL" and "contradict" not in (verdict.message or "")


@pytest.mark.parametrize("order", ["butterfly", "tree:x", "", "tree:-1"])
def test_an_unknown_order_is_unbounded(lean, order):
    verdict = verdict_on(lean, states, 5, order)
    assert verdict.verdict == "UNBOUNDED" and "order" in verdict.message


def test_a_sum_that_claims_a_tree_and_adds_one_after_the_other_fails(lean):
    x, weight = torch.full((1, 4096), 0.1), torch.ones(1, 4096)
    total = torch.zeros(1, 1)
    for k in range(4096):
        total = total + x[:, k] * weight[:, k]
    call = Call("mamba.head", {"x": x, "weight": weight}, {}, total)
    assert judge(lean, call, 1).holds
    verdict = judge(lean, replace(call, arithmetic=Arithmetic("tree:12")), 1)
    assert verdict.verdict == "FAIL" and "tree:12" in verdict.message


def test_a_long_sum_in_half_precision_needs_its_accumulator(lean):
    torch.manual_seed(0)
    x, weight = torch.rand(2, 512).bfloat16(), torch.rand(3, 512).bfloat16()
    call = Call("mamba.head", {"x": x, "weight": weight}, {}, (x.float() @ weight.float().T).bfloat16())
    assert judge(lean, call, 6).verdict == "UNBOUNDED"
    single = Arithmetic(accumulator="float32")
    assert judge(lean, replace(call, arithmetic=single), 6).holds
    total = torch.zeros(2, 3).bfloat16()
    for k in range(512):
        total = total + x[:, None, k] * weight[None, :, k]
    assert judge(lean, replace(call, output=total, arithmetic=single), 6).verdict == "FAIL"


def test_factors_rounded_to_tf32_must_be_declared(lean):
    torch.manual_seed(0)
    x, weight = torch.randn(2, 8), torch.randn(3, 8)
    cut = lambda y: (y.view(torch.int32) & ~0x1FFF).view(torch.float32)  # noqa: E731
    call = Call("mamba.head", {"x": x, "weight": weight}, {}, cut(x) @ cut(weight).T)
    assert judge(lean, call, 6).verdict == "FAIL"
    assert judge(lean, replace(call, arithmetic=Arithmetic(cast="tfloat32")), 6).holds
    assert judge(lean, replace(call, arithmetic=Arithmetic(cast="float8")), 6).verdict == "UNBOUNDED"


def test_a_trace_keeps_its_arithmetic(tmp_path):
    given = inputs(3)
    call = Call("mamba.states", given, {}, states(**given), None, Arithmetic("chunks:8", "float32", chunks=(80, 96), fused=True))
    save(tmp_path / "trace", call, [0], {})
    assert load(tmp_path / "trace")[0].arithmetic == call.arithmetic
    text = (tmp_path / "trace" / "trace.json").read_text()
    (tmp_path / "trace" / "trace.json").write_text(text.replace('"order"', '"odour"'))
    with pytest.raises(InputError, match="arithmetic"):
        load(tmp_path / "trace")


def test_mambapys_parallel_scan_conforms(lean):
    pytest.importorskip("mambapy", reason="mambapy is not installed")
    verdict = verdict_on(lean, mambapy_pscan, 128, "any")
    assert verdict.holds, verdict.error_over_budget
