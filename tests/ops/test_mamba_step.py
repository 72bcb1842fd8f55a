"""One step of a stream as one kernel: it equals the operations that it fuses, also inside a CUDA graph."""

import pytest
import torch

from pyzoo.models.graph import GraphedStep
from pyzoo.models.mamba import Mamba, MambaConfig, Mixer
from pyzoo.models.recurrent import RecurrentConfig, RecurrentModel
from pyzoo.ops import mamba as ops
from pyzoo.ops import nvrtc
from pyzoo.ops.selective_scan import step as package

MISSING = nvrtc.missing()
pytestmark = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=f"the CUDA kernel needs a GPU: {MISSING}")]
LIMIT = {torch.float32: 2**-20, torch.bfloat16: 2**-7, torch.float16: 2**-10}


def inputs(B=3, width=20, N=16, K=4, expand=2, dtype=torch.float32) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    mixer = Mixer(MambaConfig(vocab=1, width=width, layers=1, state=N, taps=K, expand=expand))
    E = expand * width
    x = {"x": torch.randn(B, width), "conv_state": torch.randn(B, E, K - 1), "h": torch.randn(B, E, N)}
    return {name: t.detach().to("cuda", dtype) for name, t in (x | dict(mixer.named_parameters())).items()}


def holds(x: dict[str, torch.Tensor]) -> bool:
    """Whether each result is as close to fp64, in the norm, as 16 roundings of fp32 and a few of its dtype are, or no more than
    4 times as far away as the operations one by one."""
    assert package.fits(*x.values())
    exact = ops.step(**{n: t.double() for n, t in x.items()})
    plain, kernel, dtype = ops.step(**x), ops.fast_step(**x), x["x"].dtype

    def error(got, expected):
        return ((got.double() - expected).norm() / expected.norm().clamp_min(1e-30)).item()

    return all(error(k, e) <= max(LIMIT[dtype], 4 * error(p, e)) for k, p, e in zip(kernel, plain, exact, strict=True))


@pytest.mark.parametrize("sizes", [dict(), dict(width=1, expand=1, N=1, K=1), dict(N=3, K=2), dict(N=64, B=1), dict(width=33, N=5),
                                   dict(width=768, B=70), dict(width=2500, B=1, N=17)])
def test_any_size(sizes):
    assert holds(inputs(**sizes))


@pytest.mark.parametrize("dtype", list(LIMIT))
def test_any_dtype(dtype):
    assert holds(inputs(dtype=dtype))


def test_without_clusters(monkeypatch):
    monkeypatch.setattr(package, "_cluster", lambda device: 1)
    package._kernel.cache_clear()
    assert holds(inputs(width=100)) and holds(inputs(width=1500))
    package._kernel.cache_clear()


def test_gradients_and_other_dtypes_take_the_operations_one_by_one():
    x = inputs()
    assert not package.fits(*(t.requires_grad_() for t in x.values()))
    assert not package.fits(x["x"].double(), *x.values()) and not package.fits(x["x"][:0], *x.values())
    assert torch.equal(ops.fast_step(**x)[0], ops.step(**x)[0])


@pytest.mark.parametrize(("right", "wrong"), [
    ("rank < CLUSTER", "rank < 1"),  # the other blocks' products left out
    ("= taps[k + 1]", "= taps[k]"),  # the window not moved
    ("b * E + first", "first"),  # the first sequence's states for all
    ("selected[R + N + n] * now", "selected[R + n] * now"),  # B for C
    ("b * 2 * E + E + e", "b * 2 * E + e"),  # the input for the gate
    ("-expf(real(a_log", "expf(real(a_log"),
])  # fmt: skip
def test_a_wrong_kernel_is_found(monkeypatch, tmp_path, right, wrong):
    source = (package.HERE / "step.cu").read_text()
    assert right in source
    (tmp_path / "step.cu").write_text(source.replace(right, wrong))
    monkeypatch.setattr(package, "HERE", tmp_path)
    package._kernel.cache_clear()
    assert not holds(inputs())
    package._kernel.cache_clear()


@pytest.mark.parametrize("kind", ["mamba", "rnn", "lstm", "gru"])
@torch.no_grad()
def test_a_graph_is_the_step_after_each_token(kind):
    torch.manual_seed(0)
    if kind == "mamba":
        model = Mamba(MambaConfig(11, fast_kernels=True)).cuda().eval()
    else:
        model = RecurrentModel(RecurrentConfig(kind, 11)).cuda().eval()
    memory = model.start(2)
    for token in (4, 5):
        _, memory = model.step(torch.full((2,), token, device="cuda"), memory)
    graphed = GraphedStep(model, memory)
    for token in (3, 1, 7):
        tokens = torch.tensor([token, token + 1], device="cuda")
        logits, memory = model.step(tokens, memory)
        assert torch.equal(graphed(tokens), logits)
