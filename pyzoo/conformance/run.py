"""One conformance run: build or load a model, record its spec points, let Lean judge them."""

import importlib
import math
import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from pyzoo.bridge.lean.session import Evaluator
from pyzoo.conformance import certificate
from pyzoo.conformance.foreign import Worker, own
from pyzoo.conformance.gradient import ENTRIES, ENTRIES_ALONE, ENTRIES_OF_WHOLE, entries, gradients, on, place
from pyzoo.conformance.judge import SEVERITY, Verdict, judge, judge_fact, rejected
from pyzoo.conformance.mutants import mutants, rules
from pyzoo.conformance.precision import full_precision
from pyzoo.conformance.rounding import FORMATS
from pyzoo.conformance.shrink import shrink
from pyzoo.conformance.trace import Call, Recorder, base, sample
from pyzoo.errors import InputError, MissingError
from pyzoo.ops.point import POINTS

RULE_CASES = 3  # fresh models on which a mutant made by rule can be killed
OUTPUTS = 40  # sent to Lean at a time
CALLS_PER_POINT = 4  # of each spec point and case: the first, the last, and some between; a family may say fewer


def family(name: str) -> Any:
    """The module that knows a family's spec points: `POINTS`, `model`, `record`, `facts`."""
    return importlib.import_module(f"pyzoo.conformance.points.{name}")


def compared(call: Call) -> int:
    """How many entries of a call's output are compared if it is judged by itself."""
    return ENTRIES_ALONE if call.wrt else family(call.point.partition(".")[0]).limit(call)


@dataclass
class Result:
    """The verdicts of a conformance run, in dataflow order."""

    model: str
    device: str
    seed: int
    points: list[Verdict]
    mutants: list[dict[str, Any]] = field(default_factory=list)
    counterexample: Verdict | None = None  # on the first point that fails, shrunk

    @property
    def verdict(self) -> str:
        """The worst verdict of all points."""
        return max((p.verdict for p in self.points), key=SEVERITY.index, default="VACUOUS")

    @property
    def holds(self) -> bool:
        return bool(self.points) and all(p.holds for p in self.points) and not any(survived(m) for m in self.mutants)

    def document(self, lean: dict[str, str]) -> dict[str, Any]:
        """The JSON report."""
        document = {
            "schema": 1,
            "model": self.model,
            "verdict": self.verdict,
            "points": [p.document() for p in self.points],
            "lean": lean,
            "device": self.device,
            "seed": self.seed,
        }
        return document | ({"mutants": self.mutants} if self.mutants else {})


