"""The trust file and its checks: every theorem, test and component that it names must be what it says."""

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pyzoo.bridge.lean.build import STANDARD, Theorem, inventory
from pyzoo.errors import InputError
from pyzoo.paths import PACKAGE, trust_file

FIELDS = {
    "proved": {"claim", "theorem", "hash"},
    "tested": {"claim", "method", "tests", "breaks"},
    "external": {"component", "distributions", "assumed", "checked", "breaks"},
}
OPTIONAL = {"ulps"}
METHODS = ("property", "budget", "ball arithmetic", "example")


@dataclass(frozen=True)
class Problem:
    """Something in the trust file that is not so."""

    where: str
    what: str


def load(path: Path | None = None) -> dict[str, Any]:
    """The trust file. Raises InputError if it can't be read or does not have its schema."""
    path = path or trust_file()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} can't be read: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != 1:
        raise InputError(f"{path}: field 'schema' must be 1")
    for section, fields in FIELDS.items():
        entries = document.get(section)
        if not isinstance(entries, list):
            raise InputError(f"{path}: section '{section}' is missing or not a list")
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict) or fields - entry.keys() or entry.keys() - fields - OPTIONAL:
                raise InputError(f"{path}: {section}[{number}] must have exactly the fields {', '.join(sorted(fields))}")
    return document


def check(document: dict[str, Any], theorems: list[Theorem] | None = None, root: Path | None = None) -> list[Problem]:
    """Everything in the trust file that is not so. `theorems` are those of the built library; `root` is a checkout,
    whose tests are looked up."""
    theorems = inventory() if theorems is None else theorems
    root = PACKAGE.parent if root is None else root
    problems = [*_proved(document["proved"], theorems), *_external(document["external"])]
    if (root / "tests").is_dir():
        problems += _tested(document["tested"], root)
    return problems


def _proved(entries: list[dict[str, Any]], theorems: list[Theorem]) -> Iterator[Problem]:
    known = {t.name: t for t in theorems}
    for entry in entries:
        where = f"proved: {entry['theorem']}"
        theorem = known.get(entry["theorem"])
        if theorem is None:
            yield Problem(where, "the library has no such theorem")
        elif theorem.hash != entry["hash"]:
            yield Problem(where, f"its statement has changed: the hash is now {theorem.hash}")
    for theorem in theorems:
        if extra := sorted(set(theorem.axioms) - set(STANDARD)):
            yield Problem(theorem.name, f"rests on {', '.join(extra)}, which is not one of Lean's standard axioms")


def _tested(entries: list[dict[str, Any]], root: Path) -> Iterator[Problem]:
    for entry in entries:
        where = f"tested: {entry['claim']}"
        if entry["method"] not in METHODS:
            yield Problem(where, f"method {entry['method']!r} is not one of {', '.join(METHODS)}")
        if not entry["tests"]:
            yield Problem(where, "names no test")
        for test in entry["tests"]:
            if reason := _why_not(root, test):
                yield Problem(where, f"{test} {reason}")


def _why_not(root: Path, test: str) -> str | None:
    """Why a test doesn't count: there is none, or it is always skipped."""
    file, _, name = test.partition("::")
    path = root / file
    if not path.is_file():
        return "does not exist"
    functions = dict(_functions(ast.parse(path.read_text())))
    if name not in functions:
        return "does not exist"
    marks = [ast.unparse(d) for d in functions[name].decorator_list]
    return "is skipped" if any(re.match(r"pytest\.mark\.(skip|xfail)\b(?!if)", m) for m in marks) else None


def _functions(within: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions by name, a class's as Class::name."""
    for node in within.body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}::")


def _external(entries: list[dict[str, Any]]) -> Iterator[Problem]:
    listed = {name.lower() for entry in entries for name in entry["distributions"]}
    for name in sorted(listed):
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Problem(f"external: {name}", "is not installed")
    for requirement in importlib.metadata.requires("pyzoo") or []:
        name = re.match(r"[\w.-]+", requirement)[0].lower()
        if "extra ==" not in requirement and name not in listed:
            yield Problem(f"dependency: {name}", "is used and no external entry lists it")
