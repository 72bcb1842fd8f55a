"""Foreign implementations: somebody else's function in the place of a spec point, in a process of its own."""

import importlib
import multiprocessing
import os
import sys
from dataclasses import replace
from typing import Any

import torch

from pyzoo.conformance.trace import OUTPUT_NAMES, Call
from pyzoo.errors import InputError

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


def _work(spec: str, inputs: dict[str, Any], pipe: Any) -> None:
    try:
        with torch.no_grad():
            output = resolve(spec)(**inputs)
        values = output if isinstance(output, tuple) else (output,)
        for value in values:
            if not isinstance(value, torch.Tensor):
                pipe.send(("error", f"{spec} returned {type(value).__name__}, not a tensor"))
                return
        pipe.send(("value", tuple(v.detach().cpu().contiguous().numpy() for v in values)))
    except BaseException as error:  # whatever a foreign function does is its verdict
        pipe.send(("error", f"{spec} raised {type(error).__name__}: {error}"))


def isolated(spec: str, call: Call, time_limit: float = TIME_LIMIT) -> Call:
    """The same call, answered by the function `spec`. If it raises, returns something else than a tensor, dies or
    takes longer than `time_limit` seconds, the call carries the reason in `error`."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    inputs = {**call.inputs, **call.ints}
    process = context.Process(target=_work, args=(spec, inputs, sender), daemon=True)
    process.start()
    sender.close()
    try:
        kind, value = receiver.recv() if receiver.poll(time_limit) else ("error", f"{spec} took over {time_limit:g} s")
    except EOFError:
        kind, value = "error", f"{spec} ended its process without an answer"
    finally:
        process.kill()
        process.join()
    if kind == "error":
        return replace(call, error=value)
    base = next((p for p in OUTPUT_NAMES if call.point.startswith(f"{p}.")), None)
    position = OUTPUT_NAMES[base].index(call.point.removeprefix(f"{base}.")) if base else 0
    if position >= len(value):
        return replace(call, error=f"{spec} returned {len(value)} tensors, {call.point} is number {position + 1}")
    return replace(call, output=torch.from_numpy(value[position]))
