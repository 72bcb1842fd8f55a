"""CUDA C++ compiled at first use by NVRTC, through cuda-core, and kept in the cache folder: no compiler at installation."""

import ctypes
import hashlib
import os
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from pyzoo.paths import cache_dir

BASICS = Path(__file__).parent / "basics.cuh"
TYPES = {torch.float32: "float", torch.float64: "double", torch.bfloat16: "bf16", torch.float16: "half"}  # by their names there
_BUFFER, _BUFFER_SIZE = 1, 2  # CU_LAUNCH_PARAM_BUFFER_POINTER, _SIZE: the arguments as one block of memory


def missing_compiler() -> str | None:
    """What is missing for compiling, which needs no GPU, in words, or None."""
    there = find_spec("cuda") is not None and find_spec("cuda.core") is not None
    return None if there else "cuda-core is not installed (pip install 'cuda-core[cu13]')"


def missing() -> str | None:
    """What is missing for compiled kernels, in words, or None."""
    return missing_compiler() if torch.cuda.is_available() else "no CUDA device"


@lru_cache(maxsize=None)
def multiprocessors(device: int) -> int:
    """Of a device."""
    return torch.cuda.get_device_properties(device).multi_processor_count


def arithmetic(dtype: torch.dtype) -> torch.dtype:
    """The dtype that kernels compute in."""
    return torch.promote_types(dtype, torch.float32)


def source(files: tuple[Path, ...]) -> str:
    """The files, one after the other after `basics.cuh`."""
    return "\n".join(file.read_text() for file in (BASICS, *files))


def cubin(source: str, macros: dict[str, object], arch: str) -> bytes:
    """The machine code of CUDA C++ for an architecture such as `sm_90`; no GPU is needed."""
    from cuda.core import Program, ProgramOptions

    options = ProgramOptions(std="c++17", arch=arch, define_macro=[(name, str(value)) for name, value in macros.items()])
    return bytes(Program(source, "c++", options).compile("cubin").code)


@lru_cache(maxsize=None)
def compiled(files: tuple[Path, ...], macros: tuple[tuple[str, str], ...], device: int) -> Any:
    """The kernels in the files with the macros defined, for a device."""
    from cuda.core import Device, ObjectCode

    where = Device(device)
    where.set_current()
    arch, text = f"sm_{where.arch}", source(files)
    key = hashlib.sha256(repr((text, macros, arch, torch.version.cuda)).encode()).hexdigest()[:32]
    stored = cache_dir() / "cuda" / f"{files[-1].stem}-{arch}-{key}.cubin"
    if not stored.exists():
        code = cubin(text, dict(macros), arch)
        stored.parent.mkdir(parents=True, exist_ok=True)
        partial = stored.with_suffix(f".{os.getpid()}")
        partial.write_bytes(code)
        partial.replace(stored)
    return ObjectCode.from_cubin(stored.read_bytes())


def kernel(name: str, files: tuple[Path, ...], macros: dict[str, object], device: int) -> Any:
    """A kernel of the files, to be started with `launch`."""
    from cuda.bindings import driver

    code = compiled(files, tuple((key, str(value)) for key, value in macros.items()), device)
    return driver.CUfunction(int(code.get_kernel(name).handle))


def on(device: torch.device) -> AbstractContextManager:
    """Work on that device."""
    return nullcontext() if torch.cuda.current_device() == device.index else torch.cuda.device(device)


def launch(kernel: Any, grid: tuple[int, int, int], threads: int, *arguments: int) -> None:
    """Start a kernel on PyTorch's current stream and device. Every argument is a 64-bit integer or an address."""
    from cuda.bindings import driver

    stream = torch._C._cuda_getCurrentRawStream(torch.cuda.current_device())  # without the wrappers, which take as long as a launch
    values = (ctypes.c_int64 * len(arguments))(*arguments)
    size = ctypes.c_size_t(ctypes.sizeof(values))
    packed = (ctypes.c_void_p * 5)(_BUFFER, ctypes.addressof(values), _BUFFER_SIZE, ctypes.addressof(size), None)
    call = (kernel, *grid, threads, 1, 1, 0, stream, 0, ctypes.addressof(packed))
    (result,) = driver.cuLaunchKernel(*call)
    if result == driver.CUresult.CUDA_ERROR_INVALID_CONTEXT:  # a thread of autograd's that has not yet used the device
        driver.cuCtxSetCurrent(driver.cuDevicePrimaryCtxRetain(torch.cuda.current_device())[1])
        (result,) = driver.cuLaunchKernel(*call)
    if result:
        raise RuntimeError(f"a kernel of {threads} threads on a grid {grid} was not started: {result.name}")
