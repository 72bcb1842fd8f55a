"""The selective scan on a CPU, as compiled C."""

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from pyzoo.ops import native
from pyzoo.ops.selective_scan.layout import inner

SOURCE = Path(__file__).parent / "cpu.c"
STEPS, WIDTH = 16, 16  # as in the source
SEQUENCES = ("u", "dt", "z", "b", "c", "g")
ADDRESSES = ("a", "d", "bias", "h0", "dlast", "out", "last", "saved", "du", "ddt", "dz", "db", "dc", "da", "dd", "dbias", "dh0")
SIZES = ("B", "L", "E", "G", "N", "softplus")


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("batch", ctypes.c_int64), ("time", ctypes.c_int64)]


class _Scan(ctypes.Structure):
    _fields_ = [*((n, _Tensor) for n in SEQUENCES), *((n, ctypes.c_void_p) for n in ADDRESSES), *((n, ctypes.c_int64) for n in SIZES)]


def _scan(sizes: tuple[int, ...], tensors: dict[str, Tensor | None]) -> _Scan:
    scan = _Scan(**dict(zip(SIZES, sizes, strict=True)))
    for name, x in tensors.items():
        if x is not None:
            setattr(scan, name, _Tensor(x.data_ptr(), x.stride(0), x.stride(1)) if name in SEQUENCES else x.data_ptr())
    return scan


def _run(name: str, scans: list[_Scan]) -> None:
    """Each thread takes its share of the blocks of channels."""
    blocks = scans[0].B * scans[0].G * -(-(scans[0].E // scans[0].G) // WIDTH)
    native.run(native.library(SOURCE)[name], scans, blocks)


def forward(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None, z: Tensor | None, bias: Tensor | None,
            h0: Tensor | None, softplus: bool, save: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The output (B, L, E), the last state (B, E, N) and, to `save`, a state every `STEPS` steps."""
    u, dt, b, c, z = map(inner, (u, dt, b, c, z))
    a, d, bias, h0 = (x if x is None else x.contiguous() for x in (a, d, bias, h0))
    (B, L, E), N, G = u.shape, a.shape[1], b.shape[2]
    out, last, saved = u.new_empty(B, L, E), a.new_empty(B, E, N), a.new_empty((-(-L // STEPS), B, E, N) if save else 0)
    given = dict(u=u, dt=dt, z=z, b=b, c=c, a=a, d=d, bias=bias, h0=h0, out=out, last=last, saved=saved if save else None)
    scan = _scan((B, L, E, G, N, softplus), given)
    _run("forward", [scan] * torch.get_num_threads())
    return out, last, saved


def backward(g: Tensor, g_last: Tensor, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None,
             z: Tensor | None, bias: Tensor | None, saved: Tensor, softplus: bool) -> tuple[Tensor, ...]:
    """The gradients of u, dt, a, b, c, d, z, bias, h0; what is not there has an empty one."""
    g, u, dt, b, c, z = map(inner, (g, u, dt, b, c, z))
    a, d, bias, g_last = (x if x is None else x.contiguous() for x in (a, d, bias, g_last))
    (B, L, E), N, G, threads = u.shape, a.shape[1], b.shape[2], torch.get_num_threads()
    du, ddt, dz = u.new_empty(B, L, E), u.new_empty(B, L, E), u.new_empty((B, L, E) if z is not None else 0)
    db, dc = a.new_zeros(threads, B, L, G, N), a.new_zeros(threads, B, L, G, N)
    da, dd, dbias, dh0 = a.new_empty(B, E, N), a.new_empty(B, E), a.new_empty(B, E), a.new_empty(B, E, N)
    given = dict(g=g, u=u, dt=dt, z=z, b=b, c=c, a=a, d=d, bias=bias, dlast=g_last, saved=saved, du=du, ddt=ddt, dz=dz, da=da,
                 dd=dd, dbias=dbias, dh0=dh0)
    _run("backward", [_scan((B, L, E, G, N, softplus), given | dict(db=db[i], dc=dc[i])) for i in range(threads)])
    none = a.new_empty(0)
    return (du, ddt, da.sum(0), db.sum(0), dc.sum(0), none if d is None else dd.sum(0), dz,
            none if bias is None else dbias.sum(0), dh0)
