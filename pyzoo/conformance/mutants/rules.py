"""Wrong implementations made by rule: one operation inside a spec point's function is changed.

`swap` exchanges the operands of an operation that does not commute, or two parts of a list. `shift` is off by one in
an index. `drop` leaves out an operand, a bias, a mask, a function, or the last term of a sum. `round` rounds a result
to the next lower precision and back. `axis` reduces along another axis.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pyzoo.ops import selective_scan
from pyzoo.ops.point import POINTS, observe

aten = torch.ops.aten
RULES = ("swap", "shift", "shift-back", "drop", "drop-first", "round", "axis")
LOWER = {torch.float64: torch.float32, torch.float32: torch.float16, torch.complex64: torch.float16}
MOVES = {  # results without arithmetic: rounding one is rounding what went in
    "view", "_unsafe_view", "t", "transpose", "permute", "expand", "unsqueeze", "squeeze", "slice", "select", "split",
    "split_with_sizes", "unbind", "detach", "alias", "clone", "cat", "stack", "view_as_real", "view_as_complex", "copy",
    "lift_fresh", "new_zeros", "new_empty", "zeros_like", "ones", "triu",
}  # fmt: skip
WHOLE = {"gpt.logits", "gpt.decode"}  # networks: what lies inside other spec points is changed there alone


@dataclass(frozen=True)
class Change:
    """One operation changed by one rule: the n-th operation of its name, from 1 on."""

    point: str
    operation: str
    number: int
    rule: str
    inner: "Change | None" = field(default=None, compare=False)
    """the same change of the spec point in which the operation lies, if it is one that `point` calls"""

    @property
    def id(self) -> str:
        """For example `mamba.norm:div1:swap`."""
        return f"{self.point}:{self.operation}{self.number}:{self.rule}"

    @property
    def why(self) -> str:
        """What is wrong with it."""
        return f"{self.rule} at the {self.operation} number {self.number}"


_ANGLE = "a table whose angles are computed in fp32, not in fp64, is a correct one"
CORRECT = dict.fromkeys(("gpt.angles:div1:round", "gpt.angles:pow1:round", "gpt.angles:mul1:round"), _ANGLE)  # by names, why


class NotApplicable(Exception):
    """A rule says nothing of an operation."""


class _Changed(TorchDispatchMode):
    """Within the block, `change` is made. `seen` has all operations: name, number, and the spec point and number there of
    one that lies in a spec point that is called."""

    def __init__(self, change: Change | None = None) -> None:
        super().__init__()
        self.change, self.seen = change, []
        self.calls: list[tuple[str, Counter]] = [("", Counter())]  # spec points that run, the outermost first

    def inside(self, point: str) -> Callable[..., Any]:
        """The function of a spec point that is called."""

        def call(**inputs: Any) -> Any:
            self.calls.append((point, Counter()))
            try:
                return POINTS[point](**inputs)
            finally:
                self.calls.pop()

        return call

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        name = op._schema.name.partition("::")[2]
        for _, counts in {id(c): (p, c) for p, c in (self.calls[0], self.calls[-1])}.values():
            counts[name] += 1
        if op._schema.is_mutable:
            return op(*args, **(kwargs or {}))
        number, (point, counts) = self.calls[0][1][name], self.calls[-1]
        self.seen.append((name, number, (point, counts[name]) if point else None))
        if self.change and (name, number) == (self.change.operation, self.change.number):
            return changed(op, name, self.change.rule, list(args), kwargs or {})
        return op(*args, **(kwargs or {}))


def changed(op: Callable, name: str, rule: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What the operation gives under the rule. Raises NotApplicable."""
    if rule == "round":
        if name in MOVES:
            raise NotApplicable
        result = op(*args, **kwargs)
        return type(result)(map(_rounded, result)) if isinstance(result, list | tuple) else _rounded(result)
    table = {"swap": _swap, "shift": _shift, "shift-back": _shift_back, "drop": _drop, "drop-first": _drop_first}
    return table.get(rule, _axis)(op, name, args, kwargs)


def _rounded(x: Tensor) -> Tensor:
    lower = LOWER.get(x.dtype)
    if lower is None:
        raise NotApplicable
    if x.is_complex():
        return torch.view_as_complex(torch.view_as_real(x).to(lower).to(x.real.dtype))
    return x.to(lower).to(x.dtype)


def _swap(op, name, args, kwargs):
    if name in ("sub", "div", "mm", "bmm"):
        a, b, *rest = args
        return {"sub": lambda: b - a, "div": lambda: b / a}.get(name, lambda: op(b, a, *rest))()
    if name == "rsub":
        return args[0] - args[1]
    if name == "addmm":
        return op(args[0], args[2], args[1])
    if name in ("cat", "stack") and len(args[0]) > 1:
        return op([args[0][1], args[0][0], *args[0][2:]], *args[1:])
    if name in ("split", "split_with_sizes", "unbind"):
        parts = op(*args, **kwargs)
        if len(parts) > 1 and parts[0].shape == parts[1].shape:
            return [parts[1], parts[0], *parts[2:]]
    if name == "where":
        return op(args[0], args[2], args[1])
    if name == "masked_fill":
        return op(args[0], ~args[1], args[2])
    raise NotApplicable


