"""The truncated discrete Fourier transform and its inverse, as a product with a table and as a fast transform.

A spectrum is stored as (M, 2, B, C): mode, real and imaginary part, batch, channel, so that the channels of a mode are the
rows of a matrix. Sizes: n points, M modes.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor


def weights_of_modes(n: int, modes: int) -> Tensor:
    """What the inverse transform multiplies each mode by: 2/n, and 1/n for modes 0 and n/2, which are their own conjugates."""
    scale = torch.full((modes,), 2 / n, dtype=torch.float64)
    scale[0] = 1 / n
    if 2 * (modes - 1) == n:
        scale[-1] = 1 / n
    return scale


def turns(n: int, modes: Tensor, points: int) -> Tensor:
    """exp(-2πi k t / n) for each of the modes k at the points t = 0, 1, ..., (M, points, 2), in fp64 from angles below a turn."""
    turns = modes[:, None] * torch.arange(points) % n  # integers: no angle loses digits
    angle = turns.double() * (2 * math.pi / n)
    return torch.stack((angle.cos(), -angle.sin()), -1)


@lru_cache(maxsize=16)
def tables(n: int, modes: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """The matrices of the transform and of its inverse, both (2M, n): rows cos and -sin of 2π k t / n for each mode k, in
    the second times the weights of the modes. Rounded once."""
    rows = turns(n, torch.arange(modes), n).transpose(1, 2)  # (M, 2, n)
    inverse = rows * weights_of_modes(n, modes)[:, None, None]
    return tuple(x.reshape(2 * modes, n).to(device, dtype) for x in (rows, inverse))


class Matrix:
    """Both transforms as matrix products; of use where modes are few."""

    @staticmethod
    def forward(x: Tensor, modes: int) -> Tensor:
        """x (B, C, n) -> (M, 2, B, C)."""
        B, C, n = x.shape
        rows, _ = tables(n, modes, x.dtype, x.device)
        spectrum = torch.mm(x.reshape(B * C, n), rows.t())
        return spectrum.view(B, C, modes, 2).permute(2, 3, 0, 1).contiguous()

    @staticmethod
    def inverse(spectrum: Tensor, n: int) -> Tensor:
        """(M, 2, B, C) -> (B, C, n)."""
        M, _, B, C = spectrum.shape
        _, rows = tables(n, M, spectrum.dtype, spectrum.device)
        return torch.mm(spectrum.reshape(2 * M, B * C).t(), rows).view(B, C, n)


class FFT:
    """Both transforms by `torch.fft`."""

    @staticmethod
    def forward(x: Tensor, modes: int) -> Tensor:
        """x (B, C, n) -> (M, 2, B, C)."""
        return torch.view_as_real(torch.fft.rfft(x)[..., :modes]).permute(2, 3, 0, 1).contiguous()

    @staticmethod
    def inverse(spectrum: Tensor, n: int) -> Tensor:
        """(M, 2, B, C) -> (B, C, n). The imaginary parts of modes 0 and n/2 don't count; cuFFT is not given them, since its
        result depends on them."""
        M, _, B, C = spectrum.shape
        padded = spectrum.new_zeros(B, C, n // 2 + 1, 2)
        padded[:, :, :M] = spectrum.permute(2, 3, 0, 1)
        padded[:, :, 0, 1] = 0
        if n % 2 == 0:
            padded[:, :, -1, 1] = 0
        return torch.fft.irfft(torch.view_as_complex(padded), n=n)
