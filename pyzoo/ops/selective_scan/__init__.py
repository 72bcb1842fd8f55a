"""The selective scan of Mamba (Gu and Dao, arXiv 2312.00752), fused: step sizes, recurrence, readout, skip and gate.

    Δ_t = softplus(dt_t + bias),  h_t = exp(Δ_t A) h_{t-1} + Δ_t B_t u_t,  y_t = (C_t · h_t + d u_t) silu(z_t)

Shapes: B sequences, L steps, E channels, N states, G groups of channels that share B and C.
Lean: `Spec.Mamba.selectiveScan`; `Spec.Mamba.chunkedScan_eq` for chunks of time side by side.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops import native, nvrtc
from pyzoo.ops.selective_scan import cpu, cuda
from pyzoo.ops.selective_scan.operator import scan

KERNEL_DTYPES = {True: (torch.float32, torch.bfloat16, torch.float16), False: (torch.float32,)}  # on a GPU, elsewhere


def selective_scan(*, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None = None, z: Tensor | None = None,
                   bias: Tensor | None = None, h0: Tensor | None = None, softplus: bool = True) -> tuple[Tensor, Tensor]:
    """The outputs (B, L, E) in u's dtype and the last state (B, E, N) in a's.

    u, dt and z (B, L, E), b and c (B, L, N) or (B, L, G, N) have one dtype; a (E, N), d and bias (E) and h0 (B, E, N) are
    fp32, or fp64 if u is. On a GPU, fp32, bf16 and fp16 run as a CUDA kernel, on a CPU fp32 as compiled C; both compute in
    fp32, and their gradients have the same bits each time. Otherwise, and with N above 64 or B above 65535, the steps run one
    after the other in PyTorch.
    ValueError if shapes, dtypes or devices don't fit."""
    check(u, dt, a, b, c, d, z, bias, h0)
    if b.dim() == 3:
        b, c = b[:, :, None], c[:, :, None]
    if _as_kernel(u, a):
        return scan(u, dt, a, b, c, d, z, bias, h0, softplus)
    return reference(u, dt, a, b, c, d, z, bias, h0, softplus)


def _as_kernel(u: Tensor, a: Tensor) -> bool:
    """Whether a kernel runs it."""
    fits = u.dtype in KERNEL_DTYPES[u.is_cuda] and a.shape[1] <= 64 and 0 < u.numel() and len(u) < 1 << 16
    return fits and _has_kernels(u.device.type)


def chunks(u: Tensor, a: Tensor, groups: int) -> tuple[int, ...]:
    """Steps of the chunks of time that the forward and the backward pass of a scan (B, L, E) run side by side on a GPU; of a pass that
    doesn't, none. Lean: `Spec.Mamba.chunkedScan`."""
    return cuda.chunks(u.shape, a.shape[1], groups, u.dtype, u.device.index) if u.is_cuda and _as_kernel(u, a) else ()


def reference(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None, bias: Tensor | None,
              h0: Tensor | None, softplus: bool) -> tuple[Tensor, Tensor]:
    """The same in PyTorch, step by step, in a's dtype; b and c (B, L, G, N)."""
    (B, L, E), N, G, dtype = u.shape, a.shape[1], b.shape[2], a.dtype
    delta, x = dt.to(dtype) if bias is None else dt.to(dtype) + bias, u.to(dtype)
    if softplus:
        delta = F.softplus(delta, threshold=40)
    b, c = (m.to(dtype).repeat_interleave(E // G, 2) if G > 1 else m.to(dtype) for m in (b, c))  # (B, L, E or 1, N)
    h, out = a.new_zeros(B, E, N) if h0 is None else h0, []
    for t in range(L):
        step = delta[:, t, :, None]
        h = torch.exp(step * a) * h + step * b[:, t] * x[:, t, :, None]
        out.append((c[:, t] * h).sum(-1))
    y = torch.stack(out, 1) if out else x.new_zeros(B, L, E)
    if d is not None:
        y = y + d * x
    if z is not None:
        y = y * F.silu(z.to(dtype))
    return y.to(u.dtype), h


def check(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None, bias: Tensor | None,
          h0: Tensor | None) -> None:
    """ValueError with one sentence if the arguments of `selective_scan` don't fit together."""
    if u.dim() != 3 or a.dim() != 2 or b.dim() not in (3, 4):
        raise ValueError(f"u {_shape(u)}, a {_shape(a)} and b {_shape(b)} must have 3, 2 and 3 or 4 axes")
    (B, L, E), N = u.shape, a.shape[1]
    groups = tuple(b.shape[2:3]) if b.dim() == 4 else ()
    shapes = dict(dt=(dt, (B, L, E)), z=(z, (B, L, E)), a=(a, (E, N)), b=(b, (B, L, *groups, N)), c=(c, (B, L, *groups, N)),
                  d=(d, (E,)), bias=(bias, (E,)), h0=(h0, (B, E, N)))
    weights = torch.float64 if u.dtype == torch.float64 else torch.float32
    if not u.is_floating_point():
        raise ValueError(f"u is {u.dtype}, not of a floating-point dtype")
    for name, (x, shape) in shapes.items():
        if x is None:
            continue
        if tuple(x.shape) != shape:
            raise ValueError(f"{name} has shape {_shape(x)}, but u {_shape(u)} and a {_shape(a)} ask for {shape}")
        if x.device != u.device:
            raise ValueError(f"{name} is on {x.device}, but u is on {u.device}")
        dtype = u.dtype if name in ("dt", "z", "b", "c") else weights
        if x.dtype != dtype:
            raise ValueError(f"{name} is {x.dtype}, but with u in {u.dtype} it must be {dtype}")
    if groups and (groups[0] == 0 or E % groups[0]):
        raise ValueError(f"{E} channels cannot be split into {groups[0]} groups")
    if N == 0:
        raise ValueError("a has no states")


def _shape(x: Tensor) -> tuple[int, ...]:
    return tuple(x.shape)


@torch.compiler.assume_constant_result
def _has_kernels(device: str) -> bool:
    missing = {"cuda": (nvrtc.missing,), "cpu": (native.missing, cpu.SOURCE)}.get(device, (_no_kernel,))
    return native.available("selective_scan", "runs step by step in PyTorch", *missing)


def _no_kernel() -> str:
    return "there are kernels for CUDA and the CPU alone"
