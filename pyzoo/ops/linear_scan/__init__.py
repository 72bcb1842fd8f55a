"""The first-order linear recurrence h_t = a_t h_{t-1} + b_t, entry by entry: what Mamba's states, gated linear recurrences and
exponential averages are.

Shapes: B sequences, L steps, and any axes after these. Lean: `Spec.scan`; its gradients, `Spec.reverseScan_adjoint`.
"""

from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pyzoo.ops import native, nvrtc
from pyzoo.ops.arguments import alike
from pyzoo.ops.linear_scan import cpu, cuda
from pyzoo.ops.mamba import states
from pyzoo.ops.point import Arithmetic, implements

DTYPES = {"cuda": tuple(nvrtc.TYPES), "cpu": tuple(cpu.REAL)}  # that there are kernels for


@implements("mamba.states", Arithmetic())
def linear_scan(*, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    """All states h_1, ..., h_L from h_0; decay and input (B, L, ...), h0 (B, ...) -> (B, L, ...).

    On a GPU as CUDA kernels, which compose steps over stretches of time: the products of decays over up to L steps must not overflow;
    in half precision the arithmetic is in fp32. On a CPU in fp32 and fp64 as compiled C. Elsewhere step by step in PyTorch. ValueError
    if shapes, dtypes or devices don't fit."""
    _check(decay, input, h0)
    if input.dtype in DTYPES.get(input.device.type, ()) and input.numel() and _has_kernels(input.device.type):
        B, L = input.shape[:2]
        flat = (x.reshape(*shape, -1) for x, shape in ((decay, (B, L)), (input, (B, L)), (h0, (B,))))
        return LinearScan.apply(*flat).view(input.shape)
    return states.__wrapped__(decay=decay, input=input, h0=h0) if input.shape[1] else input.clone()


def _check(decay: Tensor, input: Tensor, h0: Tensor) -> None:
    """Raise ValueError, naming the value and the condition, unless the arguments fit each other."""
    if input.dim() < 2 or not input.is_floating_point():
        raise ValueError(f"input must be floating-point numbers (B, L, ...), not {input.dtype} of shape {tuple(input.shape)}")
    for name, x, shape in (("decay", decay, input.shape), ("h0", h0, input.shape[:1] + input.shape[2:])):
        if x.shape != shape:
            raise ValueError(f"{name} has the shape {tuple(x.shape)}; input of shape {tuple(input.shape)} asks for {tuple(shape)}")
    alike(input=input, decay=decay, h0=h0)


@torch.compiler.assume_constant_result
def _has_kernels(device: str) -> bool:
    missing = (nvrtc.missing,) if device == "cuda" else (native.missing, cpu.SOURCE, "-DREAL=float")
    return native.available("linear_scan", "runs step by step in PyTorch", *missing)


def _home(x: Tensor) -> ModuleType:
    return cuda if x.is_cuda else cpu


class LinearScan(torch.autograd.Function):
    """decay, input (B, L, D), h0 (B, D) -> the states (B, L, D), by the kernels."""

    @staticmethod
    @torch.compiler.disable
    def forward(ctx: Any, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
        decay, input, h0 = decay.contiguous(), input.contiguous(), h0.contiguous()
        states = _home(input).forward(decay, input, h0)
        ctx.save_for_backward(decay, h0, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        return _home(grad).backward(grad.contiguous(), *ctx.saved_tensors)
