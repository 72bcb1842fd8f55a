"""One evaluator for the whole test run: it starts once, and answers every test's requests."""

import pytest

from pyzoo.bridge.lean.session import Evaluator


@pytest.fixture(scope="session")
def lean():
    with Evaluator() as evaluator:
        yield evaluator
