"""The spectral convolution's spec point, and how inputs for it are made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.spectral_conv import SpectralConv1d

POINTS = ("spectral.conv",)
SIZES = {2: 2, 33: 5, 1134: 3, 64: 33, 1: 1, 31: 16, 372: 4, 784: 3, 2049: 2}  # modes by points; all that there are for 1, 2, 31 and 64
CALLS = {"spectral.conv": len(SIZES) + 1}


def limit(call: Call) -> int:
    """How many entries of a call's output are compared."""
    return 64


def skip(call: Call) -> str | None:
    """Why a call is not judged, if it is too large for an evaluation in Lean within seconds."""
    work = call.inputs["x"].numel() * call.inputs["weight"].shape[2]
    return f"{work} products of points and modes take minutes in Lean" if work > 100_000 else None


def _work(call: Call) -> int:
    """Products of points and modes."""
    return call.inputs["x"].shape[2] * call.inputs["weight"].shape[2]


def gradient_calls(calls: list[Call]) -> list[Call]:
    """All calls, the cheapest first."""
    return sorted(calls, key=_work)


def gradient_entries(call: Call) -> int:
    """How many entries of a gradient are compared: each is a pass through all points and modes."""
    return 6 if _work(call) < 200 else 1


def layers(seed: int) -> Iterator[tuple[int, int, SpectralConv1d]]:
    """Points, batch and a layer for each size, from the seed's own on, with weights around 0. Only small layers have several
    signals and outputs."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    sizes = [*SIZES.items()]
    for n, modes in sizes[seed % len(sizes) :] + sizes[: seed % len(sizes)]:
        layer = SpectralConv1d(draw.randint(2, 3), draw.randint(1, 3) if n * modes < 500 else 1, modes)
        torch.nn.init.normal_(layer.weight)
        yield n, 2 if n * modes < 200 else 1, layer


def record(recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
           replaced: dict[str, Callable]) -> None:  # fmt: skip
    """Random signals through a layer of each size; and an impulse through a layer of one mode out of 33, which has a narrow
    budget."""
    generator = torch.Generator(device).manual_seed(seed)
    with recorder.recording(replaced):
        for n, batch, layer in layers(seed):
            x = torch.randn(batch, layer.weight.shape[0], n, device=device, generator=generator)
            layer.to(device, dtype)(x.to(dtype))
        layer, draw = SpectralConv1d(1, 1, 33), random.Random(seed)
        impulse = torch.zeros(1, 1, 64, device=device, dtype=dtype)
        impulse[0, 0, draw.randrange(64)] = 1 + draw.random()
        with torch.no_grad():
            layer.weight.zero_()[:, :, draw.randint(1, 31)] = torch.tensor([0.7, -1.1])
        layer.to(device, dtype)(impulse)


def facts(run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
    """Structural facts: the number of parameters of a layer."""
    layer = SpectralConv1d(3, 5, 4)
    yield "spectral.parameters", [sum(p.numel() for p in layer.parameters())], {"sizes": [3, 5, 4]}
