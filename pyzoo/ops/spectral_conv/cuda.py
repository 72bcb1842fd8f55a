"""The spectral convolution on a GPU: how it is spread, and the launches of its kernels. Spectra are (B, C, M, 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.spectral_conv.transforms import turns

TALL, BROAD, SPLIT, ACROSS = 4, 2, {4: 8, 8: 4}, 32  # outputs of a thread and shape of a block in a product of modes
PAIR = 2  # signals of a thread in the inverse transform
PRODUCTS = {"mix": "BO", "mix_back": "BC", "weight_gradient": "CO"}  # and the sizes of their outputs
FILE = Path(__file__).parent / "kernels.cu"


@dataclass(frozen=True)
class Plan:
    """How the transform is spread over a GPU; `kernels.cu` explains the names."""

    rows: int
    classes: int
    turns: int
    groups: int
    parts: int
    blocks: int


def radix(n: int) -> int:
    """Points that a thread transforms in registers: at most 16, a divisor of n that leaves a warp places enough."""
    return next(r for r in (16, 8, 4, 2, 1) if n % r == 0 and (n // r >= 32 or r == 1))


def table_rows(n: int, modes: int) -> int:
    """How many factors the kernels need for each place."""
    r = radix(n)
    return r // 2 + 1 + -(-modes // r)


@lru_cache(maxsize=256)
def plan(signals: int, n: int, modes: int, dtype: torch.dtype, multiprocessors: int) -> Plan:
    """The plan for so many signals of n points. The figures are the fastest of those measured on an H200: a group of all classes has
    one signal, and where the classes are halved a thread keeps at most 128 sums in fp32. A group's points are spread over several warps
    if there are few."""
    r = radix(n)
    all_classes, all_turns = max(1, r // 2), -(-modes // r)
    turns = min(all_turns, 16)
    classes = all_classes if all_classes * turns <= 8 else max(1, all_classes // 2)
    groups = all_classes // classes * -(-all_turns // turns)
    rows = 1 if groups == 1 else max(1, (16 if dtype == torch.float64 else 32) // (classes * turns))
    warps, parts = -(-signals // rows) * groups, 1
    wanted, most = (16 * multiprocessors, 8) if groups == 1 else (8 * multiprocessors, 8 // max(4, groups))
    while warps * parts < wanted and 64 * parts <= n // r and 2 * parts <= most:
        parts *= 2
    return Plan(rows, classes, turns, groups, parts, max(1, (16 if groups == 1 else 8) // (groups * parts)))


def macros(p: Plan, n: int, modes: int, dtype: torch.dtype) -> dict[str, object]:
    """Of all kernels; `kernels.cu` explains them."""
    real = nvrtc.arithmetic(dtype)
    return dict(SIGNAL=nvrtc.TYPES[dtype], REAL=nvrtc.TYPES[real], N=n, M=modes, RADIX=radix(n), ROWS=p.rows, CLASSES=p.classes,
                TURNS=p.turns, GROUPS=p.groups, PARTS=p.parts, BLOCKS=p.blocks, TALL=TALL, BROAD=BROAD, SPLIT=SPLIT[real.itemsize],
                ACROSS=ACROSS)  # fmt: skip


@lru_cache(maxsize=16)
def _table(n: int, modes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """`table` of `kernels.cu`, (BINS + ALL_TURNS, n / radix, 2)."""
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
        p = plan(signals, self.n, self.M, self.dtype, self.multiprocessors)
        kernel = nvrtc.kernel(name, (FILE,), macros(p, self.n, self.M, self.dtype), self.device.index)
        if name in PRODUCTS:
            tall, broad = (getattr(self, size) for size in PRODUCTS[name])
            grid = -(-tall // TALL), -(-(-(-broad // BROAD) * self.M) // ACROSS)
            return partial(nvrtc.launch, kernel, (*grid, 1), ACROSS * SPLIT[self.real.itemsize])
        table = _table(self.n, self.M, self.real, self.device)
        if name == "truncated_transform":
            grid, threads = (-(-signals // p.rows), 1), 32 * p.groups * p.parts
        else:
            across, places = -(-signals // PAIR), self.n // radix(self.n)
            threads = min(128, -(-places // 32) * 32)
            grid = across, min(-(-places // threads), max(1, 16 * self.multiprocessors // across))
        start = partial(nvrtc.launch, kernel, (*grid, 1), threads)
        return lambda source, target: start(source, table.data_ptr(), target, signals)

    def spectrum(self, x: Tensor) -> Tensor:
        """x (B, C, n) -> (B, C, M, 2)."""
        B, C, _ = x.shape
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
        """`mix`, `mix_back` or `weight_gradient` of `kernels.cu`, into `out`."""
        self._launch(name, self.B * self.C, a.data_ptr(), b.data_ptr(), out.data_ptr(), self.B, self.C, self.O)
        return out


problem = lru_cache(maxsize=256)(Problem)


def forward(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """x (B, C, n), weight (C, O, M, 2) -> the outputs (B, O, n) and x's spectrum (B, C, M, 2)."""
    x, weight = x.contiguous(), _aligned(weight)
    s = problem(x.shape, weight.shape, x.dtype, x.device)
    with nvrtc.on(x.device):
        spectrum = s.spectrum(x)
        mixed = s.product("mix", spectrum, weight, spectrum.new_empty(s.B, s.O, s.M, 2))
        return s.signal(mixed), spectrum


def backward(grad: Tensor, weight: Tensor, spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of x and weight from that of the outputs (B, O, n)."""
    grad, weight = grad.contiguous(), _aligned(weight)
    s = problem(grad.shape, weight.shape, grad.dtype, grad.device)
    with nvrtc.on(grad.device):
        modes = s.spectrum(grad)
        of_weight = s.product("weight_gradient", spectrum, modes, torch.empty_like(weight))
        return s.signal(s.product("mix_back", modes, weight, torch.empty_like(spectrum))), of_weight


def _aligned(weight: Tensor) -> Tensor:
    """Contiguous, and each pair at a multiple of its size."""
    weight = weight.contiguous()
    return weight.clone() if weight.data_ptr() % (2 * weight.element_size()) else weight
