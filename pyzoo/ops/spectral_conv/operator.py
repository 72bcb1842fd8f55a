"""The spectral convolution's kernels for autograd, and as PyTorch operators for `torch.compile`, which can't see into them."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from pyzoo.ops.spectral_conv import cpu, cuda
from pyzoo.ops.spectral_conv.layer import differentiable_gradients


def _home(x: Tensor) -> ModuleType:
    return cuda if x.is_cuda else cpu


@torch.library.custom_op("pyzoo::spectral_conv", mutates_args=())
def _forward(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return _home(x).forward(x, weight)


@_forward.register_fake
def _(x, weight):  # type: ignore[no-untyped-def]
    (B, C, n), (_, O, M, _) = x.shape, weight.shape
    real = torch.float64 if x.dtype == torch.float64 else torch.float32
    spectrum = (M, 2) if x.is_cuda else (2, -(-M // cpu.W) * cpu.W)
    return x.new_empty(B, O, n), x.new_empty(B, C, *spectrum, dtype=real)


@torch.library.custom_op("pyzoo::spectral_conv_backward", mutates_args=())
def _backward(grad: Tensor, weight: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
    return _home(grad).backward(grad, weight, spectrum)


@_backward.register_fake
def _(grad, weight, spectrum):  # type: ignore[no-untyped-def]
    B, _, n = grad.shape
    return grad.new_empty(B, weight.shape[0], n), torch.empty_like(weight, memory_format=torch.contiguous_format)


def kernel_conv(x: Tensor, weight: Tensor) -> Tensor:
    """x (B, C, n), weight (C, O, M, 2) -> (B, O, n)."""
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        return KernelConv.apply(x, weight)
    return _run(x, weight)[0]


def _run(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """An operator's dispatch takes longer than small kernels, so only `torch.compile` gets one."""
    return (_forward if torch.compiler.is_compiling() else _home(x).forward)(x, weight)


class KernelConv(torch.autograd.Function):
    """`kernel_conv` with gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        y, spectrum = _run(x, weight)
        ctx.save_for_backward(x, weight, spectrum)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight, spectrum = ctx.saved_tensors
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return differentiable_gradients(x, weight, grad, "fft")
        return (_backward if torch.compiler.is_compiling() else _home(grad).backward)(grad, weight, spectrum)
