"""The spectral convolution on a GPU: how it is spread, and the launches of its kernels. Spectra are (B, C, M, 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from pyzoo.ops import nvrtc
from pyzoo.ops.spectral_conv.transforms import turns

TALL, BROAD, SPLIT, ACROSS = 4, 2, {4: 8, 8: 4}, 64  # outputs of a thread and shape of a block in a product of modes
PAIR = 2  # signals of a thread in the inverse transform
PRODUCTS = {"mix": "BO", "mix_back": "BC", "weight_gradient": "CO"}  # and the sizes of their outputs
FILE = Path(__file__).parent / "kernels.cu"


@dataclass(frozen=True)
class Plan:
    """How the transforms are spread over a GPU; `kernels.cu` explains the names."""

    radix: int
    rows: int
    modes: int
    groups: int
    parts: int
    blocks: int


def radix(n: int) -> int:
    """Points that a thread transforms in registers: at most 16, a divisor of n that leaves a warp places enough."""
    return next(r for r in (16, 8, 4, 2, 1) if n % r == 0 and (n // r >= 32 or r == 1))


@lru_cache(maxsize=256)
def plan(signals: int, n: int, modes: int, dtype: torch.dtype, multiprocessors: int) -> Plan:
    """The plan for so many signals of n points. A group's points are spread over several warps if there are few warps."""
    own = min(16, 1 << (modes - 1).bit_length())
    groups = min(4, -(-modes // own))
    rows = 1 if dtype == torch.float64 else 2 if groups == 1 else 4
    warps, parts = -(-signals // rows) * -(-modes // own), 1
    wanted, most = (16 * multiprocessors, 8) if groups == 1 else (8 * multiprocessors, 8 // max(rows, groups))
    while warps * parts < wanted and 64 * parts <= n // radix(n) and 2 * parts <= most:
        parts *= 2
    return Plan(radix(n), rows, own, groups, parts, max(1, 8 // (groups * parts)))


@lru_cache(maxsize=16)
def _table(n: int, modes: int, radix: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """exp(-2πi k s / n), (M, n / radix, 2)."""
    return turns(n, modes, n // radix).to(device, dtype)


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
        macros = dict(SIGNAL=nvrtc.TYPES[self.dtype], REAL=nvrtc.TYPES[self.real], N=self.n, M=self.M, RADIX=p.radix, ROWS=p.rows,
                      MODES=p.modes, GROUPS=p.groups, PARTS=p.parts, BLOCKS=p.blocks, TALL=TALL, BROAD=BROAD,
                      SPLIT=SPLIT[self.real.itemsize], ACROSS=ACROSS)  # fmt: skip
        kernel = nvrtc.kernel(name, (FILE,), macros, self.device.index)
        if name in PRODUCTS:
            tall, broad = (getattr(self, size) for size in PRODUCTS[name])
            grid = -(-tall // TALL), -(-(-(-broad // BROAD) * self.M) // ACROSS)
            return partial(nvrtc.launch, kernel, (*grid, 1), ACROSS * SPLIT[self.real.itemsize])
        table = _table(self.n, self.M, p.radix, self.real, self.device)
        if name == "truncated_transform":
            grid, threads = (-(-signals // p.rows), -(-self.M // (p.modes * p.groups))), 32 * p.groups * p.parts
        else:
            across, places = -(-signals // PAIR), self.n // p.radix
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
