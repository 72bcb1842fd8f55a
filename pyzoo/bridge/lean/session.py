"""The evaluator: one Lean process that answers requests, a line of JSON each."""

import hashlib
import itertools
import os
from pathlib import Path
from typing import Any

from pyzoo.bridge.lean.modules import family_module, single_source
from pyzoo.bridge.lean.process import JsonProcess, NoAnswer
from pyzoo.bridge.lean.toolchain import Toolchain, ensure
from pyzoo.errors import PyzooError
from pyzoo.paths import cache_dir, lean_dir

START_LIMIT = 300.0  # seconds until the evaluator is ready


class EvaluatorError(PyzooError):
    """Lean gave no answer: it crashed or hung twice."""


class Evaluator:
    """`with Evaluator() as lean: lean.ask({...})`. The process starts in the background when the block is entered; the
    first question waits for it. A process that crashes or hangs is killed and replaced once for each question. An
    evaluator for one family of models starts sooner than the one for all."""

    def __init__(
        self, sources: Path | None = None, toolchain: Toolchain | None = None, family: str | None = None
    ) -> None:
        self._family = family
        self._sources = sources or lean_dir()
        self._toolchain = toolchain
        self._process: JsonProcess | None = None
        self._ready = False
        self._ids = itertools.count(1)

    def __enter__(self) -> "Evaluator":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def describe(self) -> dict[str, str]:
        """The Lean that answers: version and build."""
        return {"version": self._toolchain.version, "build": self._toolchain.build} if self._toolchain else {}

    def start(self) -> None:
        """Start the process; does not wait until it is ready. Raises MissingError if there is no Lean."""
        self._toolchain = self._toolchain or ensure()
        self._ready = False
        self._process = JsonProcess(self._command(), self._sources, self._toolchain.environment())

    def wait(self) -> None:
        """Wait until the process is ready, or has failed: the next question tells."""
        try:
            self._until_ready()
        except NoAnswer:
            self.stop()

    def stop(self) -> None:
        """End the process and whatever it started."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The answer to one request, within `timeout` seconds. Raises EvaluatorError if there is none."""
        reason = ""
        for _ in range(2):
            try:
                if self._process is None:
                    self.start()
                return self._exchange(request, timeout)
            except NoAnswer as error:
                reason = str(error)
                self.stop()
        raise EvaluatorError(reason)

    def _command(self) -> list[str]:
        if self._toolchain.build == "lake":
            return [str(self._toolchain.home / "lake"), "exe", "evaluator"]
        root = f"Eval.{family_module(self._sources, self._family)}" if self._family else "Eval"
        text = single_source(self._sources, root)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = cache_dir() / "evaluator" / f"Eval{name}.lean"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)
        return self._toolchain.command("--run", str(path))

    def _until_ready(self) -> None:
        if not self._ready:
            self._process.receive(START_LIMIT)
            self._ready = True

    def _exchange(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        self._until_ready()
        number = next(self._ids)
        self._process.send({"id": number, **request})
        answer = self._process.receive(timeout)
        if answer.get("id") != number:
            raise NoAnswer(f"Lean answered request {answer.get('id')} where {number} was asked")
        return answer
