"""Foreign implementations: somebody else's function in the place of a spec point, in a process of its own."""

import importlib
import io
import multiprocessing
import os
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from pyzoo.conformance import FAMILIES
from pyzoo.conformance.gradient import COTANGENT, place, vjp
from pyzoo.conformance.precision import full_precision
from pyzoo.conformance.trace import Call, base
from pyzoo.errors import InputError
from pyzoo.ops.point import POINTS, Arithmetic, declared

TIME_LIMIT = 60.0  # seconds for one call


def resolve(spec: str) -> Any:
    """The function named `package.module:function`; the working folder is searched too."""
    module_name, _, function_name = spec.partition(":")
    if not module_name or not function_name:
        raise InputError(f"--impl must look like package.module:function, not {spec!r}")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except ImportError as error:
        raise InputError(f"--impl {spec}: {error}") from None
    except AttributeError:
        raise InputError(f"--impl {spec}: the module has no {function_name!r}") from None
    if not callable(function):
        raise InputError(f"--impl {spec} is not callable")
    return function


def _pack(value: Any) -> bytes:
    """Tensors, numbers and text as bytes: the other process gets copies, which it may change."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _unpack(data: bytes) -> Any:
    return torch.load(io.BytesIO(data), weights_only=True)


def _plain(x: Tensor) -> Tensor:
    """A tensor of any device, layout or class as a dense one in memory."""
    return torch.empty(x.shape, dtype=x.dtype).copy_(x)


def _answer(spec: str, device: str, inputs: dict[str, Any]) -> tuple[str, Any]:
    try:
        with torch.no_grad(), full_precision() if spec.startswith("pyzoo.ops.") else nullcontext():
            function, wrt, number = resolve(spec), inputs.pop("wrt", None), inputs.pop("place", 0)
            inputs = {name: x.to(device) if isinstance(x, Tensor) else x for name, x in inputs.items()}
            output = function(**inputs) if wrt is None else vjp(function, inputs, wrt, number)
            values = output if isinstance(output, tuple) else (output,)
            if wrong := [type(v).__name__ for v in values if not isinstance(v, Tensor)]:
                return "error", f"{spec} returned {wrong[0]}, not a tensor"
            inputs.pop(COTANGENT, None)
            return "value", (tuple(_plain(v) for v in values), asdict(declared(function, inputs)))
    except BaseException as error:  # whatever a foreign function does is its verdict
        return "error", f"{spec} raised {type(error).__name__}: {error}"


def _work(spec: str, device: str, pipe: Any) -> None:
    """Answer one request after the other until the pipe is closed."""
    while True:
        try:
            request = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send_bytes(_pack(_answer(spec, device, _unpack(request))))


class Worker:
    """A process of its own in which the function `spec` answers calls: `with Worker(spec) as worker: worker(call)`. It
    starts with the first call, and anew after one that it did not survive or that took over `time_limit` seconds. The function
    gets its tensors on `device`, and PyTorch's settings as they are in a new process; the library's own get full precision."""

    def __init__(self, spec: str, device: str = "cpu", time_limit: float = TIME_LIMIT) -> None:
        self._spec, self._device, self._time_limit = spec, device, time_limit
        self._process: Any = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __call__(self, call: Call) -> Call:
        """The same call, answered by the function. If it raises, returns something else than a tensor, dies or takes
        too long, the call carries the reason in `error`."""
        position = place(call)
        kind, value = self._ask({**call.inputs, **call.ints} | ({"wrt": call.wrt, "place": position} if call.wrt else {}))
        if kind == "error":
            return replace(call, error=value)
        outputs, arithmetic = value
        if call.wrt:
            position = 0
        if position >= len(outputs):
            message = f"{self._spec} returned {len(outputs)} tensors, {call.point} is number {position + 1}"
            return replace(call, error=message)
        return replace(call, output=outputs[position], arithmetic=Arithmetic(**arithmetic))

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(self._spec, self._device, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def _ask(self, inputs: dict[str, Any]) -> tuple[str, Any]:
        if self._process is None:
            self._start()
        try:
            self._pipe.send_bytes(_pack(inputs))
            if self._pipe.poll(self._time_limit):
                return _unpack(self._pipe.recv_bytes())
            reason = f"{self._spec} took over {self._time_limit:g} s"
        except (EOFError, OSError):
            reason = f"{self._spec} ended its process without an answer"
        self.stop()
        return "error", reason


def own(point: str) -> str:
    """The library's own function for a spec point, as `package.module:function`."""
    family = point.partition(".")[0]
    importlib.import_module(f"pyzoo.ops.{FAMILIES.get(family, family)}")
    if base(point) not in POINTS:
        raise InputError(f"no spec point is called {point!r}")
    return f"{POINTS[base(point)].__module__}:{POINTS[base(point)].__name__}"


def isolated(spec: str, call: Call, device: str = "cpu", time_limit: float = TIME_LIMIT) -> Call:
    """One call, answered by the function `spec` in a process of its own."""
    with Worker(spec, device, time_limit) as worker:
        return worker(call)
