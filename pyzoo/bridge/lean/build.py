"""Check the Lean library: compile what changed, and take down which theorems there are and what they rest on.

A module's compiled files count only with their stamp, `<Module>.json`, which is written last and holds the module's
content hash and its theorems.
"""

import hashlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyzoo.bridge.lean import driver, modules
from pyzoo.bridge.lean.process import JsonProcess, NoAnswer
from pyzoo.bridge.lean.toolchain import Toolchain, ensure, find, locked
from pyzoo.errors import InputError
from pyzoo.paths import cache_dir, lean_dir

ROOT = "Spec"
WORKERS = 2
MODULES_A_PROCESS = 12  # each import stays in the process's memory, of which the registry build has 2 GiB
STANDARD = ("Classical.choice", "Quot.sound", "propext")


@dataclass(frozen=True)
class Theorem:
    """A theorem of the library. `axioms` are those that its proof can rest on: of a theorem of core Lean that it uses,
    all three standard ones are assumed."""

    name: str
    statement: str
    hash: str  # sha256 of the statement, white space aside
    axioms: tuple[str, ...]
    module: str
    line: int


@dataclass
class Build:
    """What a build did."""

    total: int
    compiled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)  # Lean's own: file:line:column: severity: text

    @property
    def ok(self) -> bool:
        return not self.failed


def default_out(sources: Path) -> Path:
    """The folder of compiled modules of these sources."""
    return cache_dir() / "build" / hashlib.sha256(str(sources.resolve()).encode()).hexdigest()[:16]


def build(
    sources: Path | None = None,
    out: Path | None = None,
    toolchain: Toolchain | None = None,
    progress: Callable[[str], None] = lambda module: None,
) -> Build:
    """Compile every module under `Spec` that changed since it was last compiled; `progress` is told each. Raises
    InputError where a module isn't imported by the root, MissingError where there is no Lean."""
    sources = (sources or lean_dir()).resolve()
    out = out or default_out(sources)
    toolchain = toolchain or ensure()
    order = modules.in_order(sources, ROOT)
    if missing := sorted(modules.files(sources) - set(order)):
        raise InputError(f"{sources / 'Spec.lean'} does not import {', '.join(missing)}")
    with locked(out / "build.lock"):
        want = modules.hashes(sources, order, _identity(toolchain, sources))
        stale = [m for m in order if (_stamp(out, m) or {}).get("hash") != want[m]]
        result = Build(len(order))
        if stale and toolchain.build == "lake":
            _lake(toolchain, sources, result)
        if stale and result.ok:
            _Work(sources, out, toolchain, stale, want, result, progress).run()
    return result


def inventory(sources: Path | None = None, out: Path | None = None) -> list[Theorem]:
    """The theorems of the built library, in the order of the modules and of their text. Raises InputError if the
    library isn't built, or has changed since."""
    sources = (sources or lean_dir()).resolve()
    out = out or default_out(sources)
    order = modules.in_order(sources, ROOT)
    want = modules.hashes(sources, order, _identity(find(), sources))
    found: dict[str, list[dict[str, Any]]] = {}
    for module in order:
        stamp = _stamp(out, module)
        if stamp is None or stamp["hash"] != want[module]:
            raise InputError(f"{module} is not built; run `pyzoo lean build`")
        found[module] = stamp["theorems"]
    records = {t["name"]: t for module in order for t in found[module]}
    closed: dict[str, frozenset[str]] = {}
    for module in order:  # a theorem uses only earlier modules' constants, whose axioms are then known
        for t in found[module]:
            axioms = {*t["axioms"], *(STANDARD if t["core"] else ())}
            for used in t["uses"]:
                axioms |= closed[used] if used in records else {used}
            closed[t["name"]] = frozenset(axioms)
    theorems = []
    for module in order:
        public = {t["name"]: t["statement"] for t in found[module] if "statement" in t}
        for name, line in _written(modules.text_of(sources, module), public):
            digest = hashlib.sha256(" ".join(public[name].split()).encode()).hexdigest()
            theorems.append(Theorem(name, public[name], digest, tuple(sorted(closed[name])), module, line))
    return theorems


def _written(text: str, names: dict[str, str]) -> list[tuple[str, int]]:
    """The theorems that the text states, with their lines: not those that Lean generates for definitions."""
    lines: dict[str, int] = {}
    for match in re.finditer(r"^[^\n/-]*\b(?:theorem|lemma)\s+([^\s:({\[]+)", text, re.MULTILINE):
        for name in names:
            if name == match[1] or name.endswith("." + match[1]):
                lines.setdefault(name, text.count("\n", 0, match.start(1)) + 1)
    return sorted(lines.items(), key=lambda item: item[1])


