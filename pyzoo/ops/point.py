"""Spec points: the named places in a running model where a Lean specification applies.

A spec point is a function of tensors given by keyword. Decorating it makes one mechanism of three: its calls can
be recorded (traces), replaced (foreign implementations, mutants), or left alone, which costs one attribute test.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

POINTS: dict[str, Callable[..., Any]] = {}  # id -> the undecorated function


class _State:
    active = False
    recorder: Callable[[str, dict[str, Any], Any], None] | None = None
    replaced: dict[str, Callable[..., Any]] = {}


def spec_point(point_id: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a keyword-only function as the spec point `point_id`, for example `mamba.conv`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if point_id in POINTS:
            raise ValueError(f"spec point {point_id!r} is defined twice")
        POINTS[point_id] = function

        @wraps(function)
        def call(**inputs: Any) -> Any:
            if not _State.active:
                return function(**inputs)
            output = _State.replaced.get(point_id, function)(**inputs)
            if _State.recorder is not None:
                _State.recorder(point_id, inputs, output)
            return output

        call.point_id = point_id  # type: ignore[attr-defined]
        return call

    return decorate


@contextmanager
def observe(
    recorder: Callable[[str, dict[str, Any], Any], None] | None = None,
    replaced: dict[str, Callable[..., Any]] | None = None,
) -> Iterator[None]:
    """Within the block, report every spec point's inputs and output to `recorder`, and run `replaced` in place of
    the points that it names. Not reentrant: the inner block's settings hold until it ends."""
    before = (_State.active, _State.recorder, _State.replaced)
    _State.active, _State.recorder, _State.replaced = True, recorder, dict(replaced or {})
    try:
        yield
    finally:
        _State.active, _State.recorder, _State.replaced = before
