"""`pyzoo::selective_scan` and its backward pass as PyTorch operators, for autograd, `torch.compile` and CUDA graphs."""

from types import ModuleType

import torch
from torch import Tensor

from pyzoo.ops.selective_scan import cpu, cuda
from pyzoo.ops.selective_scan.cuda import STEPS


def _home(x: Tensor) -> ModuleType:
    return cuda if x.is_cuda else cpu


@torch.library.custom_op("pyzoo::selective_scan", mutates_args=())
def selective_scan(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None,
                   bias: Tensor | None, h0: Tensor | None, softplus: bool, save: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The outputs, the last state and, to `save`, the states that the backward pass starts from."""
    return _home(u).forward(u, dt, a, b, c, d, z, bias, h0, softplus, save)


@selective_scan.register_fake
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


def _setup(ctx, inputs, output):  # type: ignore[no-untyped-def]
    u, dt, a, b, c, d, z, bias, h0, softplus, _ = inputs
    ctx.save_for_backward(u, dt, a, b, c, d, z, bias, output[2])
    ctx.softplus, ctx.there = softplus, [x is not None for x in inputs[:9]]


def _gradients(ctx, g, g_last, _):  # type: ignore[no-untyped-def]
    *inputs, saved = ctx.saved_tensors
    gradients = _backward(g, g_last, *inputs, saved, ctx.softplus)
    return *(x if there else None for x, there in zip(gradients, ctx.there, strict=True)), None, None


selective_scan.register_autograd(_gradients, setup_context=_setup)
