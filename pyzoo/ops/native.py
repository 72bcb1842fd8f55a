"""C compiled at first use by the system's compiler, kept in the cache folder, and run on PyTorch's threads."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pyzoo.paths import cache_dir

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")


class _Work(ctypes.Structure):
    _fields_ = [*((n, ctypes.c_void_p) for n in ("function", "problems")),
                *((n, ctypes.c_int64) for n in ("shares", "blocks", "next", "failed"))]  # fmt: skip


@cache
def available(operator: str, instead: str, missing: Callable[..., str | None], *arguments: object) -> bool:
    """Whether nothing is `missing` for an operator's kernels. Else one warning says what, and what the operator does instead."""
    reason = missing(*arguments)
    if reason:
        warnings.warn(f"{operator} {instead}: {reason}", stacklevel=4)
    return reason is None


def missing(source: Path, *macros: str) -> str | None:
    """What is missing for the compiled source, in words, or None."""
    try:
        library(source, *macros)
    except OSError as error:
        return str(error)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").splitlines()
        return f"the C compiler {_name()} failed ({next((line for line in lines if 'error' in line), error)})"
    return None


def _name() -> str:
    return os.environ.get("CC", "cc")


def compiler() -> str | None:
    """The path of the C compiler, `cc` or what the environment variable `CC` names."""
    return shutil.which(_name())


@cache
def library(source: Path, *macros: str) -> ctypes.CDLL:
    """The source's functions, with macros as the compiler's options. OSError or CalledProcessError if it can't be compiled."""
    command = compiler()
    if command is None:
        raise OSError(f"the C compiler {_name()} is not installed")
    version = subprocess.run([command, "--version"], capture_output=True, check=True).stdout
    processor = Path("/proc/cpuinfo").read_text().partition("\n\n")[0] if Path("/proc/cpuinfo").exists() else ""
    flags = next((line for line in processor.splitlines() if line.startswith("flags")), os.uname().machine)
    key = hashlib.sha256(repr((source.read_text(), FLAGS, macros, version, flags)).encode()).hexdigest()[:32]
    stored = cache_dir() / "cpu" / f"{source.parent.name}-{key}.so"
    if not stored.exists():
        stored.parent.mkdir(parents=True, exist_ok=True)
        partial = stored.with_suffix(f".{os.getpid()}")
        subprocess.run([command, *FLAGS, *macros, str(source), "-o", str(partial)], capture_output=True, check=True)
        partial.replace(stored)
    return ctypes.CDLL(str(stored))


def run(function: Any, problems: list[ctypes.Structure], blocks: int) -> None:
    """Run a function on blocks, in as many shares as there are problems, which may all be the same. They are taken by the threads that
    PyTorch's own operators run on, which may still be waiting for work on the processors; where these aren't found, by this thread
    alone. MemoryError if the function fails."""
    addresses = (ctypes.c_void_p * len(problems))(*map(ctypes.addressof, problems))
    work = _Work(ctypes.cast(function, ctypes.c_void_p), ctypes.addressof(addresses), len(problems), blocks)
    take, parallel = library(SOURCE).take, _parallel()
    if len(problems) == 1 or parallel is None:
        take(ctypes.byref(work))
    else:
        parallel(take, ctypes.byref(work), len(problems), 0)
    if work.failed:
        raise MemoryError(f"{function.__name__} found no memory for its sums")


@cache
def _parallel() -> Any:
    """OpenMP's GOMP_parallel, which runs a function on a team of threads, of the library that PyTorch has loaded, or None."""
    try:
        loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "omp" in line}
    except OSError:
        return None
    names = [path for path in loaded if Path(path).name.startswith(("libgomp", "libiomp", "libomp"))]
    return ctypes.CDLL(min(names, key=lambda path: "torch" not in path)).GOMP_parallel if names else None
