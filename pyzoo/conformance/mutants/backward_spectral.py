"""Wrong backward passes of the spectral convolution: of the transforms, of the products of modes, and of what truncation keeps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from pyzoo.conformance.mutants import Mutant
from pyzoo.conformance.mutants.backward import backward
from pyzoo.ops.point import POINTS
from pyzoo.ops.spectral_conv.transforms import weights_of_modes


class _Given(Function):
    """The spectral convolution with the given functions of (x, weight, the output's gradient) as its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, of_x: Callable, of_weight: Callable) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.of = of_x, of_weight
        return POINTS["spectral.conv"](x=x, weight=weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        of = (f(*ctx.saved_tensors, grad) if needed else None for f, needed in zip(ctx.of, ctx.needs_input_grad, strict=False))
        return *of, None, None


def _modes(t: Tensor, count: int) -> Tensor:
    """The lowest modes, (..., n) -> (..., count)."""
    return torch.fft.rfft(t)[..., :count]


def _complex(weight: Tensor) -> Tensor:
    """(C, O, M, 2) -> (C, O, M)."""
    return torch.view_as_complex(weight.contiguous())


def _spectrum_of_x(weight: Tensor, grad: Tensor) -> Tensor:
    """The modes of the gradient of x, (B, C, M)."""
    return torch.einsum("bom,iom->bim", _modes(grad, weight.shape[2]), _complex(weight).conj())


def of_x(x: Tensor, weight: Tensor, grad: Tensor) -> Tensor:
    """The gradient of x, (B, C, n)."""
    return torch.fft.irfft(_spectrum_of_x(weight, grad), n=x.shape[-1])


def of_weight(x: Tensor, weight: Tensor, grad: Tensor) -> Tensor:
    """The gradient of the weight, (C, O, M, 2)."""
    n, M = x.shape[-1], weight.shape[2]
    product = torch.einsum("bim,bom->iom", _modes(x, M).conj(), _modes(grad, M))
    return torch.view_as_real(product) * weights_of_modes(n, M).to(grad)[:, None]


def weight_unconjugated(x, weight, grad):
    return of_x(x, weight * weight.new_tensor([1.0, -1.0]), grad)


def channels_untransposed(x, weight, grad):
    C, O, M, _ = weight.shape
    return of_x(x, weight.reshape(O, C, M, 2).transpose(0, 1), grad)


def gradient_reversed(x, weight, grad):
    return of_x(x, weight, grad.flip(-1))


def inverse_unscaled(x, weight, grad):
    return of_x(x, weight, grad) * x.shape[-1]


def scaled_twice(x, weight, grad):
    return of_x(x, weight, grad) / x.shape[-1]


def conjugates_dropped(x, weight, grad):
    return torch.fft.ifft(_spectrum_of_x(weight, grad), n=x.shape[-1]).real


def modes_weighted_twice(x, weight, grad):
    n, M = x.shape[-1], weight.shape[2]
    return of_x(x, weight * (weights_of_modes(n, M) * n).to(weight)[:, None], grad)


def constant_doubled(x, weight, grad):
    return of_x(x, weight * torch.where(torch.arange(weight.shape[2]) == 0, 2.0, 1.0)[:, None], grad)


def nyquist_doubled(x, weight, grad):
    return of_x(x, weight * torch.where(2 * torch.arange(weight.shape[2]) == x.shape[-1], 2.0, 1.0)[:, None], grad)


def all_modes(x, weight, grad):
    """Modes that the forward pass cuts off get the last kept mode's weight."""
    n, M = x.shape[-1], weight.shape[2]
    rest = weight[:, :, -1:].expand(-1, -1, n // 2 + 1 - M, -1)
    return of_x(x, torch.cat((weight, rest), 2), grad)


def modes_at_the_end(x, weight, grad):
    """The kept modes go to the highest frequencies."""
    n, M = x.shape[-1], weight.shape[2]
    padded = torch.nn.functional.pad(torch.view_as_real(_spectrum_of_x(weight, grad)), (0, 0, n // 2 + 1 - M, 0))
    return torch.fft.irfft(torch.view_as_complex(padded), n=n)


def length_even(x, weight, grad):
    n = x.shape[-1]
    even = torch.fft.irfft(_spectrum_of_x(weight, grad), n=max(n - n % 2, 1))
    return torch.nn.functional.pad(even, (0, n - even.shape[-1]))


def of_x_dropped(x, weight, grad):
    return torch.zeros_like(x)


def spectrum_unconjugated(x, weight, grad):
    n, M = x.shape[-1], weight.shape[2]
    product = torch.einsum("bim,bom->iom", _modes(x, M), _modes(grad, M))
    return torch.view_as_real(product) * weights_of_modes(n, M).to(grad)[:, None]


def gradient_conjugated(x, weight, grad):
    return of_weight(x, weight, grad) * grad.new_tensor([1.0, -1.0])


def modes_counted_once(x, weight, grad):
    n, M = x.shape[-1], weight.shape[2]
    return of_weight(x, weight, grad) / (weights_of_modes(n, M) * n).to(grad)[:, None]


def modes_counted_twice(x, weight, grad):
    n, M = x.shape[-1], weight.shape[2]
    return of_weight(x, weight, grad) / (weights_of_modes(n, M) * n / 2).to(grad)[:, None]


def weight_unscaled(x, weight, grad):
    return of_weight(x, weight, grad) * x.shape[-1]


def weight_of_mean(x, weight, grad):
    return of_weight(x, weight, grad) / len(x)


def weight_of_last_signal(x, weight, grad):
    return of_weight(x[-1:], weight, grad[-1:])


def imaginary_dropped(x, weight, grad):
    return of_weight(x, weight, grad) * grad.new_tensor([1.0, 0.0])


def modes_shifted(x, weight, grad):
    return of_weight(x, weight, grad).roll(1, 2)


def _mutant(name: str, why: str, **wrong: Callable) -> Mutant:
    given = {"of_x": of_x, "of_weight": of_weight} | wrong
    return backward(name, "spectral.conv", lambda *, x, weight: _Given.apply(x, weight, *given.values()), why)


MUTANTS = [
    _mutant("weight-unconjugated", "the gradient of x has the weight instead of its conjugate", of_x=weight_unconjugated),
    _mutant("channels-untransposed", "the gradient of x mixes up channels in and out", of_x=channels_untransposed),
    _mutant("gradient-reversed", "the outputs' gradient runs backwards", of_x=gradient_reversed),
    _mutant("inverse-unscaled", "1/n is left out of the gradient of x", of_x=inverse_unscaled),
    _mutant("scaled-twice", "1/n is applied in both transforms of the gradient of x", of_x=scaled_twice),
    _mutant("conjugates-dropped", "modes count once in the gradient of x", of_x=conjugates_dropped),
    _mutant("modes-weighted-twice", "modes count twice in both transforms of the gradient of x", of_x=modes_weighted_twice),
    _mutant("constant-doubled", "mode 0 counts twice in the gradient of x", of_x=constant_doubled),
    _mutant("nyquist-doubled", "mode n/2 counts twice in the gradient of x", of_x=nyquist_doubled),
    _mutant("modes-not-cut", "modes that were cut off get a gradient", of_x=all_modes),
    _mutant("modes-at-the-end", "the kept modes go to the highest frequencies", of_x=modes_at_the_end),
    _mutant("length-even", "the gradient of x has an even length and is padded", of_x=length_even),
    _mutant("input-dropped", "x gets no gradient", of_x=of_x_dropped),
    _mutant("spectrum-unconjugated", "the weight's gradient has the modes of x instead of their conjugates",
            of_weight=spectrum_unconjugated),
    _mutant("gradient-conjugated", "the weight's gradient is conjugated", of_weight=gradient_conjugated),
    _mutant("modes-counted-once", "every mode of the weight's gradient counts once", of_weight=modes_counted_once),
    _mutant("modes-counted-twice", "every mode of the weight's gradient counts twice", of_weight=modes_counted_twice),
    _mutant("weight-unscaled", "1/n is left out of the weight's gradient", of_weight=weight_unscaled),
    _mutant("weight-of-mean", "the weight's gradient is a mean over the signals", of_weight=weight_of_mean),
    _mutant("weight-of-last-signal", "the last signal alone counts", of_weight=weight_of_last_signal),
    _mutant("imaginary-dropped", "imaginary parts of the weight get no gradient", of_weight=imaginary_dropped),
    _mutant("weight-modes-shifted", "every mode of the weight has its neighbour's gradient", of_weight=modes_shifted),
]  # fmt: skip
