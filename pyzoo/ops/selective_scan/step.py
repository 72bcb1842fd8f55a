"""One step of a stream of Mamba's mixer between its projections, as one CUDA kernel."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.selective_scan import KERNEL_DTYPES
from pyzoo.ops.selective_scan.cuda import HERE


@lru_cache(maxsize=None)
def _cluster(device: int) -> int:
    return 8 if torch.cuda.get_device_capability(device)[0] >= 9 else 1


def _threads(E: int, N: int, cluster: int) -> tuple[int, int]:
    """Threads that share a channel, and threads of a block."""
    lanes = min(4, 1 << (N - 1).bit_length())
    return lanes, min(1024, -(--(-E // cluster) * lanes // 32) * 32)


def macros(dtype: torch.dtype, E: int, N: int, R: int, K: int, cluster: int) -> dict[str, object]:
    """Of the kernel; `step.cu` explains them."""
    lanes, threads = _threads(E, N, cluster)
    return dict(REAL=nvrtc.TYPES[dtype], E=E, N=N, R=R, K=K, LANES=lanes, CLUSTER=cluster, THREADS=threads)


@lru_cache(maxsize=None)
def _kernel(dtype: torch.dtype, E: int, N: int, R: int, K: int, device: int) -> tuple[Any, int, int]:
    cluster = _cluster(device)
    kernel = nvrtc.kernel("step", (HERE / "step.cu",), macros(dtype, E, N, R, K, cluster), device)
    return kernel, cluster, _threads(E, N, cluster)[1]


def fits(x: Tensor, *others: Tensor) -> bool:
    """Whether the kernel has what it needs: a GPU, one dtype that it knows, no gradients, and at most 65535 sequences."""
    same = all(t.dtype == x.dtype and t.device == x.device for t in others)
    needed = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *others))
    return x.is_cuda and same and x.dtype in KERNEL_DTYPES[True] and 0 < len(x) < 1 << 16 and not needed and nvrtc.missing() is None


def step(xz: Tensor, window: Tensor, h: Tensor, conv_weight: Tensor, conv_bias: Tensor, x_proj: Tensor, dt_weight: Tensor,
         dt_bias: Tensor, a_log: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """xz (B, 2E), window (B, E, K-1) oldest first, h (B, E, N) -> y (B, E) and the new window and states. Arithmetic is in
    fp32."""
    (B, E, N), (_, R), K = h.shape, dt_weight.shape, conv_weight.shape[1]
    inputs = [t.contiguous() for t in (xz, window, h)]
    weights = [t.contiguous() for t in (conv_weight, conv_bias, x_proj, dt_weight, dt_bias, a_log, d)]
    new_window, new_h, y = torch.empty_like(inputs[1]), torch.empty_like(inputs[2]), xz.new_empty(B, E)
    kernel, cluster, threads = _kernel(xz.dtype, E, N, R, K, xz.device.index)
    with nvrtc.on(xz.device):
        nvrtc.launch(kernel, (cluster, B, 1), threads, *(t.data_ptr() for t in (*inputs, new_window, new_h, y, *weights)))
    return y, new_window, new_h
