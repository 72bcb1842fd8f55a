"""The spectral convolution on a CPU in fp32, as compiled C."""

import ctypes
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from pyzoo.ops import native
from pyzoo.ops.spectral_conv.transforms import turns, weights_of_modes

SOURCE = Path(__file__).parent / "cpu.c"
RADIX, ROWS, W = 16, 2, 16  # points transformed in registers, signals of a block, places of a vector, as in the source
LEAST = 1 << 18  # numbers that are worth another thread


class _Transform(ctypes.Structure):
    _fields_ = [*((n, ctypes.c_void_p) for n in ("input", "table", "out")), *((n, ctypes.c_int64) for n in ("rows", "n", "M"))]


class _Product(ctypes.Structure):
    _fields_ = [*((n, ctypes.c_void_p) for n in ("x", "g", "weight", "scale", "out")), *((n, ctypes.c_int64) for n in "BCOM")]


@lru_cache(maxsize=16)
def _tables(n: int, modes: int) -> tuple[Tensor, Tensor, Tensor]:
    """exp(-2πi k s / n), (M, 2, vectors, W); its conjugate times the modes' weights, (vectors, M, 2, W), for the places s; and these
    weights. In the second they are half where a mode of `RADIX` points stands for its conjugate too."""
    places = pad(turns(n, torch.arange(modes), n // RADIX).transpose(1, 2), (0, -(n // RADIX) % W)).view(modes, 2, -1, W)
    weights = weights_of_modes(n, modes)
    back = weights * torch.where(torch.arange(modes) % (RADIX // 2) == 0, 1, 0.5)
    back = places * torch.stack((back, -back), 1)[:, :, None, None]
    return places.float().contiguous(), back.permute(2, 0, 1, 3).float().contiguous(), pad(weights, (0, -modes % W)).float()


def _run(name: str, problem: ctypes.Structure, parts: int, numbers: int) -> None:
    """Run a function on its independent parts, which read so many numbers."""
    native.run(native.library(SOURCE)[name], [problem] * min(parts, torch.get_num_threads(), 1 + numbers // LEAST), parts)


def _spectrum(x: Tensor, modes: int) -> Tensor:
    """The lowest modes of signals (B, C, n), (B, C, 2, M up to a multiple of `W`)."""
    (B, C, n), out = x.shape, x.new_empty(*x.shape[:2], 2, -(-modes // W) * W)
    transform = _Transform(x.data_ptr(), _tables(n, modes)[0].data_ptr(), out.data_ptr(), B * C, n, modes)
    _run("forward", transform, -(-B * C // ROWS), x.numel())
    return out


def _signals(spectrum: Tensor, n: int, modes: int) -> Tensor:
    """The signals (B, C, n) of a spectrum."""
    (B, C), out = spectrum.shape[:2], spectrum.new_empty(*spectrum.shape[:2], n)
    transform = _Transform(spectrum.data_ptr(), _tables(n, modes)[1].data_ptr(), out.data_ptr(), B * C, n, modes)
    _run("inverse", transform, -(-B * C // ROWS), out.numel())
    return out


def forward(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """x (B, C, n), n a multiple of `RADIX`, weight (C, O, M, 2) -> the signals (B, O, n) and x's spectrum."""
    x, weight = x.contiguous(), weight.contiguous()
    (B, C, n), (_, O, M, _) = x.shape, weight.shape
    spectrum = _spectrum(x, M)
    mixed = spectrum.new_empty(B, O, *spectrum.shape[2:])
    product = _Product(x=spectrum.data_ptr(), weight=weight.data_ptr(), out=mixed.data_ptr(), B=B, C=C, O=O, M=M)
    _run("product", product, O, max(B, 2) * weight.numel())
    return _signals(mixed, n, M), spectrum


def backward(grad: Tensor, weight: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of x and weight from that of the signals."""
    grad, weight = grad.contiguous(), weight.contiguous()
    (B, O, n), (C, _, M, _) = grad.shape, weight.shape
    of_mixed, of_spectrum, of_weight = _spectrum(grad, M), torch.empty_like(spectrum), torch.empty_like(weight)
    given = dict(x=spectrum.data_ptr(), g=of_mixed.data_ptr(), weight=weight.data_ptr(), scale=_tables(n, M)[2].data_ptr(),
                 B=B, C=C, O=O, M=M)  # fmt: skip
    _run("adjoint", _Product(out=of_spectrum.data_ptr(), **given), C, max(B, 2) * weight.numel())
    _run("of_weight", _Product(out=of_weight.data_ptr(), **given), C, max(B, 2) * weight.numel())
    return _signals(of_spectrum, n, M), of_weight
