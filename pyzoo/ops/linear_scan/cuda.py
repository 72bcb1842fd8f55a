"""The linear recurrence on a GPU: how it is spread, and the launches of its kernels. All tensors are (B, L, D)."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyzoo.ops import nvrtc

FILE = Path(__file__).parent / "kernels.cu"
THREADS, AHEAD = 128, 8
SHORTEST = 64  # steps of a chunk


def chunk_steps(walkers: int, steps: int, multiprocessors: int) -> int:
    """Steps of a chunk for so many threads, each with all steps: one chunk if they fill half of the GPU, else as many as fill it."""
    wanted = 1024 * multiprocessors
    chunks = 1 if 2 * walkers >= wanted else max(1, min(wanted // walkers, steps // SHORTEST))
    return -(-steps // chunks)


@lru_cache(maxsize=None)
def _kernel(name: str, dtype: torch.dtype, wide: int, device: int) -> Any:
    return nvrtc.kernel(name, (FILE,), dict(REAL=nvrtc.TYPES[dtype], WIDE=wide, AHEAD=AHEAD), device)


class _Problem:
    """How a recurrence is spread, and its launches. `length` overrides the steps of a chunk."""

    def __init__(self, x: Tensor, others: tuple[Tensor, ...], length: int | None) -> None:
        (self.B, self.L, D), self.dtype, self.device = x.shape, x.dtype, x.device.index
        self.wide = 2 if x.dtype.itemsize == 2 and D % 2 == 0 and all(t.data_ptr() % 4 == 0 for t in (x, *others)) else 1
        self.width = D // self.wide
        self.length = length or chunk_steps(self.B * self.width, self.L, nvrtc.multiprocessors(self.device))
        self.chunks = -(-self.L // self.length)
        self.blocks = -(-self.B * self.width * self.chunks // THREADS)

    def start(self, name: str, *tensors: Tensor | None) -> None:
        """Start a kernel on these tensors."""
        addresses = (0 if t is None else t.data_ptr() for t in tensors)
        nvrtc.launch(_kernel(name, self.dtype, self.wide, self.device), (self.blocks, 1, 1), THREADS, *addresses,
                     self.B, self.width, self.L, self.length, self.chunks)  # fmt: skip

    def after(self, name: str, decay: Tensor, input: Tensor, start: Tensor | None) -> Tensor | None:
        """The states after all chunks but the last, from `start` (B, D)."""
        if self.chunks == 1:
            return None
        products, ends = (input.new_empty(self.B, self.chunks - 1, input.shape[2], dtype=nvrtc.arithmetic(input.dtype)) for _ in range(2))
        self.start(name, decay, input, products, ends)
        return forward(products, ends, None if start is None else start.to(products.dtype))


def forward(decay: Tensor, input: Tensor, h0: Tensor | None, length: int | None = None) -> Tensor:
    """The states (B, L, D) from contiguous decays and inputs (B, L, D) and a first state (B, D), or from 0."""
    states = torch.empty_like(input)
    with nvrtc.on(input.device):
        p = _Problem(input, (decay,) if h0 is None else (decay, h0), length)
        p.start("scan", decay, input, h0, p.after("summarize", decay, input, h0), states)
    return states


def backward(grad: Tensor, decay: Tensor, h0: Tensor, states: Tensor, length: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of decay, input and h0 from that of the states."""
    of_decay, of_input, of_h0 = torch.empty_like(grad), torch.empty_like(grad), torch.empty_like(h0)
    with nvrtc.on(grad.device):
        p = _Problem(grad, (decay, h0), length)
        p.start("scan_back", decay, grad, states, h0, p.after("summarize_back", decay, grad, None), of_decay, of_input, of_h0)
    return of_decay, of_input, of_h0