def _identity(toolchain: Toolchain, sources: Path) -> str:
    """What besides the modules' texts decides about a compiled module and its stamp."""
    return f"{toolchain.build} {toolchain.version} {modules.text_of(sources, 'Driver')}"


def _stamp_path(out: Path, module: str) -> Path:
    return out.joinpath(*module.split(".")).with_suffix(".json")


def _stamp(out: Path, module: str) -> dict[str, Any] | None:
    """A finished module's stamp; None if the module was not compiled, or its compilation was cut short."""
    path = _stamp_path(out, module)
    try:
        return json.loads(path.read_text()) if path.with_suffix(".olean").is_file() else None
    except (OSError, ValueError):
        return None


def _lake(toolchain: Toolchain, sources: Path, result: Build) -> None:
    """`lake build`, whose verdict on the sources goes before ours."""
    done = subprocess.run([toolchain.home / "lake", "build"], cwd=sources, capture_output=True, text=True)
    if done.returncode != 0:
        result.failed.append(ROOT)
        result.messages += [line for line in (done.stdout + done.stderr).splitlines() if line]


class _Work:
    """Modules to compile, handed to a few processes, each as soon as its imports are done."""

    def __init__(self, sources, out, toolchain, stale, want, result, progress) -> None:
        self.sources, self.out, self.toolchain, self.want = sources, out, toolchain, want
        self.result, self.progress = result, progress
        self.waiting = {m: {i for i in modules.imports(sources, m) if i in stale} for m in stale}
        self.changed = threading.Condition()
        self.errors: list[BaseException] = []
        self.drivers: list[JsonProcess] = []

    def run(self) -> None:
        threads = [threading.Thread(target=self._worker, daemon=True) for _ in range(min(WORKERS, len(self.waiting)))]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for driver in self.drivers:
                driver.kill()
        if self.errors:
            raise self.errors[0]

    def _worker(self) -> None:
        process, count = None, 0
        try:
            while (module := self._take()) is not None:
                if process is None or count == MODULES_A_PROCESS:
                    if process is not None:
                        process.kill()
                    process, count = self._start(), 0
                try:
                    messages, answer = self._compile(process, module)
                except NoAnswer:  # once more, in a fresh process
                    process.kill()
                    process, count = self._start(), 0
                    try:
                        messages, answer = self._compile(process, module)
                    except NoAnswer as error:
                        messages, answer, count = [f"{self._shown(module)}:1:0: error: {error}"], {}, MODULES_A_PROCESS
                count += 1
                self._finish(module, messages, answer)
        except BaseException as error:
            with self.changed:
                self.errors.append(error)
                self.waiting.clear()
                self.changed.notify_all()

    def _take(self) -> str | None:
        """The next module whose imports are compiled; None when there is no more."""
        with self.changed:
            while self.waiting:
                ready = [m for m, imports in self.waiting.items() if not imports]
                if ready:
                    del self.waiting[ready[0]]
                    return ready[0]
                self.changed.wait()
            return None

    def _start(self) -> JsonProcess:
        started = driver.start(self.toolchain, self.sources, self.out)
        self.drivers.append(started)
        return started

    def _compile(self, process: JsonProcess, module: str) -> tuple[list[str], dict[str, Any]]:
        stamp = _stamp_path(self.out, module)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        source = modules.path_of(self.sources, module)
        return driver.compile_module(process, module, source, stamp.with_suffix(".olean"))

    def _finish(self, module: str, messages: list[str], answer: dict[str, Any]) -> None:
        if self._hash(module) != self.want[module]:  # else the stamp would vouch for another text
            messages.append(f"{self._shown(module)}:1:0: error: the file changed during the build")
        ok = answer.get("ok", False) and not driver.errors(messages)
        if ok:
            path = _stamp_path(self.out, module)
            temporary = path.with_suffix(".json.part")
            temporary.write_text(json.dumps({"hash": self.want[module], "theorems": answer["theorems"]}))
            os.replace(temporary, path)
        with self.changed:
            self.result.messages += messages
            if ok:
                self.result.compiled.append(module)
                for imports in self.waiting.values():
                    imports.discard(module)
            else:
                self._fail(module)
            self.progress(module)
            self.changed.notify_all()

    def _fail(self, module: str) -> None:
        """The module failed, and with it all that import it."""
        self.result.failed.append(module)
        for other in [m for m, imports in self.waiting.items() if module in imports]:
            if self.waiting.pop(other, None) is not None:
                self._fail(other)

    def _hash(self, module: str) -> str:
        order = modules.in_order(self.sources, module)
        return modules.hashes(self.sources, order, _identity(self.toolchain, self.sources))[module]

    def _shown(self, module: str) -> str:
        return driver.shown(modules.path_of(self.sources, module))
