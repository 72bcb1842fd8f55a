"""The linear recurrence on a GPU: how it is spread, and the launches of its kernels. All tensors are (B, L, D)."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyzoo.ops import nvrtc

FILE = Path(__file__).parent / "kernels.cu"
THREADS, STEPS = 512, {"scan": 16, "summarize": 16, "scan_back": 8, "summarize_back": 8}  # of a block; of a thread in a tile
SHORTEST = 8192  # steps of a chunk


def chunk_steps(blocks: int, steps: int, multiprocessors: int) -> int:
    """Steps of a chunk for so many blocks, each with all steps: as many chunks as fill the GPU, which are passed twice; so one if it is
    not at least four."""
    chunks = min(multiprocessors // blocks, steps // SHORTEST)
    return -(-steps // chunks) if chunks >= 4 else steps


def row_bytes(sequences: int, width: int, multiprocessors: int) -> int:
    """Bytes of neighbouring channels that a block reads, of `width` bytes: 64, which memory is fastest at, if these blocks fill half of
    the GPU, else 32."""
    return 64 if 2 * sequences * -(-width // 64) >= multiprocessors else 32


def macros(name: str, dtype: torch.dtype, wide: int, columns: int, width: int) -> dict[str, object]:
    """Of a kernel; `kernels.cu` explains them."""
    return dict(REAL=nvrtc.TYPES[dtype], WIDE=wide, COLUMNS=columns, D=width, THREADS=THREADS, STEPS=STEPS[name])


@lru_cache(maxsize=None)
def _kernel(name: str, dtype: torch.dtype, wide: int, columns: int, width: int, device: int) -> Any:
    return nvrtc.kernel(name, (FILE,), macros(name, dtype, wide, columns, width), device)


class _Problem:
    """How a recurrence is spread, and its launches. `length` overrides the steps of a chunk."""

    def __init__(self, x: Tensor, others: tuple[Tensor, ...], length: int | None) -> None:
        (B, self.L, D), self.dtype, self.device = x.shape, x.dtype, x.device.index
        self.wide = 2 if x.dtype.itemsize == 2 and D % 2 == 0 and all(t.data_ptr() % 4 == 0 for t in (x, *others)) else 1
        self.width, multiprocessors = D // self.wide, nvrtc.multiprocessors(self.device)
        self.columns = row_bytes(B, D * x.dtype.itemsize, multiprocessors) // (self.wide * x.dtype.itemsize)
        across = B * -(-self.width // self.columns)
        self.length = length or chunk_steps(across, self.L, multiprocessors)
        self.chunks = -(-self.L // self.length)
        self.blocks = across * self.chunks

    def start(self, name: str, *tensors: Tensor | None) -> None:
        """Start a kernel on these tensors."""
        addresses = (0 if t is None else t.data_ptr() for t in tensors)
        kernel = _kernel(name, self.dtype, self.wide, self.columns, self.width, self.device)
        nvrtc.launch(kernel, (self.blocks, 1, 1), THREADS, *addresses, self.L, self.length, self.chunks)

    def after(self, name: str, decay: Tensor, input: Tensor, start: Tensor | None) -> Tensor | None:
        """The states after all chunks but the last, from `start` (B, D)."""
        if self.chunks == 1:
            return None
        shape = len(input), self.chunks - 1, input.shape[2]
        products, ends = (input.new_empty(shape, dtype=nvrtc.arithmetic(input.dtype)) for _ in range(2))
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
