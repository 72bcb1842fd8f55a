"""The spectral convolution on a GPU: how it is spread, and the launches of its kernels. Spectra are (B, C, M, 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.spectral_conv.transforms import turns

HERE = Path(__file__).parent
TALL, BROAD, MODES = 8, 2, 8  # outputs of a thread in a product of modes, and modes of a warp
PAIR = 2  # signals of a thread in the inverse transform
PRODUCTS = {"mix": "BOC", "mix_back": "BCO", "weight_gradient": "COB"}  # the sizes of their outputs, and what they sum over


@dataclass(frozen=True)
class Plan:
    """How the transform is spread over a GPU; `transforms.cu` explains the names."""

    turns: int
    groups: int
    parts: int
    stages: int
    blocks: int


def radix(n: int) -> int:
    """Points that a thread transforms in registers: at most 16, a divisor of n that leaves a warp places enough."""
    return next(r for r in (16, 8, 4, 2, 1) if n % r == 0 and (n // r >= 32 or r == 1))


def table_rows(n: int, modes: int) -> int:
    """How many factors the kernels need for each place."""
    r = radix(n)
    return r // 2 + 1 + -(-modes // r)


def plan(signals: int, n: int, modes: int, dtype: torch.dtype, multiprocessors: int) -> Plan:
    """The plan for so many signals of n points; the figures are the fastest of those measured on an H200. A thread keeps at most 128 sums
    in fp32 and 64 in fp64. A signal's points are spread over several warps if there are few signals."""
    r = radix(n)
    classes, all_turns = max(1, r // 2), -(-modes // r)
    groups = -(-all_turns // min(16, (16 if dtype == torch.float64 else 32) // classes))
    turns = -(-all_turns // groups)
    warps, parts = 8 if classes * turns * nvrtc.arithmetic(dtype).itemsize > 64 else 16, 1
    while signals * groups * parts < warps * multiprocessors and 64 * parts <= n // r and parts < 8:
        parts *= 2
    return Plan(turns, groups, parts, 4 if parts * dtype.itemsize <= 16 else 2, max(1, warps // parts))


def of_both(n: int, modes: int, dtype: torch.dtype) -> dict[str, object]:
    """The macros of `common.cuh`."""
    return dict(SIGNAL=nvrtc.TYPES[dtype], REAL=nvrtc.TYPES[nvrtc.arithmetic(dtype)], N=n, M=modes)


def of_transforms(p: Plan, n: int, modes: int, dtype: torch.dtype) -> dict[str, object]:
    """The macros of `transforms.cu`."""
    r = radix(n)
    size = next(size for size in (16, 8, 4, 2) if n // r * dtype.itemsize % size == 0)
    return of_both(n, modes, dtype) | dict(RADIX=r, TURNS=p.turns, GROUPS=p.groups, PARTS=p.parts, STAGES=p.stages, REQUEST=size,
                                           BLOCKS=p.blocks)  # fmt: skip


def of_product(name: str, sizes: dict[str, int], n: int, dtype: torch.dtype,
               multiprocessors: int) -> tuple[dict[str, object], tuple[int, int]]:  # fmt: skip
    """The macros of `products.cu` for a product of these sizes B, C, O and M, and its grid."""
    rows, columns, terms = (sizes[size] for size in PRODUCTS[name])
    tall, broad = (next(s for s in (8, 4, 2, 1) if s <= min(*most)) for most in ((TALL, rows), (BROAD, columns)))
    grid = -(-rows // tall), -(-columns // (32 // MODES * broad)) * -(-sizes["M"] // MODES)
    split = 32 // nvrtc.arithmetic(dtype).itemsize
    while split > 1 and (2 * split > terms or grid[0] * grid[1] * split > 16 * multiprocessors):
        split //= 2
    own = dict(C=sizes["C"], O=sizes["O"], TALL=tall, BROAD=broad, SPLIT=split, MODES=MODES)
    return of_both(n, sizes["M"], dtype) | own, grid


@lru_cache(maxsize=16)
def _table(n: int, modes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`table` of `transforms.cu`, (BINS + ALL_TURNS, n / radix, 2)."""
    r = radix(n)
    of_residues, of_turns = torch.arange(r // 2 + 1) - r // 2, torch.arange(-(-modes // r)) * r + r // 2
    return turns(n, torch.cat((of_residues, of_turns)), n // r).to(device, dtype)


class Problem:
    """The launches for signals of x's shape and a weight, made once: what is done in a call takes longer than small kernels."""

    def __init__(self, x: torch.Size, weight: torch.Size, dtype: torch.dtype, device: torch.device) -> None:
        (self.B, _, self.n), (self.C, self.O, self.M, _) = x, weight
        self.dtype, self.real, self.device = dtype, nvrtc.arithmetic(dtype), device
        self.multiprocessors = nvrtc.multiprocessors(device.index)
        self.launches: dict[tuple, Callable[..., None]] = {}

    def _launch(self, name: str, signals: int, *arguments: int) -> None:
        """Start a kernel; of the transforms there is one for each number of signals."""
        launch = self.launches.get((name, signals))
        if launch is None:
            launch = self.launches[name, signals] = self._prepare(name, signals)
        launch(*arguments)

    def _prepare(self, name: str, signals: int) -> Callable[..., None]:
        if name in PRODUCTS:
            own, grid = of_product(name, {s: getattr(self, s) for s in "BCOM"}, self.n, self.dtype, self.multiprocessors)
            kernel = nvrtc.kernel(name, (HERE / "common.cuh", HERE / "products.cu"), own, self.device.index)
            return partial(nvrtc.launch, kernel, (*grid, 1), 32 * own["SPLIT"])
        p = plan(signals, self.n, self.M, self.dtype, self.multiprocessors)
        own = of_transforms(p, self.n, self.M, self.dtype)
        kernel = nvrtc.kernel(name, (HERE / "common.cuh", HERE / "transforms.cu"), own, self.device.index)
        table = _table(self.n, self.M, self.real, self.device)
        if name == "truncated_transform":
            start = partial(nvrtc.launch, kernel, (signals * p.groups, 1, 1), 32 * p.parts)
            return lambda source, target: start(source, table.data_ptr(), target)
        across, places = -(-signals // PAIR), self.n // radix(self.n)
        threads = min(128, -(-places // 32) * 32)
        grid = across, min(-(-places // threads), max(1, 16 * self.multiprocessors // across))
        start = partial(nvrtc.launch, kernel, (*grid, 1), threads)
        return lambda source, target: start(source, table.data_ptr(), target, signals)

    def spectrum(self, x: Tensor) -> Tensor:
        """x (B, C, n) -> (B, C, M, 2)."""
        B, C, _ = x.shape
        x = _aligned(x, 16)
        out = torch.empty((B, C, self.M, 2), dtype=self.real, device=self.device)
        self._launch("truncated_transform", B * C, x.data_ptr(), out.data_ptr())
        return out

    def signal(self, spectrum: Tensor) -> Tensor:
        """(B, C, M, 2) -> (B, C, n)."""
        B, C, _, _ = spectrum.shape
        y = torch.empty((B, C, self.n), dtype=self.dtype, device=self.device)
        self._launch("truncated_inverse", B * C, spectrum.data_ptr(), y.data_ptr())
        return y

    def product(self, name: str, a: Tensor, b: Tensor, out: Tensor) -> Tensor:
        """`mix`, `mix_back` or `weight_gradient` of `products.cu`, into `out`."""
        self._launch(name, self.B * self.C, a.data_ptr(), b.data_ptr(), out.data_ptr(), self.B)
        return out


problem = lru_cache(maxsize=256)(Problem)


def forward(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """x (B, C, n), weight (C, O, M, 2) -> the outputs (B, O, n) and x's spectrum (B, C, M, 2)."""
    weight = _aligned(weight, 2 * weight.element_size())
    s = problem(x.shape, weight.shape, x.dtype, x.device)
    with nvrtc.on(x.device):
        spectrum = s.spectrum(x)
        mixed = s.product("mix", spectrum, weight, spectrum.new_empty(s.B, s.O, s.M, 2))
        return s.signal(mixed), spectrum


def backward(grad: Tensor, weight: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of x and weight from that of the outputs (B, O, n)."""
    weight = _aligned(weight, 2 * weight.element_size())
    s = problem(grad.shape, weight.shape, grad.dtype, grad.device)
    with nvrtc.on(grad.device):
        modes = s.spectrum(grad)
        of_weight = s.product("weight_gradient", spectrum, modes, torch.empty_like(weight))
        return s.signal(s.product("mix_back", modes, weight, torch.empty_like(spectrum))), of_weight


def _aligned(x: Tensor, size: int) -> Tensor:
    """Contiguous, at an address that is a multiple of so many bytes."""
    x = x.contiguous()
    return x.clone() if x.data_ptr() % size else x