def _shift(op, name, args, kwargs, by=1):
    if name == "slice":
        x, dim, start, end = (args + [0, 0, 2**63 - 1][len(args) - 1 :])[:4]
        n = x.shape[dim]
        start, end = (start + n if start < 0 else min(start, n)) + by, (end + n if end < 0 else min(end, n)) + by
        if start >= 0 and end <= n:
            return op(x, dim, start, end, *args[4:])
    if name == "select":
        x, dim, index = args
        if 0 <= index % x.shape[dim] + by < x.shape[dim]:
            return op(x, dim, index % x.shape[dim] + by)
    if name in ("split", "split_with_sizes", "unbind") and len(parts := op(*args, **kwargs)) > 2:
        if len({p.shape for p in parts}) == 1:
            return [*parts[by:], *parts[:by]]
    if name in ("triu", "tril"):
        return op(args[0], (args[1] if len(args) > 1 else 0) + by)
    if name == "embedding":
        return op(args[0], (args[1] + by) % len(args[0]), *args[2:])
    if name in ("mm", "bmm") and args[0].shape[-1] > 1:
        return op(args[0].roll(by, -1), *args[1:])
    if name == "addmm" and args[1].shape[-1] > 1:
        return op(args[0], args[1].roll(by, -1), args[2])
    if name == "convolution" and args[1].shape[-1] > 1:
        return op(args[0], args[1].roll(by, -1), *args[2:])
    if name in ("cat", "stack") and len(args[0]) > 2:
        return op([*args[0][by:], *args[0][:by]], *args[1:])
    raise NotApplicable


def _shift_back(op, name, args, kwargs):
    if name in ("slice", "select", "triu", "tril"):
        return _shift(op, name, args, kwargs, -1)
    raise NotApplicable


def _drop(op, name, args, kwargs):
    if name in ("add", "mul", "sub", "div") and isinstance(args[1], Tensor):
        return _alone(args[0], args[1])
    if name in ("neg", "exp", "sqrt", "silu", "relu", "tanh", "sigmoid", "gelu", "softplus", "masked_fill", "triu"):
        return args[0].clone()
    if name == "rsub":
        return args[0].clone()
    if name == "addmm":
        return args[1] @ args[2]
    if name == "convolution" and args[2] is not None:
        return op(args[0], args[1], None, *args[3:])
    return _without_last(op, name, args, kwargs)


def _without_last(op, name, args, kwargs):
    """The operation without the last term of its sums."""
    if name in ("mm", "bmm") and args[0].shape[-1] > 1:
        return op(args[0][..., :-1], args[1][..., :-1, :])
    if name == "convolution":
        weight = args[1].clone()
        weight[..., -1] = 0
        return op(args[0], weight, *args[2:])
    if name in ("sum", "mean") and len(args) > 1:
        x = args[0].clone()
        x.select(args[1][-1], -1).zero_()
        return op(x, *args[1:], **kwargs)
    raise NotApplicable


def _drop_first(op, name, args, kwargs):
    if name in ("add", "mul") and isinstance(args[1], Tensor):
        return _alone(args[1], args[0])
    if name == "sub" and isinstance(args[1], Tensor):
        return _alone(-args[1], args[0])
    if name in ("addmm", "convolution"):
        if name == "addmm":
            return op(args[0], args[1][:, :-1], args[2][:-1])
        if args[2] is not None:
            return _without_last(op, name, args, kwargs)
    raise NotApplicable


def _alone(x: Tensor, other: Tensor | float) -> Tensor:
    """One operand in the shape and dtype of the result."""
    like = x + other
    return x.expand(like.shape).to(like.dtype).clone()


def _axis(op, name, args, kwargs):
    if args and isinstance(args[0], Tensor) and args[0].dim() > 1:
        if name in ("sum", "mean") and len(args) > 1:
            return op(args[0], [(d - 1) % args[0].dim() for d in args[1]], *args[2:], **kwargs)
        if name == "_softmax":
            return op(args[0], (args[1] - 1) % args[0].dim(), args[2])
    raise NotApplicable


def function(point: str) -> Callable[..., Any]:
    """The function of a spec point whose operations are changed: the fused scan is written in single ones."""
    return _stepwise if point == "mamba.selective_scan" else POINTS[point]


def _stepwise(*, u, dt, a, b, c, d, z, bias, h0):
    return selective_scan.reference(u, dt, a, b, c, d, z, bias, h0, True)[0]


def _outputs(point: str, inputs: dict[str, Any], mode: _Changed) -> tuple[Tensor, ...]:
    with torch.no_grad(), observe(None, {p: mode.inside(p) for p in POINTS}), mode:
        output = function(point)(**inputs)
    return tuple(x.contiguous().clone() for x in (output if isinstance(output, tuple) else (output,)))


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two outputs have the same bits."""
    return a.shape == b.shape and torch.equal(a.flatten().view(torch.uint8), b.flatten().view(torch.uint8))


def variants(point: str, inputs: dict[str, Any], done: set[Change]) -> Iterator[tuple[Change | None, tuple[Tensor, ...]]]:
    """The outputs of a spec point's function, unchanged (None), and under every change that is not `done` and that
    these inputs allow. A change with which the function raises or gives another dtype is left out: whoever runs it sees
    that it is wrong."""
    unchanged = _Changed()
    plain = _outputs(point, inputs, unchanged)
    yield None, plain
    for name, number, inner in unchanged.seen:
        if inner and point in WHOLE:
            continue
        for rule in RULES:
            change = Change(point, name, number, rule, Change(inner[0], name, inner[1], rule) if inner else None)
            if change in done:
                continue
            try:
                outputs = _outputs(point, inputs, _Changed(change))
            except (NotApplicable, RuntimeError, IndexError, ValueError, TypeError):
                continue
            if all(x.dtype == y.dtype for x, y in zip(outputs, plain, strict=True)):
                yield change, outputs
