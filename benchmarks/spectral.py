"""For how many modes compiled C or, on a GPU, kernels of those modes alone are faster than fast transforms, which
`pyzoo.ops.spectral_conv.choice` decides by.

`python benchmarks/spectral.py [--device cuda]` prints how many times as long the fast transforms take, forward and backward
together. `pyzoo bench spectral` compares the layer with others."""

import argparse

import torch

from pyzoo.bench import times, device_name
from pyzoo.conformance.precision import full_precision
from pyzoo.ops.spectral_conv.layer import SpectralConv
from pyzoo.ops.spectral_conv.operator import KernelConv

RUN = {
    "kernel": KernelConv.apply,
    "compiled": KernelConv.apply,
    "fft": lambda x, weight: SpectralConv.apply(x, weight, "fft"),
}
MODES = (8, 16, 24, 32, 48, 64, 96, 128)


def crossover(device: str) -> None:
    """Print the ratios."""
    B, C, ours = (16, 64, "kernel") if device == "cuda" else (8, 64, "compiled")
    for n in (256, 1024, 8192):
        ratios = []
        for modes in MODES:
            generator = torch.Generator(device).manual_seed(0)
            x, grad = (torch.randn(B, C, n, device=device, generator=generator) for _ in range(2))
            weight = (torch.randn(C, C, modes, 2, device=device, generator=generator) / C).requires_grad_()
            x.requires_grad_()
            spent = times({
                kind: lambda run=run: torch.autograd.grad(run(x, weight), (x, weight), grad)
                for kind, run in RUN.items() if kind in (ours, "fft")
            }, device)  # fmt: skip
            ratios.append(f"M{modes} {spent['fft'] / spent[ours]:.2f}")
        print(f"B{B} C{C} n{n}, fft / {ours}: {', '.join(ratios)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here; use --device cpu")
    print(device_name(arguments.device))
    with full_precision():
        crossover(arguments.device)


if __name__ == "__main__":
    main()
