"""One evaluator for the whole test run: it starts once, and answers every test's requests."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pyzoo.bridge.lean.session import Evaluator


@pytest.fixture(scope="session")
def lean():
    with Evaluator() as evaluator:
        yield evaluator


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Whether a check that holds doesn't with one change to the source file in a variable of a module, or to a file in the folder there;
    `forget` clears its kernels."""

    def run(module, variable: str, right: str, wrong: str, forget: Callable[[], None], holds: Callable[[], bool], file: str = "") -> bool:
        path: Path = getattr(module, variable)
        changed = tmp_path / path.name
        (shutil.copytree if file else shutil.copy)(path, changed)
        source = (changed / file).read_text()
        assert right in source
        (changed / file).write_text(source.replace(right, wrong))
        monkeypatch.setattr(module, variable, changed)
        forget()
        wrong_holds = holds()
        monkeypatch.undo()
        forget()
        return not wrong_holds and holds()

    return run
