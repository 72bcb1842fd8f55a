"""`pyzoo bench`: measure our operators beside others."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pyzoo.cli.run import device_of
from pyzoo.errors import InputError

OPERATORS = ("scan", "spectral")


def bench(
    operator: Annotated[str, typer.Argument(help="scan or spectral")],
    cuda: Annotated[bool, typer.Option("--cuda", help="on the CUDA device")] = False,
    out: Annotated[Path | None, typer.Option(help="also write the table to this JSON file")] = None,
) -> None:
    """Time an operator, forward and backward, beside the other implementations that are installed, after comparing each
    with fp64."""
    if operator not in OPERATORS:
        raise InputError(f"{operator!r} is not an operator with a benchmark; there are {', '.join(OPERATORS)}")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: {out.parent} is not a folder")
    device = device_of(cuda)
    from importlib import import_module

    from rich.console import Console
    from rich.table import Column, Table

    from pyzoo.bench import device_name, document
    from pyzoo.conformance.run import full_precision

    columns = ("problem", "", "forward ms", "backward ms", "× ours", "floor ms", "error")
    table = Table(*(Column(name, no_wrap=True) for name in columns), title=device_name(device))
    with full_precision():
        rows = list(import_module(f"pyzoo.bench.{operator}").rows(device))
    ours = {row.problem: row for row in rows if row.name == "pyzoo"}
    for row in rows:
        own = ours[row.problem]
        ratio = f"{row.forward / own.forward:.2f}, {row.backward / own.backward:.2f}"
        floor = "" if row.floor is None else f"{row.floor:.3f}"
        table.add_row(row.problem, row.name, f"{row.forward:.3f}", f"{row.backward:.3f}", ratio, floor, f"{row.error:.0e}")
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)
    if out is not None:
        out.write_text(json.dumps(document(rows, device), indent=1) + "\n")


def register(app: typer.Typer) -> None:
    app.command()(bench)
