"""A process that reads requests and writes answers, a line of JSON each."""

import atexit
import json
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import Any

from pyzoo.errors import PyzooError


class NoAnswer(PyzooError):
    """The process ended, or was silent for too long."""


class JsonProcess:
    """A child process in a process group of its own, which ends with this one. Of its output only the lines that
    begin with `{` count."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=20)
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        atexit.register(self.kill)
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, request: dict[str, Any]) -> None:
        """Write one request."""
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise NoAnswer(f"Lean's process ended{self._detail()}") from None

    def receive(self, timeout: float) -> dict[str, Any]:
        """The next line, within `timeout` seconds."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise NoAnswer(f"Lean did not answer within {timeout:g} s") from None
        if line is None:
            raise NoAnswer(f"Lean's process ended{self._detail()}")
        try:
            return json.loads(line)
        except ValueError:
            raise NoAnswer(f"Lean answered {line[:80]!r}, which is not JSON") from None

    def kill(self) -> None:
        """End the process and whatever it started. May be called again."""
        atexit.unregister(self.kill)
        if self._process.returncode is not None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout:
            if line.startswith("{"):
                self._lines.put(line)
            elif "error" in line:
                self._errors.append(line.strip())
        self._lines.put(None)

    def _detail(self) -> str:
        return f": {self._errors[0]}" if self._errors else ""
