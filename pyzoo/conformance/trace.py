"""Traces: calls of spec points, with the bits that went in and out.

A trace on disk is a folder with `trace.json` (what was called, with which integers, on which device and versions)
and `tensors.safetensors` (the bits). The checksum of the latter is in the former.
"""

import hashlib
import json
import os
import platform
import random
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pyzoo.errors import InputError
from pyzoo.ops.point import Arithmetic, observe

SCHEMA = 2
RUN = 8  # neighbouring entries that are compared together
OUTPUT_NAMES = {  # points with several outputs, in order
    "mamba.step": ("y", "conv_state", "h"), "mamba2.step": ("y", "conv_state", "h"), "mamba2.ssd_step": ("y", "h"),
    "lstm.cell": ("h", "c"), "gpt.block": ("y", "k", "v"),
    "gpt.angles": ("cosines", "sines"),
}  # fmt: skip
BITS = {
    torch.float32: torch.int32, torch.float64: torch.int64, torch.bfloat16: torch.int16, torch.float16: torch.int16,
    torch.int64: torch.int64,
}  # fmt: skip


@dataclass
class Call:
    """One recorded call of a spec point, with one of its outputs."""

    point: str
    inputs: dict[str, torch.Tensor]
    ints: dict[str, int]
    output: torch.Tensor
    error: str | None = None  # why there is no output, for a foreign implementation
    arithmetic: Arithmetic = Arithmetic()
    wrt: str | None = None  # if the output is a gradient: with respect to this input

    @property
    def id(self) -> str:
        """The point, and what its gradient is taken with respect to."""
        return self.point if self.wrt is None else f"{self.point}.grad.{self.wrt}"

    @property
    def integers(self) -> list[tuple[str, int]]:
        """Those of the call, and what its implementation declares of a scan, by the names that Lean knows."""
        chunks = (("chunk", steps) for steps in self.arithmetic.chunks)
        return [*self.ints.items(), *chunks, *([("fused", 1)] if self.arithmetic.fused else [])]


def base(point: str) -> str:
    """The spec point that is called for `point`, which may be one of its outputs: `mamba.step` for `mamba.step.y`."""
    return next((p for p in OUTPUT_NAMES if point.startswith(f"{p}.")), point)


def _split(inputs: dict[str, Any], dtype: torch.dtype) -> tuple[dict[str, torch.Tensor], dict[str, int]]:
    """Tensors and integers; a Python float (such as eps) becomes a scalar of the dtype that PyTorch computes in."""
    tensors, ints = {}, {}
    for name, value in inputs.items():
        if isinstance(value, torch.Tensor):
            tensors[name] = value.detach().cpu().contiguous().clone()
        elif isinstance(value, bool) or value is None:
            continue
        elif isinstance(value, int):
            ints[name] = value
        elif isinstance(value, float):
            tensors[name] = torch.tensor(value, dtype=torch.promote_types(dtype, torch.float32))
        else:
            raise TypeError(f"a spec point was given {name}={value!r}, which is neither a tensor nor a number")
    return tensors, ints


def calls_of(point: str, inputs: dict[str, Any], output: Any, arithmetic: Arithmetic) -> list[Call]:
    """The calls of one recorded invocation: one for each of its outputs."""
    floats = (v.dtype for v in inputs.values() if isinstance(v, torch.Tensor) and v.is_floating_point())
    dtype = next(floats, torch.float32)
    tensors, ints = _split(inputs, dtype)
    outputs = output if isinstance(output, tuple) else (output,)
    names = OUTPUT_NAMES.get(point, ("",) * len(outputs))
    return [
        Call(f"{point}.{name}" if name else point, tensors, ints, value.detach().cpu().contiguous().clone(), None, arithmetic)
        for name, value in zip(names, outputs, strict=True)
    ]


class Recorder:
    """Keeps the calls of a run; `with recorder.recording(replaced): model(x)`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, point: str, inputs: dict[str, Any], output: Any, arithmetic: Arithmetic) -> None:
        self.calls += calls_of(point, inputs, output, arithmetic)

    def recording(self, replaced: dict[str, Any] | None = None):
        """A block in which calls are recorded, with some spec points replaced."""
        return observe(self, replaced)


def bits(x: torch.Tensor) -> dict[str, Any]:
    """A tensor as Lean reads it: dtype, shape, and each entry's bits as a natural number."""
    name = str(x.dtype).removeprefix("torch.")
    if x.dtype not in BITS:
        return {"dtype": name, "shape": list(x.shape), "bits": [0] * x.numel()}
    width = x.element_size() * 8
    return {
        "dtype": name,
        "shape": list(x.shape),
        "bits": [v & ((1 << width) - 1) for v in x.contiguous().view(BITS[x.dtype]).flatten().tolist()],
    }