def device_of(name: str) -> str:
    """`cpu` or `cuda`, checked."""
    if name not in ("cpu", "cuda"):
        raise InputError(f"--device must be cpu or cuda, not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise MissingError("there is no CUDA device here; use --device cpu")
    return name


def dtype_of(name: str) -> torch.dtype:
    """A dtype that has a rounding model, by its name in PyTorch."""
    found = {str(dtype).removeprefix("torch."): dtype for dtype in FORMATS}
    if name not in found:
        raise InputError(f"--dtype must be one of {', '.join(found)}, not {name!r}")
    return found[name]


def some(calls: list[Call], count: int, seed: int) -> list[Call]:
    """At most `count` of a point's calls, the first and the last among them."""
    if len(calls) <= count:
        return calls
    if count == 1:
        return calls[:1]
    inner = sorted(random.Random(seed).sample(range(1, len(calls) - 1), count - 2))
    return [calls[0], *(calls[i] for i in inner), calls[-1]]


def record(
    name: str,
    seed: int,
    device: str = "cpu",
    run: Path | None = None,
    replaced: dict[str, Callable] | None = None,
    dtype: torch.dtype = torch.float32,
) -> list[Call]:
    """The calls of one forward pass of a freshly built model of the family, or of a saved run."""
    recorder = Recorder()
    with full_precision(), torch.no_grad():
        family(name).record(recorder, seed, device, dtype, run, replaced or {})
    return recorder.calls


def judge_calls(
    lean: Evaluator, name: str, calls: list[Call], seed: int, only: str | None = None, run: Path | None = None
) -> list[Verdict]:
    """Verdicts by spec point, in dataflow order. A point of the family that was never reached is VACUOUS, unless the saved
    run's model has none of that kind."""
    module = family(name)
    absent = module.absent(run) if run is not None and only is None and hasattr(module, "absent") else ()
    verdicts = {point: Verdict(point) for point in module.POINTS if only in (None, point) and point not in absent}
    for point, verdict in verdicts.items():
        own = [c for c in calls if c.point == point]
        if not own:
            verdict.message = "the run never reached this point"
        for call in some(own, getattr(module, "CALLS", {}).get(point, CALLS_PER_POINT), seed):
            reason = module.skip(call)
            verdict.merge(
                Verdict(point, "SKIPPED", message=reason) if reason else judge(lean, call, module.limit(call), seed)
            )
    return list(verdicts.values())


def judge_gradients(
    lean: Evaluator, name: str, calls: list[Call], seed: int, answer: Callable[[Call], Call], only: str | None = None
) -> list[Verdict]:
    """Verdicts on the gradients of spec points, by point and input, in dataflow order."""
    verdicts: dict[str, Verdict] = {}
    for verdict in _gradient_verdicts(lean, name, calls, seed, answer, only):
        verdicts.setdefault(verdict.id, Verdict(verdict.id)).merge(verdict)
    if only in getattr(family(name), "VALUES_ALONE", ()):
        return [Verdict(only, message=f"the gradients of {only} are not judged: look at the points inside it")]
    return list(verdicts.values())


def _gradient_verdicts(
    lean: Evaluator, name: str, calls: list[Call], seed: int, answer: Callable[[Call], Call], only: str | None
) -> Iterator[Verdict]:
    """One for each call and input."""
    module = family(name)
    for point in (p for p in module.POINTS if p not in getattr(module, "VALUES_ALONE", ())):
        own = [c for c in calls if c.point == point and only in (None, point) and not module.skip(c)]
        for call, most in _differentiated(module, point, own, seed):
            for answered in gradients(call, seed, answer):
                yield judge(lean, answered, 0, indices=entries(answered, most, seed))


def _differentiated(module: Any, point: str, calls: list[Call], seed: int) -> list[tuple[Call, int]]:
    """The calls of a point whose gradients are judged, each with how many entries of a gradient are compared: calls none of whose
    inputs is empty, if there are such. Of a point of the family's `LAST_CALL_ALONE` it is the last one alone; a family with
    `gradient_calls` chooses the calls itself, and one with `gradient_entries` the entries, or None for the usual ones."""
    count = getattr(module, "CALLS", {}).get(point)
    most = ENTRIES if count is None else ENTRIES_OF_WHOLE
    if hasattr(module, "gradient_calls"):
        chosen = module.gradient_calls(calls)
    else:
        chosen = some([c for c in calls if all(x.numel() for x in c.inputs.values())] or calls, min(2, count or 2), seed)
        chosen = chosen[-1 if point in getattr(module, "LAST_CALL_ALONE", ()) else 0 :]
    own = getattr(module, "gradient_entries", lambda call: None)
    return [(c, own(c) or most) for c in chosen]


def own_answer(device: str) -> Callable[[Call], Call]:
    """The gradients of the library's own functions."""
    return lambda call: on(POINTS[base(call.point)], device)(call)


def conform(
    lean: Evaluator,
    name: str,
    seed: int = 0,
    cases: int = 1,
    device: str = "cpu",
    run: Path | None = None,
    impl: str | None = None,
    point: str | None = None,
    with_mutants: bool = False,
    certificates: Path | None = None,
    dtype: torch.dtype = torch.float32,
    grad: bool = False,
) -> Result:
    """Run a family against its specification; see `pyzoo conform --help` for the arguments."""
    module = family(name)
    if point is not None and point not in module.POINTS:
        raise InputError(f"{name} has no spec point {point!r}; it has {', '.join(module.POINTS)}")
    merged: dict[str, Verdict] = {}
    for case in range(seed, seed + cases):
        calls = record(name, case, device, run, dtype=dtype)
        lean.wait()
        if grad:
            with full_precision(), Worker(impl, device) if impl else nullcontext(own_answer(device)) as answer:
                verdicts = judge_gradients(lean, name, calls, case, answer, point)
            for verdict in verdicts:
                merged.setdefault(verdict.id, Verdict(verdict.id)).merge(verdict)
            continue
        if impl is not None:
            with Worker(impl, device) as worker:
                calls = [worker(c) for c in calls if c.point == point]
        elif case == seed:
            for fact, value, arguments in module.facts(run):
                merged.setdefault(fact, Verdict(fact)).merge(judge_fact(lean, fact, value, **arguments))
        for verdict in judge_calls(lean, name, calls, case, point, run):
            merged.setdefault(verdict.id, Verdict(verdict.id)).merge(verdict)
        if certificates is not None and case == seed:
            certify(lean, calls, certificates)
    result = Result(name, device, seed, [*merged.values()])
    failing = next((p for p in result.points if p.verdict == "FAIL" and p.worst_call), None)
    if failing is not None:
        with Worker(impl or own(failing.worst_call[0].point), device) as worker:
            result.counterexample = shrink(lean, failing, worker, compared)
    if with_mutants:
        result.mutants = [kill(lean, name, m, seed, device) for m in mutants(name) if m.gradient == grad]
        result.mutants += [] if grad else kill_by_rule(lean, name, seed, device)
    return result


def certify(lean: Evaluator, calls: list[Call], folder: Path) -> None:
    """Write a certificate of the smallest call of each spec point that holds and that the kernel can evaluate."""
    smallest: dict[str, Call] = {}
    for call in sorted(filter(certificate.small, calls), key=lambda c: sum(x.numel() for x in c.inputs.values())):
        smallest.setdefault(call.point, call)
    for call in smallest.values():
        verdict = judge(lean, call, 0, indices=certificate.ends(call))
        if verdict.holds:
            certificate.write(folder, call, verdict.verdict, certificate.ends(call))


def kill(lean: Evaluator, name: str, mutant: Any, seed: int, device: str) -> dict[str, Any]:
    """Run one wrong implementation in the place of its spec point; the first point in dataflow order that fails
    has killed it."""
    if mutant.gradient:
        calls = record(name, seed, device)
        verdicts = _gradient_verdicts(lean, name, calls, seed, on(mutant.replacement, device), mutant.point)
        by = next((v.id for v in verdicts if v.verdict == "FAIL"), None)
        return {"id": mutant.id, "killed": by is not None, "by": by, "why": mutant.why}
    calls = record(name, seed, device, replaced={mutant.point: mutant.replacement})
    own = [c for c in calls if c.point == mutant.point or c.point.startswith(f"{mutant.point}.")]
    far = sorted(own[CALLS_PER_POINT:], key=lambda c: _distance(c, device), reverse=True)
    for call in own[:CALLS_PER_POINT] + far[: 2 * CALLS_PER_POINT]:
        if family(name).skip(call):
            continue
        if judge(lean, call, family(name).limit(call), seed).verdict == "FAIL":
            return {"id": mutant.id, "killed": True, "by": call.point, "why": mutant.why}
    return {"id": mutant.id, "killed": False, "by": None, "why": mutant.why}


def _distance(call: Call, device: str) -> float:
    """How far a call's output is from that of the spec point's own function, relative to its largest entry."""
    inputs = {name: x.to(device) for name, x in call.inputs.items()} | call.ints
    with full_precision(), torch.no_grad():
        right = POINTS[base(call.point)](**inputs)
    right = (right if isinstance(right, tuple) else (right,))[place(call)].cpu().double()
    if right.shape != call.output.shape:
        return math.inf
    distance = ((call.output - right).abs().max() / right.abs().max()).item()
    return math.inf if math.isnan(distance) else distance


def kill_by_rule(lean: Evaluator, name: str, seed: int, device: str) -> list[dict[str, Any]]:
    """Change every operation of the spec points' functions by every rule (`pyzoo.conformance.mutants.rules`). Lean's
    verdict FAIL on one of the calls kills a mutant. One that lives is `equivalent` if its outputs have the same bits in
    all calls, if the same change of the spec point in which it lies is killed, or if what it makes is correct."""
    by: dict[rules.Change, str | None] = {}  # the point that has killed a change, or "" if it has changed a bit
    for case in range(seed, seed + RULE_CASES):
        for call in _calls_of_points(name, record(name, case, device), case):
            killed = {change for change, point in by.items() if point}
            outputs = _changed_outputs(call, killed, device)
            for change, output in outputs.items():
                by[change] = by.get(change) if output is None else by.get(change) or ""
            alive = [change for change, output in outputs.items() if output is not None]
            indices = sample(call.output.numel(), family(name).limit(call), case)
            for start in range(0, len(alive), OUTPUTS):
                part = alive[start : start + OUTPUTS]
                verdicts = rejected(lean, call, [outputs[change] for change in part], indices)
                by |= {change: call.point for change, wrong in zip(part, verdicts, strict=True) if wrong}
    return [_report(change, by) for change in by]


def _report(change: rules.Change, by: dict[rules.Change, str | None]) -> dict[str, Any]:
    point, equivalent = by[change], None
    if point is None:
        equivalent = "the same bits in all calls"
    elif not point:
        inner = change.inner and by.get(change.inner)
        equivalent = f"{change.inner.id} is the same change, and is killed" if inner else rules.CORRECT.get(change.id)
    return {"id": change.id, "killed": bool(point), "by": point or None, "why": change.why, "equivalent": equivalent}


def survived(mutant: dict[str, Any]) -> bool:
    """Whether a mutant lives without a reason that is known."""
    return not (mutant["killed"] or mutant.get("equivalent"))


def _calls_of_points(name: str, calls: list[Call], case: int) -> Iterator[Call]:
    """The calls on which mutants made by rule are tried: as many of each point as a conformance run judges."""
    module = family(name)
    for point in module.POINTS:
        own = [c for c in calls if c.point == point and not module.skip(c)]
        yield from some(own, getattr(module, "CALLS", {}).get(point, CALLS_PER_POINT), case)


def _changed_outputs(call: Call, done: set[rules.Change], device: str) -> dict[rules.Change, torch.Tensor | None]:
    """The call's output under every change that is not done, None where it has the bits of the unchanged one."""
    point = base(call.point)
    inputs = {name: x.to(device) for name, x in call.inputs.items()} | call.ints
    with full_precision():
        variants = {change: outputs[place(call)] for change, outputs in rules.variants(point, inputs, done)}
    plain = variants.pop(None)
    return {change: None if rules.same(plain, x) else x for change, x in variants.items()}
