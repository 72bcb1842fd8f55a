"""Ask Lean for the verdict on recorded calls, and gather the verdicts by spec point."""

import math
import time
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from pyzoo.bridge.lean.session import Evaluator, EvaluatorError
from pyzoo.conformance.rounding import rounding
from pyzoo.conformance.trace import Call, bits, sample

HOLDS = ("EXACT", "WITHIN")
SEVERITY = ("EXACT", "WITHIN", "SKIPPED", "VACUOUS", "UNBOUNDED", "UNDETERMINED", "FAIL")  # worst last
BINS = (0, 0.5, 1, 2, 4, 8, 16, 64, 1024)
TIME_LIMIT = 120.0  # seconds for one answer of the evaluator


@dataclass
class Verdict:
    """What Lean decided about a spec point: over all its recorded calls."""

    id: str
    verdict: str = "VACUOUS"
    elements: int = 0  # compared
    total: int = 0  # in the recorded outputs
    unbounded: int = 0  # compared where the specification gives no bound
    error_over_budget: float = 0.0
    worst_index: list[int] | None = None
    seconds: float = 0.0
    message: str | None = None
    ratios: list[float] = field(default_factory=list)
    ulps: list[float] = field(default_factory=list)  # each entry's error, in units of the output's last place
    worst_call: tuple[Call, list[int]] | None = None
    branches: dict[str, bool] = field(default_factory=dict)  # of the specification: whether a compared entry depends on it

    @property
    def holds(self) -> bool:
        return self.verdict in HOLDS

    @property
    def unreached(self) -> list[str]:
        """The branches of the specification that no compared entry depends on."""
        return [name for name, taken in self.branches.items() if not taken]

    def merge(self, other: "Verdict") -> None:
        """Take in the verdict on another call of the same point."""
        first = self.elements == 0 and self.verdict == "VACUOUS"
        worse = SEVERITY.index(other.verdict) > SEVERITY.index(self.verdict)
        if first or worse or (other.verdict == self.verdict and other.error_over_budget > self.error_over_budget):
            self.worst_index, self.message, self.worst_call = other.worst_index, other.message, other.worst_call
        if first or worse:
            self.verdict = other.verdict
        self.error_over_budget = max(self.error_over_budget, other.error_over_budget)
        self.elements += other.elements
        self.total += other.total
        self.unbounded += other.unbounded
        self.seconds += other.seconds
        self.ratios += other.ratios
        self.ulps += other.ulps
        for name, taken in other.branches.items():
            self.branches[name] = taken or self.branches.get(name, False)

    def document(self) -> dict[str, Any]:
        """The point's entry in the JSON report."""
        names = ("id", "verdict", "elements", "total", "error_over_budget", "worst_index", "seconds", "message",
                 "branches")  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"ulps": histogram(self.ulps)}


def histogram(ulps: list[float]) -> dict[str, int]:
    """How many errors are at most 0, 1/2, 1, 2, ... units in the last place, each counted once."""
    places = [bisect_left(BINS, x) for x in ulps]
    return {f"{edge:g}": places.count(i) for i, edge in enumerate((*BINS, math.inf)) if i in places}


def _unravel(index: int, shape: Iterable[int]) -> list[int]:
    place = []
    for size in reversed(list(shape)):
        index, k = divmod(index, size)
        place.append(k)
    return place[::-1]


def _request(call: Call, model: dict[str, int | str], indices: list[int]) -> dict[str, Any]:
    """What Lean is told of a call, but for its output."""
    return {
        "point": call.point,
        "rounding": model,
        "ints": [{"name": k, "value": v} for k, v in call.integers],
        "inputs": [{"name": k, **bits(v)} for k, v in call.inputs.items()],
        "indices": indices,
    } | ({"wrt": call.wrt} if call.wrt else {})


