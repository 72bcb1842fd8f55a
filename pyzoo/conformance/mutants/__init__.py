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
    """All mutants of a family, those that are wrong in their backward pass last."""
    forward = importlib.import_module(f"pyzoo.conformance.mutants.{family}").MUTANTS
    backward = [
        m for module in ("backward", "backward_mamba2", "backward_recurrent", "backward_spectral")
        for m in importlib.import_module(f"pyzoo.conformance.mutants.{module}").MUTANTS
    ]  # fmt: skip
    return [*forward, *(m for m in backward if m.id.startswith(f"{family}."))]
