"""Spec points: the named places in a running model where a Lean specification applies.

A spec point is a function of tensors given by keyword. Decorating it makes one mechanism of three: its calls can
be recorded (traces), replaced (foreign implementations, mutants), or left alone, which costs one attribute test.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

POINTS: dict[str, Callable[..., Any]] = {}  # id -> the undecorated function


@dataclass(frozen=True)
class Arithmetic:
    """What an implementation says about how it adds; the less it says, the wider its budget.

    order: `any`, `sequential`, `tree:D` for additions in a tree of depth D, or `chunks:C` for runs of C numbers one after
    the other and then over their results: of the sums, or of the steps of a recurrence. accumulator: sums of products are
    accumulated at least as precisely as in this dtype before they are rounded, and never less so than in the tensors'
    own. cast: what the factors of these products are rounded to first, `tfloat32` or `bfloat16`, if anything. chunks: steps of
    the chunks of time that a selective scan's passes run side by side, handing on a state by one exponential of their step sizes.
    fused: the scan of a Mamba mixer or of its step is such a kernel. Lean: `Spec.OrderClass`, `Spec.Rounding`,
    `Spec.Mamba.chunkedScan`, `Spec.Mamba.fusedMixer`, `Spec.Mamba.fusedStep`."""

    order: str = "any"
    accumulator: str | None = None
    cast: str | None = None
    chunks: tuple[int, ...] = ()
    fused: bool = False


Declaration = Arithmetic | Callable[..., Arithmetic]  # of all calls, or of a call with these keywords
SINGLE = Arithmetic(accumulator="float32")  # as PyTorch's matrix products and convolutions of half-precision tensors


class _State:
    active = False
    recorder: Callable[[str, dict[str, Any], Any, Arithmetic], None] | None = None
    replaced: dict[str, Callable[..., Any]] = {}


def declared(function: Callable[..., Any], inputs: dict[str, Any], otherwise: Declaration = Arithmetic()) -> Arithmetic:
    """What a function says, in its attribute `arithmetic`, about a call with these inputs."""
    said = getattr(function, "arithmetic", otherwise)
    return said(**inputs) if callable(said) else said


def spec_point(point_id: str, arithmetic: Declaration = Arithmetic()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a keyword-only function as the spec point `point_id`, for example `mamba.conv`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if point_id in POINTS:
            raise ValueError(f"spec point {point_id!r} is defined twice")
        POINTS[point_id] = function
        return implements(point_id, arithmetic)(function)

    return decorate


def implements(point_id: str, arithmetic: Declaration = Arithmetic()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function's calls those of a spec point that another function defines."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.arithmetic = arithmetic  # type: ignore[attr-defined]

        @wraps(function)
        def call(**inputs: Any) -> Any:
            if not _State.active:
                return function(**inputs)
            used = _State.replaced.get(point_id, function)
            output = used(**inputs)
            if _State.recorder is not None:
                _State.recorder(point_id, inputs, output, declared(used, inputs, arithmetic))
            return output

        call.point_id = point_id  # type: ignore[attr-defined]
        return call

    return decorate


@contextmanager
def observe(
    recorder: Callable[[str, dict[str, Any], Any, Arithmetic], None] | None = None,
    replaced: dict[str, Callable[..., Any]] | None = None,
) -> Iterator[None]:
    """Within the block, report every spec point's inputs, output and arithmetic to `recorder`, and run `replaced` in place
    of the points that it names. Not reentrant: the inner block's settings hold until it ends."""
    before = (_State.active, _State.recorder, _State.replaced)
    _State.active, _State.recorder, _State.replaced = True, recorder, dict(replaced or {})
    try:
        yield
    finally:
        _State.active, _State.recorder, _State.replaced = before
