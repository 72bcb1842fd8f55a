"""The fused scan for autograd, and as PyTorch operators for `torch.compile`, which can't see into it."""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pyzoo.ops.selective_scan import cpu, cuda
from pyzoo.ops.selective_scan.cuda import STEPS


def _home(x: Tensor) -> ModuleType:
    return cuda if x.is_cuda else cpu


@torch.library.custom_op("pyzoo::selective_scan", mutates_args=())
def _forward(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None,
             bias: Tensor | None, h0: Tensor | None, softplus: bool, save: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The outputs, the last state and, to `save`, the states that the backward pass starts from."""
    return _home(u).forward(u, dt, a, b, c, d, z, bias, h0, softplus, save)


@_forward.register_fake
def _(u, dt, a, b, c, d, z, bias, h0, softplus, save):  # type: ignore[no-untyped-def]
    (B, L, E), N = u.shape, a.shape[1]
    return u.new_empty(B, L, E), a.new_empty(B, E, N), a.new_empty((-(-L // STEPS), B, E, N) if save else 0)


@torch.library.custom_op("pyzoo::selective_scan_backward", mutates_args=())
def _backward(g: Tensor, g_last: Tensor, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None,
              z: Tensor | None, bias: Tensor | None, saved: Tensor, softplus: bool) -> list[Tensor]:
    return list(_home(u).backward(g, g_last, u, dt, a, b, c, d, z, bias, saved, softplus))


@_backward.register_fake
def _(g, g_last, u, dt, a, b, c, d, z, bias, saved, softplus):  # type: ignore[no-untyped-def]
    none = a.new_empty(0)
    return [torch.empty_like(x, memory_format=torch.contiguous_format) if x is not None else none
            for x in (u, dt, a, b, c, d, z, bias)] + [a.new_empty(u.shape[0], *a.shape)]


def scan(*inputs: Any) -> tuple[Tensor, Tensor]:
    """u, dt, a, b, c, d, z, bias, h0, softplus -> the outputs and the last state."""
    if torch.is_grad_enabled() and any(isinstance(x, Tensor) and x.requires_grad for x in inputs):
        return SelectiveScan.apply(*inputs)
    return _run(*inputs, False)[:2]


def _run(*inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """An operator's dispatch takes longer than small scans, so only `torch.compile` gets one."""
    return (_forward if torch.compiler.is_compiling() else _home(inputs[0]).forward)(*inputs)


class SelectiveScan(torch.autograd.Function):
    """`scan` with gradients."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        y, last, saved = _run(*inputs, True)
        *tensors, ctx.softplus = inputs
        ctx.save_for_backward(*tensors, saved)
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor, g_last: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, saved = ctx.saved_tensors
        run = _backward if torch.compiler.is_compiling() else _home(g).backward
        gradients = run(g, g_last, *inputs[:-1], saved, ctx.softplus)
        return *(None if x is None else gradient for gradient, x in zip(gradients, inputs, strict=True)), None
