"""CUDA C++ compiled at first use by NVRTC, through cuda-core, and kept in the cache folder: no compiler at installation."""

import hashlib
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from pyzoo.paths import cache_dir


def missing() -> str | None:
    """What is missing for compiled kernels, in words, or None."""
    if not torch.cuda.is_available():
        return "no CUDA device"
    if find_spec("cuda") is None or find_spec("cuda.core") is None:
        return "cuda-core is not installed (pip install 'cuda-core[cu13]')"
    return None


@lru_cache(maxsize=None)
def compiled(files: tuple[Path, ...], macros: tuple[tuple[str, str], ...], device: int) -> Any:
    """The kernels in the files, one after the other, with the macros defined, for a device: `get_kernel(name)` has one."""
    from cuda.core import Device, ObjectCode, Program, ProgramOptions

    where = Device(device)
    where.set_current()
    arch = f"sm_{where.arch}"
    source = "\n".join(file.read_text() for file in files)
    key = hashlib.sha256(repr((source, macros, arch, torch.version.cuda)).encode()).hexdigest()[:32]
    stored = cache_dir() / "cuda" / f"{files[-1].stem}-{arch}-{key}.cubin"
    if not stored.exists():
        options = ProgramOptions(std="c++17", arch=arch, define_macro=list(macros))
        code = bytes(Program(source, "c++", options).compile("cubin").code)
        stored.parent.mkdir(parents=True, exist_ok=True)
        partial = stored.with_suffix(f".{os.getpid()}")
        partial.write_bytes(code)
        partial.replace(stored)
    return ObjectCode.from_cubin(stored.read_bytes())


def launch(kernel: Any, grid: tuple[int, int, int], threads: int, *arguments: int) -> None:
    """Start a kernel on PyTorch's current stream. Every argument is a 64-bit integer or an address."""
    from cuda.core import LaunchConfig, Stream
    from cuda.core import launch as start

    stream = Stream.from_handle(torch.cuda.current_stream().cuda_stream)
    start(stream, LaunchConfig(grid=grid, block=threads), kernel, *arguments)
