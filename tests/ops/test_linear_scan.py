"""The linear recurrence: Lean judges it, and its CUDA kernels have the values and gradients of fp64."""

import pytest
import torch
from torch import Tensor

from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call
from pyzoo.ops import linear_scan as package
from pyzoo.ops import native, nvrtc
from pyzoo.ops.linear_scan import cpu, cuda, linear_scan
from pyzoo.ops.mamba import states
from pyzoo.ops.point import Arithmetic

MISSING = nvrtc.missing()
needs_gpu = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=f"the CUDA kernels need a GPU: {MISSING}")]
LIMIT = {torch.float32: 2**-20, torch.float64: 2**-49, torch.bfloat16: 2**-8, torch.float16: 2**-11}


def inputs(B=2, L=37, D=(3,), dtype=torch.float32, device="cpu") -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    made = {"decay": torch.rand(B, L, *D, generator=generator), "input": torch.randn(B, L, *D, generator=generator),
            "h0": torch.randn(B, *D, generator=generator)}  # fmt: skip
    return {name: x.to(device, dtype) for name, x in made.items()}


def test_lean_judges_it(lean):
    x = inputs(L=9, D=(2, 3))
    call = Call("mamba.states", x, {}, linear_scan(**x), None, Arithmetic())
    assert judge(lean, call, call.output.numel()).verdict == "WITHIN"
    call.output[0, 4] = call.output[0, 3]
    assert judge(lean, call, call.output.numel()).verdict == "FAIL"


