"""The linear recurrence on a CPU, as compiled C. All tensors are contiguous, (B, L, D), h0 (B, D)."""

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from pyzoo.ops import native

SOURCE = Path(__file__).parent / "cpu.c"
WIDTH = 256  # channels of a block, as in the source
LEAST = 1 << 20  # numbers for which a thread is started: it takes as long as a fifth of them
REAL = {torch.float32: "float", torch.float64: "double"}
ADDRESSES = ("a", "b", "h0", "h", "out", "da", "dh0")


class _Recurrence(ctypes.Structure):
    _fields_ = [*((n, ctypes.c_void_p) for n in ADDRESSES), *((n, ctypes.c_int64) for n in ("B", "L", "D"))]


def _run(name: str, **tensors: Tensor) -> None:
    """Each thread takes its share of the blocks of channels."""
    out = tensors["out"]
    problem = _Recurrence(*(tensors[n].data_ptr() if n in tensors else None for n in ADDRESSES), *out.shape)
    blocks = problem.B * -(-problem.D // WIDTH)
    threads = min(blocks, torch.get_num_threads(), 1 + out.numel() // LEAST)
    native.run(native.library(SOURCE, f"-DREAL={REAL[out.dtype]}")[name], [problem] * threads, blocks)


def forward(decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    """The states (B, L, D)."""
    out = torch.empty_like(input)
    _run("forward", a=decay, b=input, h0=h0, out=out)
    return out


def backward(grad: Tensor, decay: Tensor, h0: Tensor, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of decay, input and h0 from that of the states."""
    of_decay, of_input, of_h0 = torch.empty_like(grad), torch.empty_like(grad), torch.empty_like(h0)
    _run("backward", a=decay, b=grad, h0=h0, h=states, out=of_input, da=of_decay, dh0=of_h0)
    return of_decay, of_input, of_h0