def judge(lean: Evaluator, call: Call, limit: int, seed: int = 0, indices: list[int] | None = None) -> Verdict:
    """Lean's verdict on one call, of at most `limit` entries of its output."""
    start = time.perf_counter()
    verdict = Verdict(call.id, total=call.output.numel(), worst_call=(call, []))
    if call.error is not None:
        verdict.verdict, verdict.message = "FAIL", call.error
        return verdict
    dtypes = {x.dtype for x in call.inputs.values() if x.is_floating_point() and x.dim() > 0}
    if dtypes and call.output.dtype not in dtypes:
        verdict.verdict = "FAIL"
        verdict.message = f"the output has dtype {call.output.dtype}, the inputs have {dtypes.pop()}"
        return verdict
    model = rounding(call.output.dtype, call.arithmetic)
    if model is None:
        verdict.verdict = "UNBOUNDED"
        verdict.message = (f"there is no rounding model for {call.output.dtype} with accumulator "
                           f"{call.arithmetic.accumulator} and cast {call.arithmetic.cast}")  # fmt: skip
        return verdict
    chosen = sample(call.output.numel(), limit, seed) if indices is None else indices
    verdict.worst_call = (call, chosen)
    request = _request(call, model, chosen) | {"output": bits(call.output)}
    try:
        answer = lean.ask(request, timeout=TIME_LIMIT)
    except EvaluatorError as error:
        verdict.verdict, verdict.message = "UNDETERMINED", str(error)
        return verdict
    verdict.verdict = answer.get("verdict", "UNDETERMINED")
    verdict.message = answer.get("message") or answer.get("error")
    verdict.elements = answer.get("compared", 0)
    verdict.unbounded = answer.get("unbounded", 0)
    verdict.error_over_budget = answer.get("worst", 0) / 1e6
    verdict.ulps = [u / 1e6 for u in answer.get("ulps", [])]
    verdict.ratios = [r / 1e6 for r in answer.get("ratios", [])]
    verdict.branches = answer.get("branches", {})
    if verdict.elements:
        verdict.worst_index = _unravel(answer["worst_index"], call.output.shape)
    if verdict.verdict == "FAIL" and call.arithmetic.order != "any":
        freely = replace(call, arithmetic=replace(call.arithmetic, order="any"))
        if judge(lean, freely, limit, seed, indices).holds:
            verdict.message = f"the numbers contradict the declared order {call.arithmetic.order!r}: another order gives them"
    verdict.seconds = time.perf_counter() - start
    return verdict


def rejected(lean: Evaluator, call: Call, outputs: list[Tensor], indices: list[int]) -> list[bool]:
    """Whether Lean's verdict is FAIL, for each of several outputs in the place of the call's. Lean evaluates the call
    once. Lean: `Spec.Prediction.shared_eq`."""
    request = _request(call, rounding(call.output.dtype, call.arithmetic), indices)
    answer = lean.ask(request | {"outputs": [bits(x) for x in outputs]}, timeout=TIME_LIMIT)
    if "answers" not in answer:
        raise EvaluatorError(answer.get("message") or answer.get("error"))
    return [each["verdict"] == "FAIL" for each in answer["answers"]]


def judge_fact(lean: Evaluator, fact: str, value: list[int], **arguments: Any) -> Verdict:
    """Lean's verdict on a structural fact: the runtime's numbers against the specification's, exactly."""
    start = time.perf_counter()
    verdict = Verdict(fact, total=len(value))
    try:
        answer = lean.ask({"fact": fact, "value": value, **arguments}, timeout=TIME_LIMIT)
    except EvaluatorError as error:
        verdict.verdict, verdict.message = "UNDETERMINED", str(error)
        return verdict
    verdict.verdict = answer.get("verdict", "UNDETERMINED")
    verdict.message = answer.get("message") or answer.get("error")
    verdict.elements = len(value) if verdict.verdict != "UNDETERMINED" else 0
    verdict.seconds = time.perf_counter() - start
    return verdict
