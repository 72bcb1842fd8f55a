"""Counterexamples: a failing call on inputs as small and as simple as they can be while it still fails."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, product

import torch
from torch import Tensor

from pyzoo.bridge.lean.session import Evaluator
from pyzoo.conformance.judge import Verdict, judge
from pyzoo.conformance.trace import Call

QUESTIONS, SECONDS = 200, 20.0  # at most, for one counterexample
ENTRIES = 12  # a tensor of at most so many is simplified entry by entry
CHOICES = 40  # ways to choose among axes of the same size


def shrink(lean: Evaluator, verdict: Verdict, answer: Callable[[Call], Call], limit: Callable[[Call], int]) -> Verdict:
    """The verdict on the smallest failing call that is found from the one in `verdict.worst_call`, where `answer` runs
    the implementation and `limit` says how many entries Lean compares. A call that does not fail by its values, or does
    not when it is run again, is left as it is."""
    search = _Search(lean, verdict, answer, limit)
    if verdict.verdict == "FAIL" and verdict.worst_index is not None and search.take(search.inputs, search.ints):
        search.lower_integers()
        search.cut_axes()
        search.simplify_numbers()
    return search.best


class _Search:
    """The smallest failing call so far, and the ways to a smaller one."""

    def __init__(self, lean: Evaluator, best: Verdict, answer: Callable, limit: Callable) -> None:
        self.lean, self.best, self.answer, self.limit = lean, best, answer, limit
        self.questions, self.end = 0, time.monotonic() + SECONDS

    @property
    def inputs(self) -> dict[str, Tensor]:
        return self.best.worst_call[0].inputs

    @property
    def ints(self) -> dict[str, int]:
        return self.best.worst_call[0].ints

    def take(self, inputs: dict[str, Tensor], ints: dict[str, int]) -> bool:
        """Whether the call fails with these inputs too, by its values; if so it is the best so far."""
        if self.questions >= QUESTIONS or time.monotonic() > self.end:
            return False
        call = self.answer(replace(self.best.worst_call[0], inputs=inputs, ints=ints))
        if call.error is not None:
            return False
        verdict = self._judge(call)  # where the specification has no bound, no implementation is right
        fails = verdict.verdict == "FAIL" and verdict.worst_index is not None and verdict.unbounded == 0
        if fails:
            self.best = verdict
        return fails

    def _judge(self, call: Call) -> Verdict:
        """Lean's verdict on the entries that were compared before, as long as the output has the same shape."""
        self.questions += 1
        before, indices = self.best.worst_call
        same = call.output.shape == before.output.shape
        return judge(self.lean, call, self.limit(call), indices=indices if same else None)

    def lower_integers(self) -> None:
        """Set integers, such as a stride, to 0 or 1."""
        for name, value in self.ints.items():
            any(self.take(self.inputs, self.ints | {name: simpler}) for simpler in (0, 1) if simpler < value)

    def cut_axes(self) -> None:
        """Cut axes to size 1, to half their size or by 1, until nothing can be cut; the small ones first."""
        done = {0, 1}
        while rest := {n for x in self.inputs.values() for n in x.shape} - done:
            if not any(self.take(smaller, self.ints) for smaller in _cuts(self.inputs, min(rest))):
                done.add(min(rest))

    def simplify_numbers(self) -> None:
        """Simplify whole tensors, and then the entries of those that have few."""
        for name, x in self.inputs.items():
            any(self.take(self.inputs | {name: simpler}, self.ints) for simpler in _simpler(x))
        for name, x in self.inputs.items():
            for i in range(x.numel() if 1 < x.numel() <= ENTRIES else 0):
                now = self.inputs[name].flatten()
                changed = ((*now[:i], simpler, *now[i + 1 :]) for simpler in _simpler(now[i]))
                any(self.take(self.inputs | {name: torch.stack(c).reshape(x.shape)}, self.ints) for c in changed)


def _simpler(x: Tensor) -> Iterator[Tensor]:
    """A tensor's replacements that are simpler than it, the simplest first: zeros, ones, integers, fewer bits."""
    fraction, exponent = torch.frexp(x.double())
    few = (torch.ldexp((fraction * 2**bits).round() / 2**bits, exponent) for bits in (1, 3, 8))
    seen: list[Tensor] = []
    for simpler in (torch.zeros_like(x), torch.ones_like(x), x.round(), *(y.to(x.dtype) for y in few)):
        if torch.equal(simpler, x):
            return
        if not any(torch.equal(simpler, y) for y in seen):
            seen.append(simpler)
            yield simpler


def _cuts(inputs: dict[str, Tensor], size: int) -> Iterator[dict[str, Tensor]]:
    """The inputs with axes of one size cut, in every way that may leave their shapes consistent: to their first entries,
    or to their last ones."""
    for cut in _axes({name: x.shape for name, x in inputs.items()}, size):
        for less in sorted({size - 1, size - size // 2, 1}, reverse=True):
            shapes = {name: [n - cut.get((name, axis), 0) * less for axis, n in enumerate(x.shape)]
                      for name, x in inputs.items()}  # fmt: skip
            if all(n > 0 for shape in shapes.values() for n in shape):
                for side in (slice, lambda n: slice(-n, None)):
                    yield {k: inputs[k][tuple(map(side, n))].contiguous().clone() for k, n in shapes.items()}


def _axes(shapes: dict[str, torch.Size], size: int) -> Iterator[dict[tuple[str, int], int]]:
    """Axes that may belong together, as {(tensor, axis): how many times as much is cut off there}: all of one size; these
    with all of a size that follows it (such as n + 1 or 2n); and, since axes can have the same size by chance, at most
    one of each tensor."""
    places = [(name, axis, n) for name, shape in shapes.items() for axis, n in enumerate(shape)]
    together = {(name, axis): 1 for name, axis, n in places if n == size}
    yield together
    for other, times in product(sorted({n for *_, n in places} - {size}), (1, 2, 3)):
        yield together | {(name, axis): times for name, axis, n in places if n == other}
    each = ([*(place for place in together if place[0] == name), None] for name in shapes)
    for chosen in islice(product(*each), CHOICES):
        cut = {place: 1 for place in chosen if place is not None}
        if cut and cut != together:
            yield cut