def test_no_steps_have_no_states():
    assert linear_scan(**inputs(L=0)).shape == (2, 0, 3)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"decay": torch.zeros(2, 36, 3)}, r"decay has the shape \(2, 36, 3\); input of shape \(2, 37, 3\) asks for \(2, 37, 3\)"),
    ({"h0": torch.zeros(3)}, r"h0 has the shape \(3,\)"),
    ({"h0": torch.zeros(2, 3).half()}, "input has the dtype torch.float32 and h0 torch.float16; they must have the same"),
    ({"decay": torch.zeros(2, 37, 3, device="meta")}, "input is on cpu and decay on meta; they must be on the same device"),
    ({"input": torch.zeros(2, 37, 3, dtype=torch.int64)}, "not torch.int64"),
    ({"input": torch.zeros(2)}, r"\(B, L, ...\), not torch.float32 of shape \(2,\)"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        linear_scan(**inputs() | change)


def test_blocks_fill_a_gpu():
    assert cuda.row_bytes(1, 4 * 1536, 132) == 64  # 96 blocks
    assert cuda.row_bytes(1, 2 * 1536, 132) == 32
    assert cuda.chunk_steps(96, 65536, 132) == 65536  # one chunk
    assert cuda.chunk_steps(8, 65536, 132) == 8192
    assert cuda.chunk_steps(8, 10000, 132) == 10000


def results(x: dict[str, Tensor], grad: Tensor, length: int | None = None) -> dict[str, Tensor]:
    """States and gradients: by PyTorch, or, given the steps of a chunk, by the kernels."""
    if length is None:
        leaves = {name: t.double().requires_grad_() for name, t in x.items()}
        y = states(**leaves)
        return {"states": y} | dict(zip(leaves, torch.autograd.grad(y, list(leaves.values()), grad.double()), strict=True))
    y = cuda.forward(x["decay"], x["input"], x["h0"], length)
    return {"states": y} | dict(zip(x, cuda.backward(grad, x["decay"], x["h0"], y, length), strict=True))


def holds(x: dict[str, Tensor]) -> bool:
    """Whether the kernels' results are near those in fp64, in one chunk and in several."""
    grad = torch.randn_like(x["input"])
    exact, L = results(x, grad), x["input"].shape[1]
    return all((own.double() - exact[name]).norm() <= LIMIT[own.dtype] * exact[name].norm()
               for length in (L, -(-L // 3), 17) for name, own in results(x, grad, length).items())  # fmt: skip


def on_a_cpu(x: dict[str, Tensor]) -> bool:
    """Whether the compiled C's results are near those in fp64."""
    grad = torch.randn_like(x["input"])
    y = cpu.forward(x["decay"], x["input"], x["h0"])
    own = {"states": y} | dict(zip(x, cpu.backward(grad, x["decay"], x["h0"], y), strict=True))
    return all((own[name].double() - t).norm() <= LIMIT[y.dtype] * t.norm() for name, t in results(x, grad).items())


class TestOnACpu:
    pytestmark = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")

    @pytest.mark.parametrize("dtype", list(cpu.REAL))
    @pytest.mark.parametrize(("B", "L", "D"), [(2, 1, 1), (2, 37, 3), (1, 130, 256), (3, 50, 700)])
    def test_any_length_and_width(self, monkeypatch, dtype, B, L, D):
        monkeypatch.setattr(cpu, "LEAST", 1 << 10)
        assert on_a_cpu(inputs(B, L, (D,), dtype))

    def test_views_and_gradients(self):
        contiguous = inputs(D=(4, 6), dtype=torch.float64).values()
        views = [t.transpose(-1, -2).contiguous().transpose(-1, -2).requires_grad_() for t in contiguous]
        assert torch.autograd.gradcheck(lambda *t: linear_scan(decay=t[0], input=t[1], h0=t[2]), views)

    @pytest.mark.parametrize(("right", "wrong"), [
        ("before = r->out + at;", ""),  # every step from the first state
        ("i % across * W;", "0;"),  # every block is the first
        ("r->a + after, r->out", "r->a + at, r->out"),  # the decay of another time, going back
        ("r->h + at - r->D", "r->h + at"),  # the state after a step for the one before
        ("product(k.width, r->a + k.first", "product(k.width, r->h0 + k.state"),
    ])  # fmt: skip
    def test_wrong_c_is_found(self, found, right, wrong):
        assert found(cpu, "SOURCE", right, wrong, native.library.cache_clear, lambda: on_a_cpu(inputs(D=(300,))))


class TestOnAGpu:
    pytestmark = needs_gpu

    @pytest.mark.parametrize("L", [1, 2, 31, 33, 372, 784, 1134, 2049])
    @pytest.mark.parametrize("D", [1, 3, 33, 96])
    def test_any_length_and_width(self, L, D):
        assert holds(inputs(L=L, D=(D,), device="cuda"))

    @pytest.mark.parametrize("dtype", list(LIMIT))
    @pytest.mark.parametrize("D", [7, 8])
    def test_any_dtype(self, dtype, D):
        assert holds(inputs(L=300, D=(D,), dtype=dtype, device="cuda"))

    def test_views_and_gradients(self):
        x = inputs(D=(4, 6), dtype=torch.float64, device="cuda")
        views = {name: t.transpose(-1, -2).contiguous().transpose(-1, -2).requires_grad_() for name, t in x.items()}
        assert torch.autograd.gradcheck(lambda *t: linear_scan(**dict(zip(x, t, strict=True))), list(views.values()))

    def test_under_compile_and_in_a_graph(self):
        x = inputs(device="cuda")
        expected = linear_scan(**x)
        assert torch.equal(torch.compile(lambda x: linear_scan(**x) * 1)(x), expected)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = linear_scan(**x)
        x["input"].zero_()
        graph.replay()
        assert torch.equal(y, linear_scan(**x)) and not torch.equal(y, expected)

    def test_more_than_32_bits_of_elements(self):
        x = inputs(B=1, L=1, D=(1,), dtype=torch.bfloat16, device="cuda")
        long = {name: t.expand(1, 1 << 16, 33000) if t.dim() == 3 else t.expand(1, 33000) for name, t in x.items()}
        y = linear_scan(**long)
        first = (x["decay"].float() * x["h0"] + x["input"]).bfloat16()[0, 0]
        assert torch.equal(y[..., -1], y[..., 0]) and torch.equal(y[0, 0], first.expand(33000))

    @pytest.mark.parametrize(("right", "wrong"), [
        ("w.chunk > 0 ? after[", "w.chunk > 1 ? after["),  # carry lost at the first edge
        ("after[(w.summary - D)", "after[(w.summary - 2 * D)"),  # wrong chunk's summary
        ("(BACK ? D : 0)]", "0]"),  # the decay of another time, going back
        ("s.a[k] *= before.a[k];", ""),  # a step of several has the last one's decay
        ("if (warp_row >= rows) compose", "compose"),  # a warp's first rows take themselves for those before
        ("if (warp_row == 0) before = nothing();", ""),
        ("other == warp - 1", "other == warp"),  # a warp starts after itself
        ("take(h, s);", ""),  # the state after a tile is not carried to the next
        ("real(a[w.first].of[k]) * dh_t[k]", "dh_t[k]"),  # the first state's gradient without its decay
        ("h_[at + step - D]", "h_[at + step]"),  # the state after a step for the one before
    ])  # fmt: skip
    def test_wrong_kernels_are_found(self, found, right, wrong):
        assert found(cuda, "FILE", right, wrong, cuda._kernel.cache_clear, lambda: holds(inputs(L=600, device="cuda")))


def test_a_missing_kernel_is_one_warning(monkeypatch):
    monkeypatch.setattr(package.nvrtc, "missing", lambda: "no compiler")
    with pytest.warns(UserWarning, match="linear_scan runs step by step in PyTorch: no compiler"):
        assert not package._has_kernels("cuda")
