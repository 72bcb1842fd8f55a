"""The GRU's spec points in dataflow order."""

from pathlib import Path

from pyzoo.conformance.points.recurrent import Family

POINTS = (
    "gru.embedding", "gru.gates", "gru.cell", "gru.original_cell", "gru.layer", "gru.original_layer", "gru.head",
)
CALLS = {"gru.layer": 2, "gru.original_layer": 2}

_FAMILY = Family("gru")
limit, skip, model, saved = _FAMILY.limit, _FAMILY.skip, _FAMILY.model, _FAMILY.saved
record, facts = _FAMILY.record, _FAMILY.facts


def absent(run: Path) -> tuple[str, ...]:
    """The points that a saved run's model has not: its reset gate is in one place."""
    return ("gru.original_cell", "gru.original_layer")
