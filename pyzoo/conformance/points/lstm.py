"""The LSTM's spec points in dataflow order."""

from pyzoo.conformance.points.recurrent import Family

POINTS = ("lstm.embedding", "lstm.gates", "lstm.cell.c", "lstm.cell.h", "lstm.layer", "lstm.head")
CALLS = {"lstm.layer": 2}

_FAMILY = Family("lstm")
limit, skip, model, saved = _FAMILY.limit, _FAMILY.skip, _FAMILY.model, _FAMILY.saved
record, facts, absent = _FAMILY.record, _FAMILY.facts, _FAMILY.absent
