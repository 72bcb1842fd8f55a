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

TURNS, RUNS = {"cuda": 3, "cpu": 7}, 10  # of each function; its runs in a turn on a GPU


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
    """the same of the gradients, the largest; if they are wrong, the backward pass is not timed"""
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


def error_of(found: Tensor, expected: Tensor) -> float:
    """How far they are from the expected ones, relative to their norm."""
    return ((found.detach().double() - expected).norm() / expected.norm()).item()


def right(error: float, dtype: torch.dtype) -> bool:
    """Whether half of the dtype's digits are right: what is timed must not be wrong. Whether rounding alone explains an error,
    `pyzoo conform` says."""
    return error <= torch.finfo(dtype).eps ** 0.5


def errors_of(problem: str, outputs: dict[str, Tensor], expected: Tensor, dtype: torch.dtype) -> dict[str, float]:
    """The errors of outputs that were computed in `dtype`. ValueError if one isn't `right`."""
    errors = {name: error_of(y, expected) for name, y in outputs.items()}
    for name, error in errors.items():
        if not right(error, dtype):
            raise ValueError(f"{name} is {error:.1e} of the norm away from fp64 on {problem}")
    return errors


def compare(problem: str, runners: dict[str, Runner], exact: tuple[Tensor, ...], grad: Tensor, moved: int, device: str,
            speed: float | None, dtype: torch.dtype) -> Iterator[Row]:  # fmt: skip
    """A row for each runner: forward, forward with gradients recorded, and backward unless its gradients are wrong. `exact` are the
    outputs and then the gradients in fp64. ValueError if outputs are wrong, or gradients of ours."""
    outputs = {name: runner.forward() for name, runner in runners.items()}
    errors = errors_of(problem, outputs, exact[0], dtype)
    worst = {}
    for name, runner in runners.items():
        gradients = runner.restored(*runner.gradients(outputs[name], grad))
        worst[name] = max(map(error_of, gradients, exact[1:]), key=lambda error: (not right(error, dtype), error))
    del gradients
    if not right(worst.get("pyzoo", 0.0), dtype):
        raise ValueError(f"a gradient of pyzoo's is {worst['pyzoo']:.1e} of the norm away from fp64 on {problem}")
    passes = {name: runner.forward for name, runner in runners.items()}
    with torch.no_grad():
        forwards = times(passes, device)
    recorded = times(passes, device)
    backwards = times({name: partial(runner.gradients, outputs[name], grad) for name, runner in runners.items()
                       if right(worst[name], dtype)}, device)  # fmt: skip
    for name in runners:
        spent = {"forward": forwards[name], "recorded": recorded[name]}
        if name in backwards:
            spent["backward"] = backwards[name]
        floor = 1e3 * moved / speed if speed else None
        yield Row(problem, name, spent, errors[name], gradients=worst[name], moved=moved, floor=floor)


def times(functions: dict[str, Callable[[], object]], device: str) -> dict[str, float]:
    """Median milliseconds of each, in turns, for clocks change while a machine works. On a GPU by its own clock and with the cache
    emptied before each run, some runs of a function at a time, so that launches run ahead as in a program that doesn't wait."""
    for function in functions.values():
        function()
    spent: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(TURNS[device]):
        for name, function in functions.items():
            spent[name] += _on_gpu(function) if device == "cuda" else _on_cpu(function)
    return {name: median(samples) for name, samples in spent.items()}


def _on_cpu(function: Callable[[], object]) -> list[float]:
    begun = time.perf_counter()
    function()
    return [1e3 * (time.perf_counter() - begun)]


def _on_gpu(function: Callable[[], object]) -> list[float]:
    cache, samples = torch.empty(1 << 26, device="cuda"), []
    for _ in range(RUNS + 2):
        cache.zero_()
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        samples.append((start, end))
    torch.cuda.synchronize()
    return [start.elapsed_time(end) for start, end in samples[2:]]


def document(rows: list[Row], device: str) -> dict:
    """What `--out` writes."""
    return {"device": device_name(device), "date": time.strftime("%Y-%m-%d"), "rows": [asdict(row) for row in rows]}
