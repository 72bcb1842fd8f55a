"""The fused selective scan: the reference equals the operations that it fuses, the CUDA kernel equals the reference."""

import warnings
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.mamba import Mamba, MambaConfig
from pyzoo.ops import mamba as ops
from pyzoo.ops import native, nvrtc
from pyzoo.ops import selective_scan as package
from pyzoo.ops.point import Arithmetic
from pyzoo.ops.selective_scan import cpu, cuda, reference, selective_scan

MISSING = nvrtc.missing()
needs_gpu = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=f"the CUDA kernel needs a GPU: {MISSING}")]
LIMIT = {torch.float32: 2**-20, torch.bfloat16: 2**-8, torch.float16: 2**-11}
SEQUENCES, WEIGHTS = ("u", "dt", "z", "b", "c"), ("a", "d", "bias", "h0")


def inputs(B=2, L=37, E=40, N=16, G=1, dtype=torch.float32, device="cpu", seed=0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    weights = torch.float64 if dtype == torch.float64 else torch.float32
    x = {name: draw(B, L, E).to(dtype) for name in ("u", "dt", "z")} | {n: draw(B, L, G, N).to(dtype) for n in ("b", "c")}
    return x | {name: value.to(weights) for name, value in {
        "a": -torch.exp(draw(E, N)), "d": draw(E), "bias": 0.5 * draw(E) - 1, "h0": draw(B, E, N)}.items()}


def verdict(lean, point: str, inputs: dict[str, Tensor], y: Tensor) -> str:
    return judge(lean, Call(point, inputs, {}, y.detach(), None, Arithmetic()), y.numel()).verdict


def test_the_operations_that_it_fuses_are_within_its_budget(lean):
    x = inputs(L=9, E=6, N=3, dtype=torch.float64)
    delta = torch.nn.functional.softplus(x["dt"] + x["bias"], threshold=40)
    h = ops.states(decay=ops.decay(dt=delta, a=x["a"]), input=ops.input(dt=delta, b=x["b"][:, :, 0], u=x["u"]), h0=x["h0"])
    y = ops.gate(y=ops.readout(h=h, c=x["c"][:, :, 0], u=x["u"], d=x["d"]), z=x["z"])
    assert verdict(lean, "mamba.selective_scan", x, y) == "WITHIN"
    assert verdict(lean, "mamba.selective_scan", x, y.float().double()) == "FAIL"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_channels_of_a_group_share_their_inputs(lean, dtype):
    x = inputs(L=9, E=6, N=3, G=3, dtype=dtype)
    assert verdict(lean, "mamba.selective_scan", x, selective_scan(**x)[0]) == "WITHIN"
    first = {n: x[n][:, :, :1].expand_as(x[n]) for n in ("b", "c")}
    assert verdict(lean, "mamba.selective_scan", x, selective_scan(**x | first)[0]) == "FAIL"


def in_chunks(length: int, x: dict[str, Tensor], carry=lambda decay, before, own: decay * before + own) -> Tensor:
    """The outputs as the CUDA kernels compute them: a chunk hands on the state before it by one exponential of its step sizes."""
    h, out = x["h0"], []
    for begin in range(0, x["u"].shape[1], length):
        part = x | {name: x[name][:, begin : begin + length] for name in SEQUENCES}
        out.append(selective_scan(**part | {"h0": h})[0])
        own = selective_scan(**part | {"h0": torch.zeros_like(h)})[1]
        size = sum(torch.nn.functional.softplus(part["dt"] + x["bias"], threshold=40).unbind(1))
        h = carry(torch.exp(size[..., None] * x["a"]), h, own)
    return torch.cat(out, 1)


@pytest.mark.parametrize("wrong", [
    None,
    lambda decay, before, own: own,  # the state before a chunk lost
    lambda decay, before, own: before + own,  # not decayed
    lambda decay, before, own: decay * before,
    lambda decay, before, own: decay.roll(1, 0) * before + own,  # of another sequence
])  # fmt: skip
def test_chunks_side_by_side_are_within_their_budget_and_wrong_ones_are_not(lean, wrong):
    x = inputs(L=20, E=3, N=2)
    y = in_chunks(8, x, **({"carry": wrong} if wrong else {}))
    call = Call("mamba.selective_scan", x, {}, y, None, Arithmetic("sequential", chunks=(8,)))
    assert judge(lean, call, y.numel()).verdict == ("FAIL" if wrong else "WITHIN")


def test_the_declared_chunks_are_those_of_the_launches(monkeypatch):
    monkeypatch.setattr(nvrtc, "multiprocessors", lambda device: 132)
    seen = set()
    for B, L, E, N, dtype in ((1, 2049, 1, 1, torch.float32), (2, 16384, 2048, 16, torch.bfloat16), (8, 2048, 2048, 16, torch.float32),
                              (1, 65536, 1536, 16, torch.float32), (3, 100, 5, 3, torch.float16)):  # fmt: skip
        strides = ((L * E, E), (L * E, E), (L * N, N), (L * N, N), (L * E, E), (L * E, E))
        passes = [cuda.Launches(file, torch.Size((B, L, E)), N, 1, dtype, 0, True, True, strides, True, None)
                  for file in ("forward.cu", "backward.cu")]  # fmt: skip
        declared = cuda.chunks(torch.Size((B, L, E)), N, 1, dtype, 0)
        assert declared == tuple(p.length for p in passes if p.chunks > 1)
        seen.add(declared)
    assert () in seen and any(len(set(lengths)) == 2 for lengths in seen)


def test_chunks_that_are_not_declared_can_fail(lean):
    """400 equal step sizes, added in fp32 one after the other, are 96 roundings off, each by 80 in the exponent."""
    one, L = torch.ones(1, 1, 1), 400
    x = {"u": 0 * one.expand(1, L, 1), "dt": 17.552 * one.expand(1, L, 1), "z": 30 * one.expand(1, L, 1),
         "b": torch.zeros(1, L, 1, 1), "c": torch.ones(1, L, 1, 1), "a": torch.full((1, 1), -80 / (17.552 * 399)),
         "d": torch.zeros(1), "bias": torch.zeros(1), "h0": 1e10 * one}  # fmt: skip
    call = Call("mamba.selective_scan", x, {}, in_chunks(L - 1, x), None, Arithmetic("sequential"))
    assert judge(lean, call, 0, indices=[L - 1]).verdict == "FAIL"
    assert judge(lean, replace(call, arithmetic=Arithmetic("sequential", chunks=(L - 1,))), 0, indices=[L - 1]).verdict == "WITHIN"


def test_no_steps_leave_the_initial_state():
    x = inputs(L=0)
    y, last = selective_scan(**x)
    assert y.shape == (2, 0, 40) and torch.equal(last, x["h0"])


@pytest.mark.parametrize(("change", "sentence"), [
    ({"dt": torch.zeros(2, 36, 40)}, r"dt has shape \(2, 36, 40\)"),
    ({"u": torch.zeros(2, 37)}, "must have 3, 2 and 3 or 4 axes"),
    ({"a": torch.zeros(40, 16, dtype=torch.float64)}, "a is torch.float64"),
    ({"z": torch.zeros(2, 37, 40).half()}, "z is torch.float16, but with u in torch.float32"),
    ({"u": torch.zeros(2, 37, 40, dtype=torch.int64)}, "u is torch.int64, not of a floating-point dtype"),
    ({"b": torch.zeros(2, 37, 3, 16), "c": torch.zeros(2, 37, 3, 16)}, "40 channels cannot be split into 3 groups"),
    ({"h0": torch.zeros(2, 40, 16, device="meta")}, "h0 is on meta, but u is on cpu"),
    ({"a": torch.zeros(40, 0), "b": torch.zeros(2, 37, 0), "c": torch.zeros(2, 37, 0), "h0": torch.zeros(2, 40, 0)},
     "a has no states"),
])
def test_what_does_not_fit_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        selective_scan(**inputs() | change)


def recorded(model: Mamba, dtype: torch.dtype) -> dict[str, Call]:
    """The calls of a mixer on a sequence, and of its next step."""
    recorder, tokens = Recorder(), torch.tensor([[1, 2, 0, 3, 1]])
    with recorder.recording(), torch.no_grad():
        model.to(dtype)(tokens)
        model.step(tokens[:, 0], [tuple(torch.randn_like(part) for part in state) for state in model.start(1)])
    return {call.point: call for call in recorder.calls}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_mixers_and_steps_are_judged_as_fused_if_they_say_so(lean, dtype):
    torch.manual_seed(0)
    calls = recorded(Mamba(MambaConfig(vocab=5, width=4, layers=1, state=3, fast_kernels=True)), dtype)
    assert calls["mamba.mixer"].arithmetic == Arithmetic(fused=True) and not calls["mamba.step.y"].arithmetic.fused  # here on a CPU
    for point in ("mamba.mixer", "mamba.step.y", "mamba.step.h", "mamba.step.conv_state"):
        call = replace(calls[point], arithmetic=Arithmetic(fused=True))
        assert judge(lean, call, 40).holds, point
        assert judge(lean, replace(call, output=call.output.flip(-1)), 40).verdict == "FAIL", point


def test_a_fused_step_that_does_not_say_so_can_fail(lean, monkeypatch):
    """Δ u is below the smallest normal number and Δ B is not: (Δ u) B, as the kernel multiplies, is far from (Δ B) u."""
    weights = {"in_proj": torch.ones(2, 1), "conv_weight": torch.ones(1, 1), "conv_bias": torch.zeros(1),
               "x_proj": torch.tensor([[0.0], [1e38], [1.0]]), "dt_weight": torch.zeros(1, 1), "dt_bias": torch.tensor([-34.0]),
               "a_log": torch.zeros(1, 1), "d": torch.zeros(1), "out_proj": torch.ones(1, 1)}  # fmt: skip
    inputs = {"x": torch.tensor([[1e-28]]), "conv_state": torch.zeros(1, 1, 0), "h": torch.zeros(1, 1, 1)} | weights
    monkeypatch.setattr(ops, "input", lambda *, dt, b, u: (dt * u)[..., None] * b[..., None, :])
    call = Call("mamba.step.h", inputs, {}, ops.step(**inputs)[2], None, Arithmetic())
    assert judge(lean, call, 1).verdict == "FAIL"
    assert judge(lean, replace(call, arithmetic=Arithmetic(fused=True)), 1).verdict == "WITHIN"


def test_a_mixer_in_chunks_that_it_does_not_declare_can_fail(lean, monkeypatch):
    """As the scan above: what the first chunk's last step leaves, after a chunk of equal step sizes whose sum has roundings of its own."""
    C = 399
    weights = {"in_proj": torch.tensor([[1.0], [3e7]]), "conv_weight": torch.ones(1, 1), "conv_bias": torch.zeros(1),
               "x_proj": torch.tensor([[0.0], [1.0], [1.0]]), "dt_weight": torch.zeros(1, 1), "dt_bias": torch.tensor([17.552]),
               "a_log": torch.tensor([[80 / (17.552 * 399)]]).log(), "d": torch.zeros(1), "out_proj": torch.ones(1, 1)}  # fmt: skip
    x = torch.zeros(1, 2 * C + 1, 1)
    x[0, C - 1], x[0, -1] = 1e12, 1e-6
    monkeypatch.setattr(ops, "selective_scan", lambda **inputs: in_chunks(C, inputs))
    said = Arithmetic("sequential", fused=True)
    call = Call("mamba.mixer", {"x": x} | weights, {}, ops.fast_mixer(x=x, **weights), None, said)
    assert judge(lean, call, 0, indices=[2 * C]).verdict == "FAIL"
    assert judge(lean, replace(call, arithmetic=replace(said, chunks=(C,))), 0, indices=[2 * C]).verdict == "WITHIN"


def test_a_fast_norm_is_a_norm(lean):
    x, weight = torch.randn(2, 3, 5), torch.randn(5)
    inputs = {"x": x, "weight": weight, "eps": torch.tensor(1e-5)}
    assert verdict(lean, "mamba.norm", inputs, ops.fast_norm(x=x, weight=weight, eps=1e-5)) == "WITHIN"
    assert verdict(lean, "mamba.norm", inputs, ops.fast_norm(x=x, weight=weight, eps=1e-2)) == "FAIL"


ARGUMENTS = ("u", "dt", "a", "b", "c", "d", "z", "bias", "h0")
Results = dict[str, Tensor]


def results(x: dict[str, Tensor], g: Tensor, g_last: Tensor) -> Results:
    """The reference's outputs, last state, and every gradient."""
    leaves = {n: v.clone().requires_grad_() for n, v in x.items() if v is not None}
    y, last = reference(*(leaves.get(n) for n in ARGUMENTS), True)
    return {"y": y, "last": last} | dict(zip(leaves, torch.autograd.grad((y, last), list(leaves.values()), (g, g_last)), strict=True))


def of_the_kernel(x: dict[str, Tensor], g: Tensor, g_last: Tensor, plans: tuple[cuda.Plan | None, cuda.Plan | None]) -> Results:
    arguments = [x[n] for n in ARGUMENTS]
    y, last, saved = cuda.forward(*arguments, True, True, plans[0])
    gradients = cuda.backward(g, g_last, *arguments[:8], saved, True, plans[1])
    return {"y": y, "last": last} | {n: v for n, v in zip(ARGUMENTS, gradients, strict=True) if x[n] is not None}


def on_the_cpu(x: dict[str, Tensor], g: Tensor, g_last: Tensor, _) -> Results:
    arguments = [x[n] for n in ARGUMENTS]
    y, last, saved = cpu.forward(*arguments, True, True)
    gradients = cpu.backward(g, g_last, *arguments[:8], saved, True)
    return {"y": y, "last": last} | {n: v for n, v in zip(ARGUMENTS, gradients, strict=True) if x[n] is not None}


def holds(x: dict[str, Tensor], plans: tuple[cuda.Plan | None, cuda.Plan | None] = (None, None), run=of_the_kernel) -> bool:
    """Whether the kernel is as close to fp64, in the norm, as 16 roundings of fp32 and one of its outputs' dtype are, or no
    more than 4 times as far away as PyTorch, step by step in fp32, is. The bias's gradient adds up those of Δ, which may cancel: the
    norm is that of their sizes' sum."""
    generator = torch.Generator(x["u"].device).manual_seed(1)
    like = (x["u"], x["a"].expand(len(x["u"]), -1, -1))
    g, g_last = (torch.randn(v.shape, generator=generator, device=v.device).to(v.dtype) for v in like)
    exact = results({n: v if v is None else v.double() for n, v in x.items()}, g.double(), g_last.double())
    plain, kernel = results(x, g, g_last), run(x, g, g_last, plans)

    def error(name: str, got: Results) -> float:
        size = exact["dt"].abs().sum((0, 1)) if name == "bias" else exact[name]
        return ((got[name].double() - exact[name]).norm() / size.norm().clamp_min(1e-30)).item()

    return all(error(n, kernel) <= max(LIMIT[kernel[n].dtype], 4 * error(n, plain)) for n in exact)


CPU = pytest.mark.skipif(native.compiler() is None, reason="no C compiler on this machine")
SIZES = [dict(), dict(L=1), dict(L=33, E=33, G=3), dict(N=1), dict(N=64, E=5), dict(L=130, E=96, N=7, G=2), dict(B=1, L=2049, E=16)]


@CPU
@pytest.mark.parametrize("sizes", SIZES)
def test_the_compiled_scan_on_a_cpu(sizes):
    assert holds(inputs(**sizes), run=on_the_cpu)


@CPU
@pytest.mark.parametrize("absent", ["d", "z", "bias", "h0"])
def test_the_compiled_scan_without_what_is_optional(absent):
    assert holds(inputs() | {absent: None}, run=on_the_cpu)


@CPU
@pytest.mark.parametrize(("right", "wrong"), [
    ("t % STEPS == 0", "t % STEPS == 1"),  # states saved at the wrong step
    ("+ k->group * s->N", ""),  # missing group offset
    ("dh[n] *= decay[i * N + n];", ""),  # the reverse scan doesn't decay
    ("p = p * f + 5.0000001201e-1f;", ""),  # a term of exp's polynomial
    ("db[n] += total", "db[n] = total"),  # sums over channels that are overwritten
])
def test_a_wrong_compiled_scan_is_found(found, monkeypatch, right, wrong):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    x = inputs(L=140, E=60, G=3)
    assert found(cpu, "SOURCE", right, wrong, native.library.cache_clear, lambda: holds(x, run=on_the_cpu))


def test_the_operator_has_gradients_of_its_own():
    x = {n: v.requires_grad_() for n, v in inputs(L=20, E=6, N=3).items()}
    y, last = selective_scan(**x)
    assert (y.grad_fn is not None) and not any(g.isnan().any() for g in torch.autograd.grad(y.sum() + last.sum(), list(x.values())))


SPLIT = (cuda.Plan(2, 16, 3, 16), cuda.Plan(4, 32, 3, 4))  # chunks where a plan would have one


@pytest.mark.parametrize("L", [1, 2, 31, 33, 372, 784, 1134, 2049])
@pytest.mark.parametrize("E", [1, 33, 96])
class TestOnAGpu:
    pytestmark = needs_gpu

    def test_any_length_and_width(self, L, E):
        assert holds(inputs(L=L, E=E, device="cuda"))
        assert holds(inputs(L=L, E=E, device="cuda"), plans=SPLIT)


class TestKernel:
    pytestmark = needs_gpu

    @pytest.mark.parametrize("N", [1, 2, 3, 5, 8, 16, 24, 32, 48, 64])
    @pytest.mark.parametrize("dtype", list(LIMIT))
    def test_any_number_of_states(self, N, dtype):
        assert holds(inputs(L=50, N=N, G=2, dtype=dtype, device="cuda"))

    @pytest.mark.parametrize("absent", ["d", "z", "bias", "h0"])
    def test_what_is_optional_may_be_absent(self, absent):
        assert holds(inputs(device="cuda") | {absent: None}, plans=SPLIT)

    @pytest.mark.parametrize("dtype", list(LIMIT))
    def test_aligned_rows(self, dtype):
        assert holds(inputs(L=100, E=64, dtype=dtype, device="cuda"), plans=SPLIT)

    def test_views_give_the_same_bits(self):
        x = inputs(device="cuda")
        views = {n: torch.stack((v, v), -1).flatten(-2)[..., ::2] if n in ("u", "c") else v.transpose(0, 1).contiguous().transpose(0, 1)
                 for n, v in x.items() if n in SEQUENCES}
        assert all(map(torch.equal, selective_scan(**x), selective_scan(**x | views)))

    def test_gradients_have_the_same_bits_each_time(self):
        def run() -> list[Tensor]:
            x = {n: v.clone().requires_grad_() for n, v in inputs(L=300, E=64, device="cuda").items()}
            y, last = selective_scan(**x)
            return list(torch.autograd.grad(y.sum() + last.sum(), list(x.values())))

        assert all(map(torch.equal, run(), run()))

    def test_under_compile_and_in_a_graph(self):
        x = inputs(device="cuda")
        expected = selective_scan(**x)[0]
        assert torch.equal(torch.compile(lambda x: selective_scan(**x)[0] * 1, fullgraph=True)(x), expected)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = selective_scan(**x)[0]
        x["u"].zero_()
        graph.replay()
        assert torch.equal(y, selective_scan(**x)[0]) and not torch.equal(y, expected)

    def test_more_than_32_bits_of_elements(self):
        small = inputs(B=1, L=1, E=33000, N=1, dtype=torch.bfloat16, device="cuda")
        draw = {n: torch.randn(1, 1 << 16, *small[n].shape[2:], dtype=torch.bfloat16, device="cuda") for n in SEQUENCES}
        long = small | draw
        y, last = selective_scan(**long)
        few = {n: v[..., -64:] if n in ("u", "dt", "z", "d", "bias") else v[-64:] if n == "a" else v[:, -64:] if n == "h0" else v
               for n, v in long.items()}
        exact = reference(*(few[n].double() for n in ARGUMENTS), True)[0]
        assert (y[..., -64:].double() - exact).norm() <= LIMIT[torch.bfloat16] * exact.norm()

    @pytest.mark.parametrize(("file", "right", "wrong"), [
        ("forward.cu", "exp2_(sums[at] * a[j]) * h[j] + end[j]", "end[j]"),  # carry lost at a chunk's edge
        ("forward.cu", "chunk < p.chunk; chunk++", "chunk + 1 < p.chunk; chunk++"),  # wrong chunk's summary
        ("forward.cu", "AT(B, p.begin, p.group * N)", "AT(B, p.begin, 0)"),  # missing group offset
        ("forward.cu", "t + s < p.end ? 1.0f : 0.0f", "t + s < p.end ? 1.0f : 1.0f"),  # padded tail
        ("forward.cu", "store_states(saved && p.has, save, h)", "(void)save"),  # no saved states
        ("forward.cu", "make(t + STEPS, next)", "make(t + STEPS, after)"),  # another tile's step sizes
        ("forward.cu", "keep(i + 1)", "keep(i)"),  # the step sizes of the tile before
        ("forward.cu", "real(tiles.z[slot]", "real(tiles.z[next]"),  # another tile's gate
        ("backward.cu", "t + s < p.end ? 1.0f : 0.0f", "t + s < p.end ? 1.0f : 1.0f"),  # padding in the reverse scan's tail
        ("backward.cu", "exp2_(sums[at] * a[j]) * dh[j] + end[j]", "end[j]"),
        ("backward.cu", "chunk > p.chunk; chunk--", "chunk > p.chunk + 1; chunk--"),
        ("backward.cu", "AT(C, final_tile, p.group * N)};", "AT(C, final_tile, 0)};"),
        ("common.cuh", "p = p * e - 0.24954134225845337f;", ""),  # a term of softplus's polynomial
    ])  # fmt: skip
    def test_a_wrong_kernel_is_found(self, found, file, right, wrong):
        x = inputs(L=140, E=60, G=3, device="cuda")
        assert found(cuda, "HERE", right, wrong, cuda.launches.cache_clear, lambda: holds(x, plans=SPLIT), file)


def test_a_missing_kernel_is_one_warning(monkeypatch):
    monkeypatch.setattr(package.native, "missing", lambda source: "no compiler")
    with pytest.warns(UserWarning, match="step by step in PyTorch: no compiler"):
        assert not package._has_kernels("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not package._has_kernels("cpu")
