"""Every CUDA source compiles for the shapes of these cases; no GPU is needed."""

from pathlib import Path

import pytest
import torch

from pyzoo.ops import cross_entropy, linear_scan, nvrtc, spectral_conv
from pyzoo.ops.selective_scan import cuda as scan
from pyzoo.ops.selective_scan import step

pytestmark = pytest.mark.skipif(nvrtc.missing_compiler() is not None, reason=f"needs NVRTC: {nvrtc.missing_compiler()}")
FP32, BF16, FP64 = torch.float32, torch.bfloat16, torch.float64


def of_scan(file, dtype, E, N, plan, aligned):
    """Of the selective scan, in which whatever may be absent is there."""
    steps, states = (64 * E, E), (64 * N, N)
    strides = (steps, steps, states, states, steps, steps)
    macros = scan.Launches(file, torch.Size((2, 64, E)), N, 1, dtype, 0, True, True, strides, aligned, plan).macros
    return (scan.HERE / "common.cuh", scan.HERE / file), macros


def of_spectral(file, dtype, n, modes):
    own, common = spectral_conv.cuda, spectral_conv.cuda.HERE / "common.cuh"
    if file == "transforms.cu":
        macros = own.of_transforms(own.plan(100, n, modes, dtype, 132), n, modes, dtype)
    else:
        macros, _ = own.of_product("weight_gradient", {"B": 5, "C": 3, "O": 66, "M": modes}, n, dtype, 132)
    return (common, own.HERE / file), macros


def of_recurrence(name, dtype, wide):
    return (linear_scan.cuda.FILE,), linear_scan.cuda.macros(name, dtype, wide, 8, 33)


CASES = [
    of_scan("forward.cu", FP32, 64, 16, scan.Plan(2, 16, 3, 16), True),
    of_scan("forward.cu", BF16, 64, 16, scan.Plan(4, 8, 1, 16), True),
    of_scan("forward.cu", BF16, 33, 3, scan.Plan(1, 32, 2, 16), False),
    of_scan("backward.cu", FP32, 64, 16, scan.Plan(4, 32, 3, 4), True),
    of_scan("backward.cu", BF16, 33, 3, scan.Plan(1, 32, 2, 4), False),
    of_scan("functions.cu", FP32, 64, 16, scan.Plan(4, 32, 1, 4), True),
    *(of_spectral("transforms.cu", *case) for case in ((FP32, 512, 16), (FP32, 2048, 64), (BF16, 404, 33), (FP64, 1134, 40), (BF16, 31, 16))),
    *(of_spectral("products.cu", *case) for case in ((FP32, 512, 16), (BF16, 404, 33), (FP64, 31, 5))),
    *(((cross_entropy.FILE,), cross_entropy.macros(*case)) for case in ((BF16, 50257, 50304), (FP32, 65, 128), (torch.float16, 1, 64))),
    *(of_recurrence(*case) for case in (("scan", FP32, 1), ("scan_back", BF16, 2), ("summarize", FP64, 1), ("summarize_back", FP32, 1))),
]


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0][-1].parent.name}-{case[0][-1].name}")
def test_it_compiles(case, arch):
    files, macros = case
    assert nvrtc.cubin(nvrtc.source(files), macros, arch)


@pytest.mark.parametrize(("arch", "cluster"), [("sm_80", 1), ("sm_90", 8)])
@pytest.mark.parametrize("dtype", [FP32, BF16])
def test_a_step_compiles(dtype, arch, cluster):
    assert nvrtc.cubin(nvrtc.source((scan.HERE / "step.cu",)), step.macros(dtype, 66, 16, 3, 4, cluster), arch)


def test_no_source_is_left_out():
    compiled = {files[-1] for files, _ in CASES} | {scan.HERE / "step.cu"}
    assert compiled == set(Path(nvrtc.__file__).parent.rglob("*.cu"))


def test_a_wrong_source_does_not():
    files, macros = of_spectral("products.cu", FP32, 512, 16)
    with pytest.raises(Exception, match="expected a"):
        nvrtc.cubin(nvrtc.source(files) + "int x", macros, "sm_90")


def test_what_is_missing_is_said_in_words(monkeypatch):
    assert nvrtc.missing_compiler() is None
    monkeypatch.setattr(nvrtc, "find_spec", lambda name: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert nvrtc.missing() == nvrtc.missing_compiler() == "cuda-core is not installed (pip install 'cuda-core[cu13]')"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert nvrtc.missing() == "no CUDA device"
