"""One process that compiles modules: `lean/Driver.lean`."""

import os
import re
from pathlib import Path
from typing import Any

from pyzoo.bridge.lean.process import JsonProcess, NoAnswer
from pyzoo.bridge.lean.toolchain import Toolchain

MODULE_LIMIT = 300.0  # seconds for one module
SORRY = re.compile(r"declaration uses\s+['`]?sorry")


def start(toolchain: Toolchain, sources: Path, out: Path) -> JsonProcess:
    """A driver that finds the compiled modules in `out`."""
    process = JsonProcess(
        toolchain.command("--run", str(sources / "Driver.lean")), sources, toolchain.environment(out)
    )
    process.receive(MODULE_LIMIT)
    return process


def compile_module(process: JsonProcess, module: str, source: Path, olean: Path) -> tuple[list[str], dict[str, Any]]:
    """Lean's messages on a module, those that fail it marked as errors, and the driver's last word: `ok`, `theorems`.
    Raises NoAnswer if there is none."""
    process.send({"module": module, "source": str(source), "olean": str(olean)})
    messages = []
    while True:
        line = process.receive(MODULE_LIMIT)
        if "failed" in line:
            raise NoAnswer(line["failed"])
        if "done" in line:
            return messages, line
        severity = "error" if SORRY.search(line["data"]) else line["severity"]
        place = f"{shown(source)}:{line['pos']['line']}:{line['pos']['column']}"
        messages.append(f"{place}: {severity}: {line['data']}")


def errors(messages: list[str]) -> list[str]:
    """Those messages that fail a module."""
    return [m for m in messages if ": error: " in m.partition("\n")[0]]


def shown(path: Path) -> str:
    """A file's name as a user would type it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
