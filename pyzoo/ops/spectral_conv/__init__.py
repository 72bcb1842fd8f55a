"""The spectral convolution of signals, the Fourier layer of Li et al., arXiv 2010.08895, equation 4.

Sizes: B signals, C channels in, O channels out, n points, M modes. Lean: `Spec.spectralConv`.
"""

import torch
from torch import Tensor

from pyzoo.ops import native, nvrtc
from pyzoo.ops.arguments import alike
from pyzoo.ops.point import SINGLE, spec_point
from pyzoo.ops.spectral_conv import cpu, cuda
from pyzoo.ops.spectral_conv.layer import SpectralConv
from pyzoo.ops.spectral_conv.operator import kernel_conv

MOST_MODES = {"matrix": 32, "kernel": 64, "compiled": 128}  # with which each is known to be faster than fast transforms
LARGEST_TABLE = 1 << 22  # entries: of two tables for products, or of a kernel's table of pairs; 32 MiB in fp32


def choice(n: int, modes: int, dtype: torch.dtype = torch.float32, device: str = "cpu") -> str:
    """Which transforms a call has. `kernel`: on a GPU with at most 64 modes, CUDA kernels that compute those modes alone.
    `compiled`: on a CPU in fp32 with at most 128 modes, C that does, where n is a multiple of 16 from 256 on. `matrix`: elsewhere
    with at most 32 modes, products with tables of the lowest modes, and always in half precision, for which `torch.fft` has no
    general transform. Else, and where tables would have more than 2^22 entries, `fft`."""
    if device == "cuda" and modes <= MOST_MODES["kernel"] and n // cuda.radix(n) * cuda.table_rows(n, modes) <= LARGEST_TABLE and _has_kernels():
        return "kernel"
    fits = device == "cpu" and dtype == torch.float32 and n % cpu.RADIX == 0 and n >= 256
    if fits and modes <= MOST_MODES["compiled"] and n * modes <= LARGEST_TABLE and _has_c():
        return "compiled"
    few = modes <= MOST_MODES["matrix"] and n * modes <= LARGEST_TABLE
    return "matrix" if few or dtype.itemsize == 2 else "fft"


@torch.compiler.assume_constant_result
def _has_kernels() -> bool:
    return native.available("spectral_conv", "runs without its CUDA kernels", nvrtc.missing)


@torch.compiler.assume_constant_result
def _has_c() -> bool:
    return native.available("spectral_conv", "runs without its compiled C", native.missing, cpu.SOURCE)


def _check(x: Tensor, weight: Tensor) -> None:
    """Raise ValueError, naming the value and the condition, unless `x` and `weight` fit each other."""
    for name, tensor, shape in (("x", x, "(B, C, n)"), ("weight", weight, "(C, O, M, 2)")):
        if tensor.dim() != shape.count(",") + 1:
            raise ValueError(f"{name} must have the shape {shape}, not {tuple(tensor.shape)}")
        if not tensor.is_floating_point():
            raise ValueError(f"{name} must have a real floating-point dtype, not {tensor.dtype}")
    if weight.shape[3] != 2:
        raise ValueError(f"weight's last axis must hold real and imaginary parts, so 2 numbers, not {weight.shape[3]}")
    alike(x=x, weight=weight)
    if x.shape[1] != weight.shape[0]:
        raise ValueError(f"x has {x.shape[1]} channels and weight takes {weight.shape[0]}; they must be equal")
    if 0 in x.shape[1:] or 0 in weight.shape:
        raise ValueError(f"x {tuple(x.shape)} and weight {tuple(weight.shape)} must have no axis of size 0 but the batch")
    if weight.shape[2] > x.shape[2] // 2 + 1:
        raise ValueError(f"weight has {weight.shape[2]} modes; signals of {x.shape[2]} points have {x.shape[2] // 2 + 1}")


@spec_point("spectral.conv", SINGLE)
def spectral_conv(*, x: Tensor, weight: Tensor) -> Tensor:
    """The real signal whose lowest M modes are those of x, mixed over the channels by a complex matrix a mode, and whose
    other modes are 0; x (B, C, n), weight (C, O, M, 2) with real and imaginary parts last -> (B, O, n). It is
    `torch.fft.irfft(W ⊙ torch.fft.rfft(x)[..., :M], n)`."""
    _check(x, weight)
    if not len(x):  # which MKL's transforms refuse
        return (x.sum() + weight.sum()) * x.new_zeros(0, weight.shape[1], x.shape[2])
    kind = choice(x.shape[-1], weight.shape[2], x.dtype, x.device.type)
    if kind in ("kernel", "compiled"):
        return kernel_conv(x, weight)
    with torch.autocast(x.device.type, enabled=False):
        return SpectralConv.apply(x, weight, kind)
