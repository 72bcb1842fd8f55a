"""The evaluator: one Lean process that answers requests, a line of JSON each."""

import atexit
import hashlib
import itertools
import json
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import Any

from pyzoo.bridge.lean.modules import single_source
from pyzoo.bridge.lean.toolchain import Toolchain, ensure
from pyzoo.errors import PyzooError
from pyzoo.paths import cache_dir, lean_dir

START_LIMIT = 300.0  # seconds until the evaluator is ready


class EvaluatorError(PyzooError):
    """Lean gave no answer: it crashed or hung twice."""


class Evaluator:
    """`with Evaluator() as lean: lean.ask({...})`. The process starts in the background when the block is entered; the
    first question waits for it. A process that crashes or hangs is killed and replaced once for each question."""

    def __init__(self, sources: Path | None = None, toolchain: Toolchain | None = None) -> None:
        self._sources = sources or lean_dir()
        self._toolchain = toolchain
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=20)
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
        self._lines, self._ready = queue.Queue(), False
        self._errors.clear()
        self._process = subprocess.Popen(
            self._command(),
            cwd=self._sources,
            env=self._toolchain.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        atexit.register(self.stop)
        threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True).start()

    def stop(self) -> None:
        """End the process and whatever it started."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The answer to one request, within `timeout` seconds. Raises EvaluatorError if there is none."""
        reason = ""
        for _ in range(2):
            try:
                if self._process is None:
                    self.start()
                return self._exchange(request, timeout)
            except EvaluatorError as error:
                reason = str(error)
                self.stop()
        raise EvaluatorError(reason)

    def _command(self) -> list[str]:
        if self._toolchain.build == "lake":
            return [str(self._toolchain.home / "lake"), "exe", "evaluator"]
        text = single_source(self._sources, "Eval")
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = cache_dir() / "evaluator" / f"Eval{name}.lean"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)
        return self._toolchain.command("--run", str(path))

    def _read(self, process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
        for line in process.stdout:
            if line.startswith("{"):
                lines.put(line)
            elif "error" in line:
                self._errors.append(line.strip())
        lines.put(None)

    def _next(self, timeout: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise EvaluatorError(f"Lean did not answer within {timeout:g} s") from None
        if line is None:
            detail = f": {self._errors[0]}" if self._errors else ""
            raise EvaluatorError(f"Lean's process ended{detail}")
        try:
            return json.loads(line)
        except ValueError:
            raise EvaluatorError(f"Lean answered {line[:80]!r}, which is not JSON") from None

    def _exchange(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        if not self._ready:
            self._next(START_LIMIT)
            self._ready = True
        number = next(self._ids)
        try:
            self._process.stdin.write(json.dumps({"id": number, **request}) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise EvaluatorError("Lean's process ended") from None
        answer = self._next(timeout)
        if answer.get("id") != number:
            raise EvaluatorError(f"Lean answered request {answer.get('id')} where {number} was asked")
        return answer
