"""`pyzoo lean`: the Lean toolchain, and the library's theorems."""

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from pyzoo.errors import InputError, MissingError
from pyzoo.paths import cache_dir, lean_dir

lean = typer.Typer(help="The Lean toolchain, and the library's theorems.", no_args_is_help=True)


@lean.command()
def doctor() -> None:
    """Which Lean there is, where, and what to type next. Exit code 3: there is none."""
    from pyzoo.bridge.lean import build as builds
    from pyzoo.bridge.lean import toolchain

    cache = cache_dir()
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    print(f"pinned     {toolchain.pinned()}, in {lean_dir() / 'lean-toolchain'}")
    print(f"lake       {shutil.which('lake') or 'not on the path'}")
    print(f"cache      {cache}, {shutil.disk_usage(there).free / 2**30:.1f} GiB free")
    try:
        found = toolchain.find()
    except MissingError:
        print("lean       none\nnext       pyzoo lean install")
        sys.exit(MissingError.exit_code)
    print(f"lean       {found.version}, {found.build} build in {found.home}")
    try:
        print(f"library    built, {len(builds.inventory())} theorems\nnext       pyzoo conform mamba")
    except InputError as error:
        print(f"library    {error}\nnext       pyzoo lean build")


@lean.command()
def install() -> None:
    """Install the registry build of Lean, unless a Lean of the pinned version is there."""
    from pyzoo.bridge.lean.toolchain import ensure

    found = ensure()
    print(f"Lean {found.version}, {found.build} build in {found.home}")


@lean.command()
def build() -> None:
    """Check every module of the library that changed. Exit code 1: Lean rejects one."""
    from pyzoo.bridge.lean.build import build as run

    start = time.perf_counter()
    progress = (lambda module: print(f"{module} done", file=sys.stderr)) if os.isatty(2) else (lambda module: None)
    result = run(progress=progress)
    for message in result.messages:
        print(message)
    seconds = time.perf_counter() - start
    print(f"{len(result.compiled)} of {result.total} modules compiled, {len(result.failed)} failed, {seconds:.1f} s")
    sys.exit(0 if result.ok else 1)


@lean.command()
def check(file: Annotated[Path, typer.Argument(help="a Lean file, such as a certificate")]) -> None:
    """Check one Lean file against the library. Exit code 1: Lean rejects it."""
    from pyzoo.bridge.lean.check import check as run

    wrong, names = run(file)
    for message in wrong:
        print(message)
    print(f"{file}: " + (f"{len(wrong)} errors" if wrong else f"{', '.join(names) or 'no theorems'} checked"))
    sys.exit(1 if wrong else 0)


@lean.command()
def theorems(pattern: Annotated[str, typer.Argument(help="only names that contain this, in any case")] = "") -> None:
    """The theorems of the built library: name, place, axioms and statement."""
    from pyzoo.bridge.lean.build import inventory

    found = [t for t in inventory() if pattern.lower() in t.name.lower()]
    if not found:
        raise InputError(f"no theorem has a name that contains {pattern!r}")
    for t in found:
        print(f"{t.name}  ({t.module}, line {t.line}; axioms: {', '.join(t.axioms) or 'none'})")
        print("  " + t.statement.replace("\n", "\n  "))


def register(app: typer.Typer) -> None:
    """Add `pyzoo lean` to the command line."""
    app.add_typer(lean, name="lean")
