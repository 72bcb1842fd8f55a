"""The Elman network's spec points in dataflow order."""

from pyzoo.conformance.points.recurrent import Family

POINTS = ("rnn.embedding", "rnn.cell", "rnn.layer", "rnn.head")
CALLS = {"rnn.layer": 2}

_FAMILY = Family("rnn")
limit, skip, model, saved = _FAMILY.limit, _FAMILY.skip, _FAMILY.model, _FAMILY.saved
record, facts = _FAMILY.record, _FAMILY.facts
