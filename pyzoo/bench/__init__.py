"""`pyzoo bench`: our operators beside what a user would pick instead, checked against fp64 before they are timed."""

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median

import torch
from torch import Tensor

Runner = tuple[Callable[[], Tensor], tuple[Tensor, ...]]  # a forward pass, and what its gradients are taken of
ROUNDS = {"cuda": 30, "cpu": 7}


@dataclass
class Row:
    """One implementation on one problem."""

    problem: str
    """sizes and dtype"""
    name: str
    """the implementation"""
    forward: float
    """milliseconds of a forward pass: the median"""
    backward: float
    """milliseconds of a backward pass: the median"""
    error: float
    """error of the outputs relative to their norm, against fp64"""
    floor: float | None
    """milliseconds that reading the inputs and writing the outputs of a forward pass takes at the speed of a copy"""


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


def compare(problem: str, runners: dict[str, Runner], expected: Tensor, grad: Tensor, moved: int, device: str,
            speed: float | None, tolerance: float) -> Iterator[Row]:  # fmt: skip
    """A row for each runner. ValueError if one is further than `tolerance` from the expected output."""
    errors, outputs = {}, {}
    for name, (forward, _) in runners.items():
        outputs[name] = forward()
        errors[name] = ((outputs[name].detach().double() - expected).norm() / expected.norm()).item()
        if not errors[name] <= tolerance:
            raise ValueError(f"{name} is {errors[name]:.1e} of the norm away from fp64 on {problem}")
    with torch.no_grad():
        forwards = times({name: forward for name, (forward, _) in runners.items()}, device)
    backwards = times({
        name: lambda y=outputs[name], leaves=leaves: torch.autograd.grad(y, leaves, grad.to(y).expand_as(y), retain_graph=True)
        for name, (_, leaves) in runners.items()
    }, device)  # fmt: skip
    for name in runners:
        yield Row(problem, name, forwards[name], backwards[name], errors[name], 1e3 * moved / speed if speed else None)


def times(functions: dict[str, Callable[[], object]], device: str) -> dict[str, float]:
    """Median milliseconds of each, run in turn; on a GPU by its own clock, with its cache emptied before each."""
    spent: dict[str, list] = {name: [] for name in functions}
    cache = torch.empty(1 << 26, device=device) if device == "cuda" else None
    for round_ in range(ROUNDS[device] + 2):
        for name, function in functions.items():
            if cache is not None:
                cache.zero_()
                start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                start.record()
                function()
                end.record()
                sample = (start, end)
            else:
                begun = time.perf_counter()
                function()
                sample = 1e3 * (time.perf_counter() - begun)
            if round_ >= 2:
                spent[name].append(sample)
    if cache is not None:
        torch.cuda.synchronize()
        return {name: median(start.elapsed_time(end) for start, end in samples) for name, samples in spent.items()}
    return {name: median(samples) for name, samples in spent.items()}


def document(rows: list[Row], device: str) -> dict:
    """What `--out` writes."""
    return {"device": device_name(device), "date": time.strftime("%Y-%m-%d"), "rows": [asdict(row) for row in rows]}
