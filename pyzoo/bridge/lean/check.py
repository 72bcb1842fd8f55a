"""Check a Lean file against the built library: a certificate, or a user's own theorem."""

import tempfile
from pathlib import Path

from pyzoo.bridge.lean import build as builds
from pyzoo.bridge.lean import driver
from pyzoo.bridge.lean.process import NoAnswer
from pyzoo.bridge.lean.toolchain import ensure
from pyzoo.errors import InputError
from pyzoo.paths import lean_dir


def check(file: Path) -> tuple[list[str], list[str]]:
    """What is wrong with a file, and the theorems that it proves from Lean's standard axioms. Builds the library first.
    Raises InputError if the file can't be read, or if the library is not in order."""
    if not file.is_file():
        raise InputError(f"{file} is not a file")
    if not (built := builds.build()).ok:
        raise InputError(f"the library is not in order: {built.messages[0]}")
    sources = lean_dir()
    process = driver.start(ensure(), sources, builds.default_out(sources))
    try:
        with tempfile.TemporaryDirectory() as folder:
            messages, answer = driver.compile_module(
                process, "Checked", file.resolve(), Path(folder) / "Checked.olean"
            )
    except NoAnswer as error:
        return [f"{driver.shown(file)}:1:0: error: {error}"], []
    finally:
        process.kill()
    wrong = driver.errors(messages)
    theorems = [t for t in answer.get("theorems", []) if "statement" in t]
    for t in theorems:
        if extra := sorted(set(t["axioms"]) - set(builds.STANDARD)):
            wrong.append(f"{driver.shown(file)}:1:0: error: {t['name']} rests on {', '.join(extra)}")
    return wrong, [] if wrong else [t["name"] for t in theorems]
