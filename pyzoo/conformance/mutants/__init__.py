"""Wrong implementations of spec points, of the kind that people really wrote. Conformance must reject every one."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A wrong implementation."""

    id: str
    """for example `mamba.scan-reversed`"""
    point: str
    """the spec point that it replaces"""
    replacement: Callable[..., Any]
    """called with the spec point's keywords"""
    why: str
    """what is wrong with it"""
    gradient: bool = False
    """whether it is wrong in its backward pass alone"""


def mutants(family: str) -> list[Mutant]:
    """All mutants of a family."""
    return importlib.import_module(f"pyzoo.conformance.mutants.{family}").MUTANTS
