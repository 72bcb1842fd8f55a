"""Wrong implementations of the spectral convolution."""

import torch
from torch import Tensor

from pyzoo.conformance.mutants import Mutant


def _conv(x: Tensor, weight: Tensor, forward: str = "backward", inverse: str = "backward") -> Tensor:
    return torch.fft.irfft(_spectrum(x, weight, forward), n=x.shape[-1], norm=inverse)


def _spectrum(x: Tensor, weight: Tensor, norm: str = "backward") -> Tensor:
    kept = torch.fft.rfft(x, norm=norm)[..., : weight.shape[2]]
    return torch.einsum("bim,iom->bom", kept, torch.view_as_complex(weight.contiguous()))


def _synthesis(y: Tensor, n: int, factor: Tensor | float) -> Tensor:
    """Σ factor (Re y cos - Im y sin) / n over the modes."""
    angle = 2 * torch.pi / n * (torch.arange(y.shape[-1])[:, None] * torch.arange(n) % n).double()
    rows = torch.cat((angle.cos(), -angle.sin())) / n
    parts = torch.cat((y.real * factor, y.imag * factor), -1)
    return (parts.double() @ rows).to(y.real.dtype)


def _counts(y: Tensor, n: int) -> Tensor:
    k = torch.arange(y.shape[-1])
    return torch.where((k == 0) | (2 * k == n), 1.0, 2.0)


def inverse_unscaled(*, x, weight):
    return _conv(x, weight, inverse="forward")


def scaled_twice(*, x, weight):
    return _conv(x, weight, forward="forward")


def scaled_by_root(*, x, weight):
    return _conv(x, weight, inverse="ortho")


def conjugates_dropped(*, x, weight):
    return _synthesis(_spectrum(x, weight), x.shape[-1], 1.0)


def real_part_of_complex_inverse(*, x, weight):
    return torch.fft.ifft(_spectrum(x, weight), n=x.shape[-1]).real


def constant_doubled(*, x, weight):
    y = _spectrum(x, weight)
    return _synthesis(y, x.shape[-1], torch.where(torch.arange(y.shape[-1]) == 0, 2.0, _counts(y, x.shape[-1])))


def nyquist_doubled(*, x, weight):
    y = _spectrum(x, weight)
    return _synthesis(y, x.shape[-1], torch.where(torch.arange(y.shape[-1]) == 0, 1.0, 2.0))


def nyquist_dropped(*, x, weight):
    n = x.shape[-1]
    keep = 2 * torch.arange(weight.shape[2]) != n
    return _conv(x, weight * keep[:, None])


def last_mode_dropped(*, x, weight):
    keep = torch.arange(weight.shape[2]) < max(1, weight.shape[2] - 1)
    return _conv(x, weight * keep[:, None])


def imaginary_constant(*, x, weight):
    y = _spectrum(x, weight)
    return _conv(x, weight) + y.imag[..., :1] / x.shape[-1]


def weight_conjugated(*, x, weight):
    return _conv(x, weight * weight.new_tensor([1.0, -1.0]))


def transform_conjugated(*, x, weight):
    y = torch.einsum("bim,iom->bom", torch.fft.rfft(x)[..., : weight.shape[2]].conj(), torch.view_as_complex(weight))
    return torch.fft.irfft(y, n=x.shape[-1])


def parts_separately(*, x, weight):
    kept = torch.fft.rfft(x)[..., : weight.shape[2]]
    re, im = (torch.einsum("bim,iom->bom", p, w) for p, w in zip((kept.real, kept.imag), weight.unbind(-1), strict=True))
    return torch.fft.irfft(torch.complex(re, im), n=x.shape[-1])


def modes_shifted(*, x, weight):
    return _conv(x, weight.roll(1, 2)) if weight.shape[2] > 1 else 2 * _conv(x, weight)


def modes_reversed(*, x, weight):
    return _conv(x, weight.flip(2))


def highest_modes(*, x, weight):
    full = torch.fft.rfft(x)
    y = torch.zeros(len(x), weight.shape[1], full.shape[-1], dtype=full.dtype)
    y[..., -weight.shape[2] :] = torch.einsum(
        "bim,iom->bom", full[..., -weight.shape[2] :], torch.view_as_complex(weight)
    )
    return torch.fft.irfft(y, n=x.shape[-1])


def channels_swapped(*, x, weight):
    c, o, m, _ = weight.shape
    return _conv(x, weight.reshape(o, c, m, 2).transpose(0, 1))


def channels_separate(*, x, weight):
    c, o = weight.shape[:2]
    own = torch.eye(c, o)[..., None, None] if min(c, o) > 1 else torch.cat((torch.ones(1, o), torch.zeros(c - 1, o)))[..., None, None]
    return _conv(x, weight * own)


def along_channels(*, x, weight):
    b, c, n = x.shape
    return _conv(x.transpose(1, 2).reshape(b, c, n), weight)


def batches_mixed(*, x, weight):
    return _conv(x.roll(1, 0) if len(x) > 1 else -x, weight)


def length_even(*, x, weight):
    n = x.shape[-1]
    return torch.nn.functional.pad(torch.fft.irfft(_spectrum(x, weight), n=max(n - n % 2, 1)), (0, n % 2 if n > 1 else 0))


def spectrum_in_bfloat16(*, x, weight):
    y = torch.view_as_real(_spectrum(x, weight)).bfloat16().to(x.dtype)
    return torch.fft.irfft(torch.view_as_complex(y), n=x.shape[-1])


MUTANTS = [
    Mutant(f"spectral.{name}", "spectral.conv", wrong, why)
    for name, wrong, why in (
        ("inverse-unscaled", inverse_unscaled, "1/n is left out"),
        ("scaled-twice", scaled_twice, "both transforms are scaled by 1/n"),
        ("scaled-by-root", scaled_by_root, "the inverse is scaled by 1/√n, the transform is not"),
        ("conjugates-dropped", conjugates_dropped, "modes count once, as if their conjugates were not there"),
        ("complex-inverse", real_part_of_complex_inverse, "the real part of a complex inverse transform of half a spectrum"),
        ("constant-doubled", constant_doubled, "mode 0 counts twice"),
        ("nyquist-doubled", nyquist_doubled, "mode n/2 counts twice"),
        ("nyquist-dropped", nyquist_dropped, "mode n/2 is left out"),
        ("last-mode-dropped", last_mode_dropped, "one mode too few is kept"),
        ("imaginary-constant", imaginary_constant, "the imaginary part of mode 0 is added"),
        ("weight-conjugated", weight_conjugated, "the conjugate weight"),
        ("transform-conjugated", transform_conjugated, "the transform has the other sign"),
        ("parts-separately", parts_separately, "real parts times real parts, imaginary times imaginary"),
        ("modes-shifted", modes_shifted, "every mode has its neighbour's weight"),
        ("modes-reversed", modes_reversed, "the weights of the modes run backwards"),
        ("highest-modes", highest_modes, "the highest modes are kept"),
        ("channels-swapped", channels_swapped, "channels in and out are mixed up"),
        ("channels-separate", channels_separate, "channels are not mixed"),
        ("along-channels", along_channels, "a signal runs through channels and points in the wrong order"),
        ("batches-mixed", batches_mixed, "signals change places"),
        ("length-even", length_even, "the inverse has an even length and is padded"),
        ("spectrum-bfloat16", spectrum_in_bfloat16, "the spectrum passes through bfloat16"),
    )
]
