"""`pyzoo bench`: measure our operators beside others."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyzoo.cli.run import device_of
from pyzoo.errors import InputError

if TYPE_CHECKING:
    from pyzoo.bench import Row

SUBJECTS = ("scan", "recurrence", "spectral", "gpt", "mamba", "decode")


def bench(
    subject: Annotated[str, typer.Argument(
        help="scan, recurrence or spectral: operators; gpt or mamba: training steps; decode: generation")],
    cuda: Annotated[bool, typer.Option("--cuda", help="on the CUDA device")] = False,
    out: Annotated[Path | None, typer.Option(help="also write the table to this JSON file")] = None,
) -> None:
    """Time an operator, a training step, or generation beside the other implementations that are installed, after comparing
    each with fp64."""
    if subject not in SUBJECTS:
        raise InputError(f"{subject!r} has no benchmark; there are {', '.join(SUBJECTS)}")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: {out.parent} is not a folder")
    device = device_of(cuda)
    from importlib import import_module

    from rich.console import Console
    from rich.table import Column, Table

    from pyzoo.bench import device_name, document
    from pyzoo.conformance.precision import full_precision

    with full_precision():
        rows = list(import_module(f"pyzoo.bench.{subject}").rows(device))
    ours = {row.problem: row for row in rows if row.name == "pyzoo"}
    lines = [_line(row, ours[row.problem]) for row in rows]
    columns = [name for name in lines[0] if any(line[name] for line in lines)]
    table = Table(*(Column(name, no_wrap=True) for name in columns), title=device_name(device))
    for line in lines:
        table.add_row(*(line[name] for name in columns))
    console = Console()
    console.width = max(console.width, 160)
    console.print(table)
    if out is not None:
        out.write_text(json.dumps(document(rows, device), indent=1) + "\n")


def _line(row: "Row", ours: "Row") -> dict[str, str]:
    """What the table says of a row, by column."""
    first = next(iter(row.times.values()))
    return {
        "problem": row.problem,
        "implementation": row.name,
        **{f"{name} ms": f"{row.times[name]:.3f}" if name in row.times else "wrong" for name in ours.times},
        "× ours": ", ".join(f"{ms / ours.times[name]:.2f}" for name, ms in row.times.items()),
        "GB/s": f"{row.moved / first / 1e6:.0f}" if row.moved else "",
        "of floor": f"{row.floor / first:.0%}" if row.floor else "",
        "tokens/s": f"{1e3 * row.tokens / first:,.0f}" if row.tokens else "",
        "error": f"{row.error:.0e}" + (f", {row.gradients:.0e}" if row.gradients is not None else ""),
    }


def register(app: typer.Typer) -> None:
    app.command()(bench)
