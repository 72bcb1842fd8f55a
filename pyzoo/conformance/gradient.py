"""Gradients: what autograd, or a foreign backward, makes of a recorded call, for Lean to compare with the derivative of the
specification. Lean: `Spec.Gradient.predict`."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pyzoo.conformance.trace import OUTPUT_NAMES, Call, base
from pyzoo.ops.point import declared

COTANGENT = "output_grad"  # the input that holds the weights g of the outputs y, in Σ g y
ENTRIES, ENTRIES_OF_WHOLE = 6, 1  # of each gradient that are compared; each is a pass through the specification
ENTRIES_ALONE = 16  # of a gradient that is judged by itself, such as a counterexample


def vjp(function: Callable[..., Any], inputs: dict[str, Any], wrt: str, place: int = 0) -> Tensor:
    """The gradient of `Σ g y` with respect to the input `wrt`, for y = function(inputs) and g the cotangent among them.
    Of several outputs, y is the one at `place`."""
    leaves = {k: v.detach().clone() if isinstance(v, Tensor) else v for k, v in inputs.items() if k != COTANGENT}
    with torch.enable_grad():
        leaves[wrt].requires_grad_()
        output = function(**leaves)
        output = output[place] if isinstance(output, tuple) else output
        if not output.requires_grad:
            return torch.zeros_like(leaves[wrt])
        (grad,) = torch.autograd.grad(output, leaves[wrt], inputs[COTANGENT], allow_unused=True, materialize_grads=True)
    return grad


def gradients(call: Call, seed: int, answer: Callable[[Call], Call]) -> Iterator[Call]:
    """The gradient calls of a recorded call, one for each tensor that has entries and can be differentiated, answered by
    `answer`. Those of a point with several outputs are of each output alone."""
    if not call.output.is_floating_point():
        return
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(call.output.shape, generator=generator).to(call.output.dtype)
    for name, x in call.inputs.items():
        if x.dim() > 0 and x.is_floating_point() and x.numel():
            unanswered = replace(call, inputs=call.inputs | {COTANGENT: weights}, wrt=name, output=torch.zeros_like(x))
            yield answer(unanswered)


def place(call: Call) -> int:
    """Which of its point's outputs a call has."""
    point = base(call.point)
    return OUTPUT_NAMES.get(point, ("",)).index(call.point.removeprefix(point).removeprefix("."))


def on(function: Callable[..., Tensor], device: str) -> Callable[[Call], Call]:
    """An answer by a function in this process, on a device."""

    def answer(call: Call) -> Call:
        inputs = {name: x.to(device) for name, x in call.inputs.items()} | call.ints
        grad = vjp(function, inputs, call.wrt, place(call))
        del inputs[COTANGENT]
        return replace(call, output=grad.cpu(), arithmetic=declared(function, inputs, call.arithmetic))

    return answer


def entries(call: Call, most: int, seed: int) -> list[int]:
    """The flat indices of a gradient that are compared, at most so many."""
    total = call.output.numel()
    return sorted(random.Random(seed).sample(range(total), min(most, total)))
