"""How many units in the last place a GPU's transcendental functions miss, over all 2^32 numbers of fp32.

`python benchmarks/ulps.py [--out FILE.json]` evaluates PyTorch's functions and those of the selective scan's kernel on every
number whose exact value is a normal number of fp32, and prints the largest error against fp64 with the number that has it.
The scan reads the argument of its exponentials in base 2, so its sigmoid and softplus are compared with the functions of
`rescaled` arguments: within two roundings of the argument (Lean: `Spec.Mamba.rescaled`)."""

import argparse
import json

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.selective_scan import cuda

CHUNK = 1 << 26
MACROS = dict(REAL="float", N=16, PADDED=16, E=64, G=1, LANES=4, CHANNELS=16, STEPS=16, BLOCKS=1, VECTOR=0, HAS_Z=0,
              HAS_D=0, SOFTPLUS=1, **{f"TIME_{n}": 1 for n in ("u", "dt", "B", "C", "z", "g", "out")})  # fmt: skip


def own(which: int):
    """The kernel's function: exp2, softplus or sigmoid."""
    files = (cuda.HERE / "common.cuh", cuda.HERE / "functions.cu")
    kernel = nvrtc.kernel("evaluate", files, MACROS, torch.cuda.current_device())

    def run(x: Tensor) -> Tensor:
        y = torch.empty_like(x)
        nvrtc.launch(kernel, (-(-x.numel() // 256), 1, 1), 256, x.data_ptr(), y.data_ptr(), x.numel(), which)
        return y

    return run


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def softplus(x: Tensor) -> Tensor:
    return x.clamp_min(0) + torch.log1p(torch.exp(-x.abs()))


FUNCTIONS = {  # the function, its exact value, and how many roundings of the argument it may have
    "torch.exp": (torch.exp, torch.exp, 0), "torch.exp2": (torch.exp2, torch.exp2, 0),
    "torch.log1p": (torch.log1p, torch.log1p, 0), "torch.tanh": (torch.tanh, torch.tanh, 0),
    "torch.sigmoid": (torch.sigmoid, sigmoid, 0), "torch.nn.functional.silu": (F.silu, lambda x: x * sigmoid(x), 0),
    "torch.nn.functional.softplus": (lambda x: F.softplus(x, threshold=40), softplus, 0),
    "scan exp2": (own, torch.exp2, 0), "scan softplus": (own, softplus, 2), "scan sigmoid": (own, sigmoid, 2),
}  # fmt: skip


def sweep(function, exact, roundings: int) -> tuple[float, float]:
    """The largest error in units in the last place, and where it is."""
    worst, where = 0.0, 0.0
    for start in range(-(1 << 31), 1 << 31, CHUNK):
        x = torch.arange(start, start + CHUNK, device="cuda", dtype=torch.int64).to(torch.int32).view(torch.float32)
        y, wide = function(x).double(), x.double()
        low, high = (exact(wide * (1 + sign * roundings * 2.0**-24)) for sign in (-1, 1))
        low, high = torch.minimum(low, high), torch.maximum(low, high)
        value = exact(wide)
        ulp = torch.exp2(torch.floor(torch.log2(value.abs())) - 23)
        error = torch.maximum(low - y, y - high).clamp_min(0) / ulp
        error[~((value.abs() >= 2.0**-126) & (value.abs() < 2.0**128)) | ~x.isfinite()] = 0
        error[error.isnan()] = torch.inf
        at = int(error.argmax())
        if error[at] > worst:
            worst, where = error[at].item(), x[at].item()
    return worst, where


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="also write the figures to this JSON file")
    arguments = parser.parse_args()
    if missing := nvrtc.missing():
        raise SystemExit(f"the sweep runs on a GPU: {missing}")
    device, driver = torch.cuda.get_device_name(), torch.cuda.driver_version() if hasattr(torch.cuda, "driver_version") else ""
    print(f"{device} {driver}, PyTorch {torch.__version__}")
    figures = {}
    for name, (function, exact, roundings) in FUNCTIONS.items():
        if name.startswith("scan"):
            function = own(("scan exp2", "scan softplus", "scan sigmoid").index(name))
        figures[name] = sweep(function, exact, roundings)
        print(f"{name:30} {figures[name][0]:.3f} ulps at {figures[name][1]!r}", flush=True)
    if arguments.out:
        with open(arguments.out, "w") as file:
            json.dump({"device": device, "torch": torch.__version__, "ulps": figures}, file, indent=1)


if __name__ == "__main__":
    main()