def from_bits(dtype: str, shape: list[int], bits: list[int]) -> torch.Tensor:
    """The tensor that `bits` describes."""
    kind = getattr(torch, dtype)
    width = kind.itemsize * 8
    signed = [b - (1 << width) if b >> (width - 1) else b for b in bits]
    return torch.tensor(signed, dtype=BITS[kind]).view(kind).reshape(shape)


def sample(total: int, limit: int, seed: int) -> list[int]:
    """About `limit` of `total` flat indices, in increasing order: runs of neighbours, which Lean evaluates together, with
    the first and the last index among them."""
    if total <= limit:
        return list(range(total))
    starts = range(0, total, RUN)
    inner = random.Random(seed).sample(starts[1:-1], min(len(starts) - 2, max(0, limit // RUN - 2)))
    return [i for start in (0, *sorted(inner), starts[-1]) for i in range(start, min(start + RUN, total))]


def checksum(call: Call) -> str:
    """Eight digits that tell calls of a point apart."""
    values = {name: bits(x) for name, x in {**call.inputs, "output": call.output}.items()}
    return hashlib.sha256(json.dumps([values, call.ints], sort_keys=True).encode()).hexdigest()[:8]


def save(folder: Path, call: Call, indices: list[int], facts: dict[str, Any]) -> None:
    """Write one call as a trace; the folder appears only when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".trace-") as temporary:
        work = Path(temporary) / "trace"
        work.mkdir()
        tensors = {f"input.{k}": v for k, v in call.inputs.items()} | {"output": call.output}
        save_file(tensors, work / "tensors.safetensors")
        digest = hashlib.sha256((work / "tensors.safetensors").read_bytes()).hexdigest()
        document = {
            "schema": SCHEMA,
            "point": call.point,
            "ints": call.ints,
            "indices": indices,
            "arithmetic": asdict(call.arithmetic),
            "wrt": call.wrt,
            "sha256": digest,
            "versions": {"torch": torch.__version__, "cuda": torch.version.cuda, "python": platform.python_version()},
            **facts,
        }
        (work / "trace.json").write_text(json.dumps(document, indent=1))
        if folder.exists():
            raise InputError(f"{folder} exists already")
        os.replace(work, folder)


def load(folder: Path) -> tuple[Call, list[int], dict[str, Any]]:
    """Read a trace. Raises InputError, naming file and field, if it is truncated, edited or of another schema."""
    path = folder / "trace.json"
    try:
        document = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path} can't be read as a trace: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"{path}: field 'schema' must be {SCHEMA}")
    checks = {"point": str, "ints": dict, "indices": list, "arithmetic": dict, "sha256": str}
    for name, kind in checks.items():
        if not isinstance(document.get(name), kind):
            raise InputError(f"{path}: field '{name}' is missing or not a {kind.__name__}")
    try:
        arithmetic = Arithmetic(**document["arithmetic"] | {"chunks": tuple(document["arithmetic"].get("chunks", ()))})
    except TypeError:
        raise InputError(f"{path}: field 'arithmetic' must have order, accumulator, cast, chunks and fused") from None
    tensors_path = folder / "tensors.safetensors"
    try:
        data = tensors_path.read_bytes()
    except OSError as error:
        raise InputError(f"{tensors_path} can't be read: {error}") from None
    if hashlib.sha256(data).hexdigest() != document["sha256"]:
        raise InputError(f"{tensors_path} does not have the checksum in field 'sha256' of trace.json")
    try:
        tensors = load_file(tensors_path)
    except SafetensorError as error:
        raise InputError(f"{tensors_path}: {error}") from None
    if "output" not in tensors:
        raise InputError(f"{tensors_path}: tensor 'output' is missing")
    total = tensors["output"].numel()
    for position, index in enumerate(document["indices"]):
        if type(index) is not int or not 0 <= index < total:
            raise InputError(f"{path}: field 'indices', entry {position}, is {index!r}; the output has {total} entries")
    inputs = {k.removeprefix("input."): v for k, v in tensors.items() if k.startswith("input.")}
    call = Call(document["point"], inputs, document["ints"], tensors["output"], None, arithmetic, document.get("wrt"))
    return call, document["indices"], document
