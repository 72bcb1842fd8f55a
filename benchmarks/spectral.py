"""The spectral convolution, side by side with what a user would pick instead.

`python benchmarks/spectral.py [--device cuda] [--crossover]` prints, for each shape, the medians of interleaved runs,
forward and backward, of ours, of rfft-einsum-irfft in plain PyTorch, and of neuraloperator's layer if it is installed;
every result and gradient is first compared with plain PyTorch in fp64. With `--crossover` it prints for how many modes
which of our two transforms is faster, which `pyzoo.ops.spectral_conv.choice` decides by."""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from pyzoo.conformance.run import full_precision
from pyzoo.ops.spectral_conv import choice, spectral_conv
from pyzoo.ops.spectral_conv.layer import SpectralConv

SHAPES = {  # signals, channels, points, modes
    "cuda": ((64, 64, 1024, 16), (64, 64, 8192, 16), (16, 128, 8192, 64)),
    "cpu": ((8, 64, 1024, 16), (4, 64, 8192, 16), (2, 128, 8192, 64)),
}
RUNS = {"cuda": 50, "cpu": 25}
Runner = tuple[Callable[[], Tensor], tuple[Tensor, Tensor]]  # a forward pass, and what its gradients are taken of


def plain(x: Tensor, weight: Tensor) -> Tensor:
    """The layer as its definition reads."""
    spectrum = torch.fft.rfft(x)[..., : weight.shape[2]]
    mixed = torch.einsum("bim,iom->bom", spectrum, torch.view_as_complex(weight))
    return torch.fft.irfft(mixed, n=x.shape[-1])


def neuraloperator(x: Tensor, weight: Tensor) -> Runner | None:
    """neuraloperator's layer with these weights, if it is installed."""
    try:
        from neuralop.layers.spectral_convolution import SpectralConv as Layer
    except ImportError:
        return None
    c, o, modes, _ = weight.shape
    layer = Layer(c, o, (max(1, 2 * modes - 2),), bias=False, fft_norm="backward").to(x.device)
    with torch.no_grad():
        layer.weight.tensor.copy_(torch.view_as_complex(weight))
    return lambda: layer(x), (x, layer.weight.tensor)


def clock(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def times(runners: dict[str, Runner], grad: Tensor, device: str) -> dict[str, tuple[float, float]]:
    """Median milliseconds of a forward and of a backward pass of each, run in turn."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
    for run in range(RUNS[device] + 3):
        for name, (forward, leaves) in runners.items():
            start = clock(device)
            y = forward()
            between = clock(device)
            torch.autograd.grad(y, leaves, grad)
            end = clock(device)
            if run >= 3:
                spent[name].append((1e3 * (between - start), 1e3 * (end - between)))
    return {name: tuple(median(column) for column in zip(*pairs, strict=True)) for name, pairs in spent.items()}


def error(got: Tensor, exact: Tensor) -> float:
    got = torch.view_as_real(got) if got.is_complex() else got
    return ((got - exact).abs().max() / exact.abs().max()).item()


def check(runners: dict[str, Runner], x: Tensor, weight: Tensor, grad: Tensor) -> dict[str, float]:
    """Each one's largest error, relative to the largest number: of its values and gradients, against fp64."""
    leaves = [t.detach().double().requires_grad_() for t in (x, weight)]
    exact = plain(*leaves)
    expected = (exact, *torch.autograd.grad(exact, leaves, grad.double()))
    errors = {}
    for name, (forward, own) in runners.items():
        y = forward()
        results = (y, *torch.autograd.grad(y, own, grad))
        errors[name] = max(error(a.detach(), b.detach()) for a, b in zip(results, expected, strict=True))
        if not errors[name] < 1e-4:
            raise SystemExit(f"{name} differs from fp64 by {errors[name]:.1e} of the largest number")
    return errors


def bandwidth() -> float:
    """Bytes a second that the GPU copies, read and written."""
    source, target = (torch.empty(1 << 28, device="cuda") for _ in range(2))
    spent = []
    for _ in range(10):
        start = clock("cuda")
        target.copy_(source)
        spent.append(clock("cuda") - start)
    return 2 * 4 * source.numel() / median(spent)


def inputs(shape: tuple[int, int, int, int], device: str) -> tuple[Tensor, Tensor, Tensor]:
    b, c, n, modes = shape
    generator = torch.Generator(device).manual_seed(0)
    draw = lambda *size: torch.randn(*size, device=device, generator=generator)  # noqa: E731
    return draw(b, c, n).requires_grad_(), (draw(c, c, modes, 2) / c).requires_grad_(), draw(b, c, n)


def table(device: str) -> None:
    """Print the comparison."""
    speed = bandwidth() if device == "cuda" else None
    for shape in SHAPES[device]:
        b, c, n, modes = shape
        x, weight, grad = inputs(shape, device)
        runners = {"ours": (lambda: spectral_conv(x=x, weight=weight), (x, weight)),
                   "rfft-einsum-irfft": (lambda: plain(x, weight), (x, weight))}  # fmt: skip
        if other := neuraloperator(x, weight):
            runners["neuraloperator"] = other
        errors = check(runners, x, weight, grad)
        spent = times(runners, grad, device)
        print(f"B{b} C{c} n{n} M{modes}, fp32, {choice(n, modes, x.dtype, device)}")
        if speed:
            floor = 1e3 * 4 * 2 * b * c * n / speed
            print(f"  {'read x, write y':18} {floor:8.3f} ms forward, at {speed / 1e12:.2f} TB/s")
        ours = spent["ours"]
        for name, (forward, backward) in spent.items():
            print(f"  {name:18} {forward:8.3f} ms forward {backward:8.3f} ms backward, {forward / ours[0]:.2f} and "
                  f"{backward / ours[1]:.2f} times ours, error {errors[name]:.0e}")  # fmt: skip


def crossover(device: str) -> None:
    """Print how many times as long the fast transforms take as products, forward and backward together."""
    b, c = (16, 64) if device == "cuda" else (8, 64)
    for n in (256, 1024, 8192):
        ratios = []
        for modes in (8, 16, 24, 32, 48, 64, 96, 128):
            x, weight, grad = inputs((b, c, n, modes), device)
            both = {k: (lambda k=k, x=x, w=weight: SpectralConv.apply(x, w, k), (x, weight)) for k in ("matrix", "fft")}
            spent = times(both, grad, device)
            ratios.append(f"M{modes} {sum(spent['fft']) / sum(spent['matrix']):.2f}")
        print(f"B{b} C{c} n{n}, fft / matrix: {', '.join(ratios)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--crossover", action="store_true")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here; use --device cpu")
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"torch {torch.__version__}, {name}")
    with full_precision():
        (crossover if arguments.crossover else table)(arguments.device)


if __name__ == "__main__":
    main()
