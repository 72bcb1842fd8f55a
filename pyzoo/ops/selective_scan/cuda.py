"""The selective scan on a GPU: how it is spread, and the launches of its kernels."""

from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.selective_scan.layout import inner

STEPS = 16  # of a tile; the forward pass saves a state at each tile's start for the backward pass
HERE = Path(__file__).parent
REAL = {torch.float32: "float", torch.bfloat16: "bf16", torch.float16: "half"}


@dataclass(frozen=True)
class Plan:
    """How a scan is spread over a GPU."""

    lanes: int
    """threads that share a channel's states"""
    channels: int
    """channels of a block"""
    chunks: int
    """chunks of time that run side by side"""
    blocks: int
    """blocks that a multiprocessor must have room for: bounds the registers"""
    wide: int
    """channels that a thread walks along"""


def plan(batches: int, width: int, groups: int, steps: int, states: int, dtype: torch.dtype, multiprocessors: int,
         backward: bool) -> Plan:
    """The plan for a scan of (batches, steps, width) with so many groups and states. Chunks cost a second pass, so there is
    one if channels alone fill the GPU. The figures are the fastest of those measured on an H100."""
    lanes = min(16, max(1, padded(states) // 4))
    if backward:
        channels, resident, wide = 4 if lanes == 16 else min(32, 128 // lanes), 4, 1
    else:
        channels, resident, wide = 64 // lanes, 16, 2
    blocks = batches * groups * -(-(width // groups) // channels)
    if blocks >= resident * multiprocessors * (0.85 if backward else 0.45):
        chunks = 1
    else:
        at_once = 8 if backward or dtype == torch.float32 else 16  # blocks for each multiprocessor
        chunks = max(1, min(at_once * multiprocessors // blocks, steps // (4 * STEPS)))
    return Plan(lanes, channels, chunks, resident, wide)


def padded(states: int) -> int:
    """The next power of two."""
    return 1 << (states - 1).bit_length()


def chunk_steps(steps: int, chunks: int) -> int:
    """Steps of a chunk: a multiple of the tile's."""
    return -(-steps // (chunks * STEPS)) * STEPS


@lru_cache(maxsize=None)
def _kernel(name: str, file: str, plan: Plan, dtype: torch.dtype, states: int, groups: int, z: bool, d: bool, softplus: bool, device: int,
             **sizes: int) -> Any:
    macros = dict(REAL=REAL[dtype], N=states, PADDED=padded(states), G=groups, LANES=plan.lanes, CHANNELS=plan.channels, STEPS=STEPS,
                  BLOCKS=plan.blocks, WIDE=plan.wide, HAS_Z=int(z), HAS_D=int(d), SOFTPLUS=int(softplus), **sizes)
    return nvrtc.kernel(name, (HERE / "common.cuh", HERE / file), macros, device)


def _tensor(x: Tensor | None) -> tuple[int, int]:
    return (0, 0) if x is None else (x.data_ptr(), x.stride(0))


def _times(**tensors: Tensor | None) -> dict[str, int]:
    return {f"TIME_{name}": 1 if x is None else x.stride(1) for name, x in tensors.items()}


def _vector(states: int, width: int, *tensors: Tensor | None) -> int:
    """Whether all rows start and end at multiples of 16 bytes: then they are copied 16 bytes at a time."""
    there = [x for x in tensors if x is not None]
    addresses = [x.data_ptr() for x in there]
    lengths = [n * x.element_size() for x in there for n in (states, width, x.stride(0), x.stride(1))]
    return int(states & (states - 1) == 0 and all(n % 16 == 0 for n in addresses + lengths))


def _address(x: Tensor | None) -> int:
    return 0 if x is None else x.data_ptr()


@lru_cache(maxsize=None)
def _multiprocessors(device: int) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


def forward(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None, bias: Tensor | None,
            h0: Tensor | None, softplus: bool, save: bool, spread: Plan | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The output (B, L, E), the last state (B, E, N) and, to `save`, the states at the tiles' starts."""
    u, dt, b, c, z = map(inner, (u, dt, b, c, z))
    a, d, bias, h0 = (x if x is None else x.contiguous() for x in (a, d, bias, h0))
    (B, L, E), N, G = u.shape, a.shape[1], b.shape[2]
    p = spread or plan(B, E, G, L, N, u.dtype, _multiprocessors(u.device.index), backward=False)
    length = chunk_steps(L, p.chunks)
    chunks = -(-L // length)
    out = torch.empty((B, L, E), dtype=u.dtype, device=u.device)
    last, saved = a.new_empty(B, E, N), a.new_empty((-(-L // STEPS), B, E, N) if save else 0)
    ends, sums = a.new_empty(chunks - 1, B, E, N), a.new_empty(chunks - 1, B, E)
    kernel = partial(_kernel, file="forward.cu", plan=p, dtype=u.dtype, states=N, groups=G,
                     z=z is not None, d=d is not None, softplus=softplus, device=u.device.index, E=E,
                       VECTOR=_vector(N, E // G, u, dt, b, c, z), **_times(u=u, dt=dt, B=b, C=c, z=z, out=out))
    across, threads, sizes = G * -(-(E // G) // p.channels), p.lanes * p.channels // p.wide, (B, L, length)
    with torch.cuda.device(u.device):
        if chunks > 1:
            nvrtc.launch(kernel("summarize"), (across, B, chunks - 1), threads, *_tensor(u), *_tensor(dt),
                         *_tensor(b), *map(_address, (a, bias, h0, ends, sums)), *sizes)
        nvrtc.launch(kernel("scan"), (across, B, chunks), threads, *_tensor(u), *_tensor(dt), *_tensor(b),
                     *_tensor(c), *_tensor(z), *_tensor(out), *map(_address, (a, d, bias, h0, ends, sums, last)),
                     saved.data_ptr() if save else 0, *sizes)
    return out, last, saved


def backward(g: Tensor, g_last: Tensor | None, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None,
             z: Tensor | None, bias: Tensor | None, saved: Tensor, softplus: bool,
             spread: Plan | None = None) -> tuple[Tensor, ...]:
    """The gradients of u, dt, a, b, c, d, z, bias, h0; what is not there has an empty one."""
    g, u, dt, b, c, z = map(inner, (g, u, dt, b, c, z))
    a, d, bias, g_last = (x if x is None else x.contiguous() for x in (a, d, bias, g_last))
    (B, L, E), N, G = u.shape, a.shape[1], b.shape[2]
    p = spread or plan(B, E, G, L, N, u.dtype, _multiprocessors(u.device.index), backward=True)
    length = chunk_steps(L, p.chunks)
    chunks, within = -(-L // length), -(-(E // G) // p.channels)
    kernel = partial(_kernel, file="backward.cu", plan=p, dtype=u.dtype, states=N, groups=G,
                     z=z is not None, d=d is not None, softplus=softplus, device=u.device.index, E=E,
                       VECTOR=_vector(N, E // G, u, dt, b, c, z, g), **_times(u=u, dt=dt, B=b, C=c, z=z, g=g))
    grid, threads, sizes = (G * within, B, chunks), p.lanes * p.channels // p.wide, (B, L, length)
    ends, sums = (a.new_empty(chunks if chunks > 1 else 0, B, E, *rest) for rest in ((N,), ()))
    du, ddt = (torch.empty((B, L, E), dtype=u.dtype, device=u.device) for _ in range(2))
    dz = torch.empty_like(du) if z is not None else du.new_empty(0)
    db, dc = (a.new_empty(within, B, L, G, N) for _ in range(2))
    da, dd, dbias = (a.new_empty(chunks * B, E, *rest) for rest in ((N,), (), ()))
    dh0 = a.new_empty(B, E, N)
    with torch.cuda.device(u.device):
        if chunks > 1:
            nvrtc.launch(kernel("summarize_back"), grid, threads, *_tensor(dt), *_tensor(c), *_tensor(z), *_tensor(g),
                         *map(_address, (a, bias, ends, sums)), *sizes)
        nvrtc.launch(kernel("scan_back"), grid, threads, *_tensor(u), *_tensor(dt), *_tensor(b), *_tensor(c),
                     *_tensor(z), *_tensor(g),
                     *map(_address, (du, ddt, dz, a, d, bias, saved, g_last, ends, sums, db, dc, da, dd, dbias, dh0)), *sizes)
    none = a.new_empty(0)
    return (du, ddt, da.sum(0), db.sum(0).to(b.dtype), dc.sum(0).to(c.dtype), none if d is None else dd.sum(0), dz,
            none if bias is None else dbias.sum(0), dh0)
