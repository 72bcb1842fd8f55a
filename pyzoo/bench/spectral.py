"""The spectral convolution of signals in fp32."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pyzoo.bench import Row, Runner, compare, copy_speed
from pyzoo.ops.spectral_conv import choice, spectral_conv

SHAPES = {  # signals, channels, points, modes
    "cuda": ((64, 64, 1024, 16), (64, 64, 8192, 16), (16, 128, 8192, 64)),
    "cpu": ((8, 64, 1024, 16), (4, 64, 8192, 16), (2, 128, 8192, 64)),
}


def plain(x: Tensor, weight: Tensor) -> Tensor:
    """The layer as its definition reads; x (B, C, n), weight (C, O, M, 2) -> (B, O, n)."""
    spectrum = torch.fft.rfft(x)[..., : weight.shape[2]]
    mixed = torch.einsum("bim,iom->bom", spectrum, torch.view_as_complex(weight))
    return torch.fft.irfft(mixed, n=x.shape[-1])


def neuraloperator(x: Tensor, weight: Tensor) -> Runner | None:
    """neuraloperator's layer with these weights, if it is installed."""
    try:
        from neuralop.layers.spectral_convolution import SpectralConv
    except ImportError:
        return None
    C, O, M, _ = weight.shape
    layer = SpectralConv(C, O, (max(1, 2 * M - 2),), bias=False, fft_norm="backward").to(x.device)
    with torch.no_grad():
        layer.weight.tensor.copy_(torch.view_as_complex(weight))
    return Runner(lambda: layer(x), (x, layer.weight.tensor), lambda dx, dweight: (dx, torch.view_as_real(dweight.resolve_conj())))


def rows(device: str) -> Iterator[Row]:
    """All shapes, with the peers that are installed."""
    speed = copy_speed(device)
    for B, C, n, M in SHAPES[device]:
        generator = torch.Generator(device).manual_seed(0)
        x, grad = (torch.randn(B, C, n, device=device, generator=generator) for _ in range(2))
        weight = torch.randn(C, C, M, 2, device=device, generator=generator) / C
        weight[:, :, 0, 1] = 0  # so that mode 0 is real: cuFFT's inverse doesn't leave an imaginary part of it out
        wide = tuple(t.double().requires_grad_() for t in (x, weight))
        y = plain(*wide)
        exact = y.detach(), *torch.autograd.grad(y, wide, grad.double())
        x.requires_grad_(), weight.requires_grad_()
        runners = {
            "pyzoo": Runner(lambda x=x, w=weight: spectral_conv(x=x, weight=w), (x, weight)),
            "rfft-einsum-irfft": Runner(lambda x=x, w=weight: plain(x, w), (x, weight)),
        }
        if other := neuraloperator(x, weight):
            runners["neuraloperator"] = other
        problem = f"B{B} C{C} n{n} {M} modes, {choice(n, M, x.dtype, device)}"
        yield from compare(problem, runners, exact, grad, 8 * x.numel(), device, speed, x.dtype)
