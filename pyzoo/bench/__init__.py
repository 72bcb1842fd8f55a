"""`pyzoo bench`: our operators and models beside what a user would pick instead, checked against fp64 before they are timed."""

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, asdict, dataclass
from functools import partial
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

ROUNDS = {"cuda": 30, "cpu": 7}


class Runner(NamedTuple):
    """One implementation."""

    forward: Callable[[], Tensor]
    leaves: tuple[Tensor, ...]
    """what its gradients are taken of"""
    restored: Callable[..., tuple[Tensor, ...]] = lambda *gradients: gradients
    """the gradients in the order and layout of those in fp64"""

    def gradients(self, y: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        """A backward pass from its output."""
        return torch.autograd.grad(y, self.leaves, grad.to(y).expand_as(y), retain_graph=True)


@dataclass
class Row:
    """One implementation on one problem."""

    problem: str
    """sizes and dtype"""
    name: str
    """the implementation"""
    times: dict[str, float]
    """milliseconds of what was timed, each the median"""
    error: float
    """error of the outputs relative to their norm, against fp64"""
    _: KW_ONLY
    gradients: float | None = None
    """the same of the gradients, the largest"""
    moved: int | None = None
    """bytes that the first of them has to read and write"""
    floor: float | None = None
    """milliseconds that this takes at the speed of a copy"""
    tokens: int | None = None
    """tokens of a step"""


def device_name(device: str) -> str:
    """The device and the PyTorch that a figure belongs to."""
    cpu = f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    where = torch.cuda.get_device_name() if device == "cuda" else cpu
    return f"{where}, PyTorch {torch.__version__}"


def copy_speed(device: str) -> float | None:
    """Bytes a second that a GPU copies, read and written."""
    if device != "cuda":
        return None
    source, target = (torch.empty(1 << 28, device=device) for _ in range(2))
    return 8 * source.numel() / (1e-3 * times({"copy": lambda: target.copy_(source)}, device)["copy"])


def errors_of(problem: str, outputs: dict[str, Tensor], expected: Tensor, dtype: torch.dtype) -> dict[str, float]:
    """How far the outputs, computed in `dtype`, are from the expected ones, relative to their norm. ValueError if fewer than half of
    the dtype's digits are right: what is timed must not be wrong; whether rounding alone explains an error, `pyzoo conform` says."""
    errors = {name: ((y.detach().double() - expected).norm() / expected.norm()).item() for name, y in outputs.items()}
    for name, error in errors.items():
        if not error <= torch.finfo(dtype).eps ** 0.5:
            raise ValueError(f"{name} is {error:.1e} of the norm away from fp64 on {problem}")
    return errors


def compare(problem: str, runners: dict[str, Runner], exact: tuple[Tensor, ...], grad: Tensor, moved: int, device: str,
            speed: float | None, dtype: torch.dtype) -> Iterator[Row]:  # fmt: skip
    """A row for each runner, if `errors_of` finds none wrong: forward, forward with gradients recorded, and backward. `exact` are
    the outputs and then the gradients in fp64."""
    outputs = {name: runner.forward() for name, runner in runners.items()}
    errors = errors_of(problem, outputs, exact[0], dtype)
    worst = dict.fromkeys(runners, 0.0)
    gradients = {name: runner.restored(*runner.gradients(outputs[name], grad)) for name, runner in runners.items()}
    for k, expected in enumerate(exact[1:]):
        found = errors_of(f"{problem}, gradient {k}", {name: each[k] for name, each in gradients.items()}, expected, dtype)
        worst = {name: max(worst[name], error) for name, error in found.items()}
    del gradients
    passes = {name: runner.forward for name, runner in runners.items()}
    with torch.no_grad():
        forwards = times(passes, device)
    recorded = times(passes, device)
    backwards = times({name: partial(runner.gradients, outputs[name], grad) for name, runner in runners.items()}, device)
    for name in runners:
        spent = {"forward": forwards[name], "recorded": recorded[name], "backward": backwards[name]}
        floor = 1e3 * moved / speed if speed else None
        yield Row(problem, name, spent, errors[name], gradients=worst[name], moved=moved, floor=floor)


def times(functions: dict[str, Callable[[], object]], device: str) -> dict[str, float]:
    """Median milliseconds of each. On a GPU by its own clock, one function after the other, so that launches run ahead as in a
    program that doesn't wait, and with the cache emptied before each run; on a CPU in turns."""
    if device == "cuda":
        return {name: _on_gpu(function) for name, function in functions.items()}
    spent: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS[device] + 2):
        for name, function in functions.items():
            begun = time.perf_counter()
            function()
            spent[name].append(1e3 * (time.perf_counter() - begun))
    return {name: median(samples[2:]) for name, samples in spent.items()}


def _on_gpu(function: Callable[[], object]) -> float:
    cache, samples = torch.empty(1 << 26, device="cuda"), []
    for _ in range(ROUNDS["cuda"] + 2):
        cache.zero_()
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        samples.append((start, end))
    torch.cuda.synchronize()
    return median(start.elapsed_time(end) for start, end in samples[2:])


def document(rows: list[Row], device: str) -> dict:
    """What `--out` writes."""
    return {"device": device_name(device), "date": time.strftime("%Y-%m-%d"), "rows": [asdict(row) for row in rows]}
