"""The selective scan on a GPU: how it is spread, and the launches of its kernels."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.selective_scan.layout import inner

STEPS = 16  # of a tile; the forward pass saves a state at each tile's start for the backward pass
HERE = Path(__file__).parent


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


def plan(batches: int, width: int, groups: int, steps: int, states: int, dtype: torch.dtype, multiprocessors: int,
         backward: bool) -> Plan:
    """The plan for a scan of (batches, steps, width) with so many groups and states. Chunks cost a second pass, so there is
    one if channels alone fill the GPU, or come near it with more threads for each. The figures are the fastest of those measured
    on an H100 and an H200."""
    most = min(16, max(1, padded(states) // 4))
    if backward:
        choices = [(Plan(most, 4 if most == 16 else min(32, 128 // most), 1, 4), 3.4)]
        at_once = 8
    else:
        choices = [(Plan(lanes, 32 // lanes, 1, 16), enough) for lanes, enough in ((max(1, most // 2), 7), (most, 3.5))]
        at_once = 8 if dtype == torch.float32 else 24
    blocks = [batches * groups * -(-(width // groups) // p.channels) for p, _ in choices]
    for (p, enough), count in zip(choices, blocks, strict=True):
        if count >= enough * multiprocessors:
            return p
    return replace(choices[0][0], chunks=max(1, min(at_once * multiprocessors // blocks[0], steps // (4 * STEPS))))


def padded(states: int) -> int:
    """The next power of two."""
    return 1 << (states - 1).bit_length()


def chunk_steps(steps: int, chunks: int) -> int:
    """Steps of a chunk: a multiple of the tile's."""
    return -(-steps // (chunks * STEPS)) * STEPS


def chunks(shape: torch.Size, states: int, groups: int, dtype: torch.dtype, device: int) -> tuple[int, ...]:
    """Steps of the chunks of a scan (B, L, E) forward and back, of those passes that have several."""
    (B, L, E), multiprocessors = shape, nvrtc.multiprocessors(device)
    counts = (plan(B, E, groups, L, states, dtype, multiprocessors, back).chunks for back in (False, True))
    return tuple(chunk_steps(L, count) for count in counts if count > 1)


def _address(x: Tensor | None) -> int:
    return 0 if x is None else x.data_ptr()


def _strides(x: Tensor | None) -> tuple[int, int] | None:
    """Of batch and time."""
    return None if x is None else (x.stride(0), x.stride(1))


class Launches:
    """The launches for inputs (B, L, E) of one layout, made once: what is done in a call takes longer than small kernels. `strides` are
    those of batch and time of u, Δ, B, C, z, and of the outputs or, back, their gradient; `aligned` says whether all addresses are
    multiples of 16."""

    def __init__(self, file: str, shape: torch.Size, states: int, groups: int, dtype: torch.dtype, device: int, d: bool, softplus: bool,
                 strides: tuple[tuple[int, int] | None, ...], aligned: bool, spread: Plan | None) -> None:  # fmt: skip
        (B, L, E), back = shape, file == "backward.cu"
        p = self.plan = spread or plan(B, E, groups, L, states, dtype, nvrtc.multiprocessors(device), back)
        self.length = chunk_steps(L, p.chunks)
        self.chunks, self.within = -(-L // self.length), -(-(E // groups) // p.channels)
        self.batches, self.device, self.file = B, device, file
        self.across, self.threads = groups * self.within, p.lanes * p.channels
        there = {name: pair for name, pair in zip(("u", "dt", "B", "C", "z", "g" if back else "out"), strides, strict=True) if pair}
        self.batch = [pair[0] if pair else 0 for pair in strides]
        lengths = [n * dtype.itemsize for n in (states, E // groups, *(stride for pair in there.values() for stride in pair))]
        self.macros = dict(REAL=nvrtc.TYPES[dtype], N=states, PADDED=padded(states), G=groups, LANES=p.lanes, CHANNELS=p.channels,
                           STEPS=STEPS, BLOCKS=p.blocks, TIME_z=1, HAS_Z=int("z" in there), HAS_D=int(d), SOFTPLUS=int(softplus), E=E,
                           VECTOR=int(aligned and states & (states - 1) == 0 and all(n % 16 == 0 for n in lengths)),
                           ) | {f"TIME_{name}": time for name, (_, time) in there.items()}  # fmt: skip
        self.kernels: dict[str, Any] = {}

    def start(self, name: str, chunks: int, *arguments: int) -> None:
        kernel = self.kernels.get(name)
        if kernel is None:
            files = (HERE / "common.cuh", HERE / self.file)
            kernel = self.kernels[name] = nvrtc.kernel(name, files, self.macros, self.device)
        nvrtc.launch(kernel, (self.across, self.batches, chunks), self.threads, *arguments)


launches = lru_cache(maxsize=256)(Launches)


def forward(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None, bias: Tensor | None,
            h0: Tensor | None, softplus: bool, save: bool, spread: Plan | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The output (B, L, E), the last state (B, E, N) and, to `save`, the states at the tiles' starts."""
    u, dt, b, c, z = map(inner, (u, dt, b, c, z))
    a, d, bias, h0 = (x if x is None else x.contiguous() for x in (a, d, bias, h0))
    (B, L, E), N, G = u.shape, a.shape[1], b.shape[2]
    strides = (*map(_strides, (u, dt, b, c, z)), (L * E, E))
    at_u, at_dt, at_b, at_c, at_z = map(_address, (u, dt, b, c, z))
    aligned = (at_u | at_dt | at_b | at_c | at_z) % 16 == 0
    k = launches("forward.cu", u.shape, N, G, u.dtype, u.device.index, d is not None, softplus, strides, aligned, spread)
    out = torch.empty((B, L, E), dtype=u.dtype, device=u.device)
    last, saved = a.new_empty(B, E, N), a.new_empty((-(-L // STEPS), B, E, N) if save else 0)
    ends, sums = a.new_empty(k.chunks - 1, B, E, N), a.new_empty(k.chunks - 1, B, E)
    u_, dt_, b_, c_, z_, out_ = k.batch
    at_a, at_bias, at_h0, at_ends, at_sums = map(_address, (a, bias, h0, ends, sums))
    with nvrtc.on(u.device):
        if k.chunks > 1:
            k.start("summarize", k.chunks - 1, at_u, u_, at_dt, dt_, at_b, b_, at_a, at_bias, at_h0, at_ends, at_sums, B, L, k.length)
        k.start("scan", k.chunks, at_u, u_, at_dt, dt_, at_b, b_, at_c, c_, at_z, z_, out.data_ptr(), out_, at_a, _address(d), at_bias,
                at_h0, at_ends, at_sums, last.data_ptr(), saved.data_ptr() if save else 0, B, L, k.length)
    return out, last, saved


def backward(g: Tensor, g_last: Tensor | None, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None,
             z: Tensor | None, bias: Tensor | None, saved: Tensor, softplus: bool,
             spread: Plan | None = None) -> tuple[Tensor, ...]:
    """The gradients of u, dt, a, b, c, d, z, bias, h0; what is not there has an empty one."""
    g, u, dt, b, c, z = map(inner, (g, u, dt, b, c, z))
    a, d, bias, g_last = (x if x is None else x.contiguous() for x in (a, d, bias, g_last))
    (B, L, E), N, G = u.shape, a.shape[1], b.shape[2]
    strides = tuple(map(_strides, (u, dt, b, c, z, g)))
    at_u, at_dt, at_b, at_c, at_z, at_g = map(_address, (u, dt, b, c, z, g))
    aligned = (at_u | at_dt | at_b | at_c | at_z | at_g) % 16 == 0
    k = launches("backward.cu", u.shape, N, G, u.dtype, u.device.index, d is not None, softplus, strides, aligned, spread)
    ends, sums = (a.new_empty(k.chunks if k.chunks > 1 else 0, B, E, *rest) for rest in ((N,), ()))
    du, ddt = (torch.empty((B, L, E), dtype=u.dtype, device=u.device) for _ in range(2))
    dz = torch.empty_like(du) if z is not None else du.new_empty(0)
    db, dc = (a.new_empty(k.within, B, L, G, N) for _ in range(2))
    da, dd, dbias = (a.new_empty(k.chunks * B, E, *rest) for rest in ((N,), (), ()))
    dh0 = a.new_empty(B, E, N)
    u_, dt_, b_, c_, z_, g_ = k.batch
    with nvrtc.on(u.device):
        if k.chunks > 1:
            k.start("summarize_back", k.chunks, at_dt, dt_, at_c, c_, at_z, z_, at_g, g_, *map(_address, (a, bias, ends, sums)), B, L,
                    k.length)  # fmt: skip
        k.start("scan_back", k.chunks, at_u, u_, at_dt, dt_, at_b, b_, at_c, c_, at_z, z_, at_g, g_,
                *map(_address, (du, ddt, dz, a, d, bias, saved, g_last, ends, sums, db, dc, da, dd, dbias, dh0)), B, L, k.length)
    none = a.new_empty(0)
    return (du, ddt, da.sum(0), db.sum(0).to(b.dtype), dc.sum(0).to(c.dtype), none if d is None else dd.sum(0), dz,
            none if bias is None else dbias.sum(0), dh0)
