"""The spectral convolution: both of its paths compute the definition, forward and backward; bad input is one clear sentence."""

import pytest
import torch

from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call
from pyzoo.ops import native, nvrtc
from pyzoo.ops.point import SINGLE
from pyzoo.ops.spectral_conv import LARGEST_TABLE, choice, cpu, cuda, spectral_conv
from pyzoo.ops.spectral_conv.layer import SpectralConv
from pyzoo.ops.spectral_conv.operator import kernel_conv
from pyzoo.ops.spectral_conv.transforms import tables

KINDS = ("matrix", "fft")


def definition(x, weight):
    spectrum = torch.fft.rfft(x)[..., : weight.shape[2]]
    return torch.fft.irfft(torch.einsum("bim,iom->bom", spectrum, torch.view_as_complex(weight)), n=x.shape[-1])


def inputs(n, modes, dtype=torch.float64, B=2, C=3, O=5):  # noqa: E741
    generator = torch.Generator().manual_seed(n)
    x, weight, grad = (torch.randn(*s, generator=generator, dtype=dtype) for s in ((B, C, n), (C, O, modes, 2), (B, O, n)))
    return x.requires_grad_(), weight.requires_grad_(), grad


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 31, 33, 64, 372, 1134])
def test_values_and_gradients_are_the_definitions(n, kind):
    for modes in {1, (n // 2 + 2) // 2, n // 2 + 1}:
        x, weight, grad = inputs(n, modes)
        ours, exact = SpectralConv.apply(x, weight, kind), definition(x, weight)
        pairs = [(ours, exact), *zip(*(torch.autograd.grad(y, (x, weight), grad) for y in (ours, exact)), strict=True)]
        for got, expected in pairs:
            assert got.is_contiguous() and (got - expected).abs().max() <= 1e-13 * n * expected.abs().max()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_agree_with_differences(kind):
    x, weight, _ = inputs(6, 4, C=2, O=1)
    assert torch.autograd.gradcheck(lambda x, w: SpectralConv.apply(x, w, kind), (x, weight))


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_gradients_that_are_needed(kind):
    x, weight, grad = inputs(8, 3)
    for one, other in ((x, weight.detach()), (weight, x.detach())):
        x_, w_ = (one, other) if one is x else (other, one)
        (alone,) = torch.autograd.grad(SpectralConv.apply(x_, w_, kind), one, grad)
        (both,) = torch.autograd.grad(SpectralConv.apply(x, weight, kind), one, grad)
        assert torch.equal(alone, both)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_agree_with_differences(kind):
    x, weight, _ = inputs(6, 4, C=2, O=1)
    assert torch.autograd.gradgradcheck(lambda x, w: SpectralConv.apply(x, w, kind), (x, weight))


@pytest.mark.parametrize(("n", "modes"), [(7, 4), (1134, 33), (8192, 17)])
def test_tables_are_rounded_from_the_exact_roots(n, modes):
    sympy = pytest.importorskip("sympy")
    rows, inverse = tables(n, modes, torch.float32, torch.device("cpu"))
    for k in {0, 1, modes - 1}:
        for t in {0, 1, n // 3, n - 1}:
            angle = 2 * sympy.pi * sympy.Rational(k * t % n, n)
            count = 1 if k == 0 or 2 * k == n else 2
            for part, value in enumerate((sympy.cos(angle), -sympy.sin(angle))):
                for got, exact in ((rows, value), (inverse, value * count / n)):
                    exact = float(sympy.N(exact, 30))
                    assert abs(got[2 * k + part, t].item() - exact) <= 2**-24 * abs(exact) + 2**-50


def test_strides_offsets_and_an_empty_batch():
    x, weight, _ = inputs(9, 4)
    wide = torch.randn(1 + weight.numel(), dtype=torch.float64)
    shifted = wide[1:].view(weight.shape)  # the pairs begin at an odd place in memory
    turned = x.transpose(1, 2).contiguous().transpose(1, 2)
    for a, w in ((x, shifted), (turned, weight), (x[:1].expand(4, -1, -1), weight), (x, weight.flip(0)), (x[:0], weight)):
        got = spectral_conv(x=a, weight=w)
        assert got.shape == (len(a), 5, 9)
        assert torch.equal(got, spectral_conv(x=a.clone(memory_format=torch.contiguous_format), weight=w.clone().contiguous()))
    assert spectral_conv(x=x[:0], weight=inputs(9, 5)[1]).shape == (0, 5, 9)
    empty = x.detach()[:0].requires_grad_()
    g_x, g_w = torch.autograd.grad(spectral_conv(x=empty, weight=weight).sum(), (empty, weight))
    assert g_x.shape == empty.shape and not g_w.any()


def test_autocast_changes_nothing():
    x, weight, _ = inputs(9, 4, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = spectral_conv(x=x, weight=weight)
    assert torch.equal(inside, spectral_conv(x=x, weight=weight))


def test_the_choice():
    assert choice(1000, 16) == "matrix" and choice(1000, 64) == "fft"
    assert choice(LARGEST_TABLE, 2) == "fft"
    assert choice(8192, 64, torch.bfloat16) == "matrix"


MISSING = nvrtc.missing()
LIMIT = {torch.float64: 2**-48, torch.float32: 2**-20, torch.bfloat16: 2**-8, torch.float16: 2**-11}


def holds(n, modes, dtype=torch.float32, B=3, C=5, O=7, device="cuda") -> bool:  # noqa: E741
    """Whether values and gradients of the kernels are as close to the definition in fp64, in the norm, as 16 roundings of fp32
    or fp64 and one of the dtype are, or within 4 times what the definition is in that dtype."""
    x, weight, grad = (t.detach().to(device, dtype).requires_grad_() for t in inputs(n, modes, B=B, C=C, O=O))

    def results(run, *leaves):
        y = run(*leaves)
        return y, *torch.autograd.grad(y, leaves, grad.to(y))

    exact = results(definition, *(t.detach().double().requires_grad_() for t in (x, weight)))
    plain = results(definition, x, weight) if dtype.itemsize >= 4 else exact
    kernel = results(lambda x, weight: spectral_conv(x=x, weight=weight), x, weight)

    def error(got, expected):
        return ((got.double() - expected).norm() / expected.norm().clamp_min(1e-30)).item()

    return all(error(k, e) <= max(LIMIT[dtype], 4 * error(p, e)) for k, p, e in zip(kernel, plain, exact, strict=True))


@pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")
class TestCompiled:
    @pytest.mark.parametrize("n", [256, 272, 784, 1024, 2064, 8192])
    def test_any_length_and_number_of_modes(self, monkeypatch, n):
        monkeypatch.setattr(cpu, "LEAST", 1 << 12)
        for modes in {1, 2, 7, 9, 16, 24, 33, 64, 128}:
            if modes <= n // 2:
                assert choice(n, modes) == "compiled" and holds(n, modes, device="cpu")

    @pytest.mark.parametrize("modes", [200, 256, 257])  # more than it is chosen for
    def test_up_to_all_modes(self, modes):
        x, weight, grad = (t.detach().float().requires_grad_() for t in inputs(512, modes))
        pairs = [(y, *torch.autograd.grad(y, (x, weight), grad)) for y in (kernel_conv(x, weight), definition(x, weight))]
        assert all((a - b).norm() <= 2**-20 * b.norm() for a, b in zip(*pairs, strict=True))

    def test_lean_judges_it(self, lean):
        x, weight = (t.detach().float() for t in inputs(512, 9, B=1, C=2, O=1)[:2])
        call = Call("spectral.conv", {"x": x, "weight": weight}, {}, spectral_conv(x=x, weight=weight), None, SINGLE)
        assert judge(lean, call, 12).verdict == "WITHIN"
        call.output.neg_()
        assert judge(lean, call, 12).verdict == "FAIL"

    def test_views_and_compile(self):
        x, weight, _ = (t.detach().float() for t in inputs(512, 9))
        expected = spectral_conv(x=x, weight=weight)
        assert torch.equal(spectral_conv(x=x.transpose(0, 1).contiguous().transpose(0, 1), weight=weight), expected)
        leaf = x.clone().requires_grad_()
        torch.compile(lambda x: spectral_conv(x=x, weight=weight) * 1, backend="aot_eager", fullgraph=True)(leaf).sum().backward()
        (grad,) = torch.autograd.grad(spectral_conv(x=(own := x.clone().requires_grad_()), weight=weight).sum(), own)
        assert torch.equal(leaf.grad, grad)

    @pytest.mark.parametrize(("right", "wrong"), [
        ("k == q / 4 ? -odd_re[k]", "k == q / 4 ? odd_re[k]"),  # the quarter turn
        ("folded ? -table[vectors + v]", "table[vectors + v]; folded ? -table[vectors + v]"),  # conjugates of the higher residues
        ("folded ? -turned : turned", "turned"),
        ("(r < rows ? r : 0)) * p->n + s", "0) * p->n + s"),  # every signal is the first of its block
        ("else memcpy(&x, from, 4 * live);", ""),  # the last places left out
        ("base < M + RADIX", "base < M"),  # the highest residues left out
        ("1, 1, 1, -1, -1", "1, 1, 1, 1, -1"),
        ("all, re, -im);", "all, re, im);"),  # the gradient of x with the weight itself
        ("im += x_re * g_im - x_im", "im += x_re * g_im + x_im"),  # the weight's gradient without a conjugate
        ("scale * re, scale * im", "re, im"),
        ("o = first; o < end", "o = first; o + 1 < end"),  # the last output left out
    ])  # fmt: skip
    def test_wrong_c_is_found(self, found, right, wrong):
        assert found(cpu, "SOURCE", right, wrong, native.library.cache_clear, lambda: holds(1072, 31, B=19, device="cpu"))


@pytest.mark.cuda
@pytest.mark.skipif(MISSING is not None, reason=f"the CUDA kernels need a GPU: {MISSING}")
class TestKernels:
    @pytest.mark.parametrize("n", [1, 2, 31, 33, 64, 100, 372, 784, 1134, 2048, 8200])
    def test_any_length_and_number_of_modes(self, n):
        for modes in {1, 2, 3, 7, 16, 20, 33, 64, n // 2 + 1}:
            if modes <= min(64, n // 2 + 1):
                assert choice(n, modes, device="cuda") == "kernel" and holds(n, modes)

    @pytest.mark.parametrize("dtype", list(LIMIT))
    def test_any_dtype(self, dtype):
        assert all(holds(n, modes, dtype) for n, modes in ((31, 16), (512, 16), (784, 40)))

    @pytest.mark.parametrize(("B", "C", "O"), [(1, 1, 1), (1, 200, 3), (70, 3, 130), (2000, 4, 1)])
    def test_any_batch_and_width(self, B, C, O):  # noqa: E741
        assert holds(256, 17, B=B, C=C, O=O)

    @pytest.mark.parametrize("modes", [16, 33, 64])
    def test_so_many_signals_that_a_warp_takes_many_steps(self, modes):
        assert all(holds(n, modes, B=128, C=17) for n in (4096, 3120))

    def test_many_modes_and_no_signals(self):
        assert choice(1000, 65, device="cuda") == "fft" and holds(1000, 65)
        x = torch.zeros(0, 3, 64, device="cuda")
        assert spectral_conv(x=x, weight=torch.zeros(3, 5, 4, 2, device="cuda")).shape == (0, 5, 64)

    def test_views_give_the_same_bits_and_so_does_each_run(self):
        x, weight, _ = (t.cuda().float() for t in inputs(320, 9))
        def shifted(t):  # to an address that is no multiple of 8 bytes
            return torch.cat((t.new_zeros(1), t.detach().flatten()))[1:].view(t.shape)

        expected = spectral_conv(x=x, weight=weight)
        turned = x.transpose(0, 1).contiguous().transpose(0, 1)
        for a, w in ((turned, weight), (x, shifted(weight)), (shifted(x), weight), (x, weight.flip(0).flip(0))):
            assert torch.equal(spectral_conv(x=a, weight=w), expected)

    def test_under_compile_and_in_a_graph(self):
        x, weight = (t.detach().cuda().float() for t in inputs(320, 9)[:2])
        expected = spectral_conv(x=x, weight=weight)
        assert torch.equal(torch.compile(lambda x: spectral_conv(x=x, weight=weight) * 1, fullgraph=True)(x), expected)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = spectral_conv(x=x, weight=weight)
        x.neg_()
        graph.replay()
        assert torch.equal(y, -expected)

    def test_second_derivatives_agree_with_differences(self):
        x, weight = (t.detach().cuda().requires_grad_() for t in inputs(6, 4, C=2, O=1)[:2])
        assert torch.autograd.gradgradcheck(lambda x, w: spectral_conv(x=x, weight=w), (x, weight))

    def test_more_than_32_bits_of_elements(self):
        x = torch.randn(1 << 16, 1, 33000, dtype=torch.bfloat16, device="cuda")
        weight = torch.randn(1, 1, 3, 2, dtype=torch.bfloat16, device="cuda")
        y, last = spectral_conv(x=x, weight=weight), x[-8:].double()
        assert (y[-8:].double() - (exact := definition(last, weight.double()))).norm() <= LIMIT[x.dtype] * exact.norm()

    @pytest.mark.parametrize(("file", "right", "wrong"), [
        ("transforms.cu", "t[0] + t[1], t[2] - t[3]", "t[0] + t[1], t[2] + t[3]"),  # the higher residues without a conjugate
        ("transforms.cu", "a.re - b.re, a.im - b.im", "a.re - b.re, a.im + b.im"),  # the same of the inverse
        ("transforms.cu", "source, there)", "source, true)"),  # points beyond the last place
        ("transforms.cu", "f.re * im[r] + f.im * re[r]", "f.re * im[r] - f.im * re[r]"),  # the factor's conjugate
        ("transforms.cu", "to[2] += re[SHIFT] *", "to[2] += re[0] *"),  # the middle residue
        ("transforms.cu", "min(q + 1, ALL_TURNS - 1)", "min(q, ALL_TURNS - 1)"),  # the factor of the turn before
        ("transforms.cu", "a = b; b = -t;", "a = b; b = t;"),  # the quarter turn
        ("transforms.cu", "p < PARTS; p++", "p < PARTS - 1; p++"),  # the last warp's part left out
        ("transforms.cu", "blockIdx.x % GROUPS * TURNS", "0"),  # the same turns in every block
        ("transforms.cu", "brought<STAGES - 2>", "brought<STAGES - 1>"),  # points that are not there yet
        ("transforms.cu", "(stage + STAGES - 1) % STAGES", "(stage + 1) % STAGES"),  # the points of a step over those of another
        ("transforms.cu", "k < M ? weight_of(k)", "k + 1 < M ? weight_of(k)"),  # the highest mode left out
        ("common.cuh", "return k == 0 || 2 * k == N;", "return k == 0;"),  # mode n/2 counted twice
        ("products.cu", "CONJUGATE == 1 ? -c.im : c.im", "c.im"),  # the weight's gradient without a conjugate
        ("products.cu", "CONJUGATE == 2 ? -d.im : d.im", "d.im"),  # the gradient of x with the weight itself
        ("products.cu", "g < SPLIT", "g < SPLIT - 1"),  # a part of the channels left out
        ("products.cu", "read(slot, term + slot + AHEAD)", "read(slot, term + slot)"),  # a term twice
        ("products.cu", "if (term + slot < terms)", ""),  # the last term twice
    ])  # fmt: skip
    def test_wrong_kernels_are_found(self, found, file, right, wrong):
        def all_hold() -> bool:
            return holds(2048, 33) and holds(64, 33) and holds(100, 33) and holds(4096, 33, B=128, C=17)

        assert found(cuda, "HERE", right, wrong, cuda.problem.cache_clear, all_hold, file)


@pytest.mark.parametrize(
    ("x", "weight", "message"),
    [
        (torch.zeros(3, 8), torch.zeros(3, 5, 4, 2), r"x must have the shape \(B, C, n\), not \(3, 8\)"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 4), r"weight must have the shape \(C, O, M, 2\), not \(3, 5, 4\)"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 4, 3), "2 numbers, not 3"),
        (torch.zeros(2, 3, 8, dtype=torch.int64), torch.zeros(3, 5, 4, 2), "x must have a real .* not torch.int64"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 4, 2, dtype=torch.complex64), "weight must have a real"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 4, 2).double(), "torch.float32 and weight torch.float64"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 4, 2, device="meta"), "x is on cpu and weight on meta"),
        (torch.zeros(2, 3, 8), torch.zeros(4, 5, 4, 2), "x has 3 channels and weight takes 4"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 6, 2), "weight has 6 modes; signals of 8 points have 5"),
        (torch.zeros(2, 3, 0), torch.zeros(3, 5, 1, 2), "no axis of size 0"),
        (torch.zeros(2, 0, 8), torch.zeros(0, 5, 4, 2), "no axis of size 0"),
        (torch.zeros(2, 3, 8), torch.zeros(3, 5, 0, 2), "no axis of size 0"),
    ],
)
def test_bad_input_is_one_sentence(x, weight, message):
    with pytest.raises(ValueError, match=message):
        spectral_conv(x=x, weight=weight)


@pytest.mark.parametrize("n", [1, 2, 9, 64])
def test_the_inverse_transform_is_given_a_hermitian_spectrum(monkeypatch, n):
    x, weight, grad = inputs(n, n // 2 + 1)
    inverse, seen = torch.fft.irfft, []
    monkeypatch.setattr(torch.fft, "irfft", lambda y, n: seen.append(y) or inverse(y, n=n))
    torch.autograd.grad(SpectralConv.apply(x, weight, "fft"), (x, weight), grad)
    assert len(seen) == 2  # forward and backward
    for spectrum in seen:
        assert not spectrum[..., 0].imag.any() and (n % 2 or not spectrum[..., -1].imag.any())
