"""Wrong implementations that the recurrent families share: of a layer, and of a cell that is given."""

from collections.abc import Callable

import torch
from torch import Tensor

import pyzoo.ops.recurrent  # noqa: F401, so that its spec points are there
from pyzoo.conformance.mutants import Mutant


def outputs_reversed(layer: Callable) -> Callable:
    return lambda *, x, **rest: layer(x=x, **rest).flip(1)


def inputs_reversed(layer: Callable) -> Callable:
    return lambda *, x, **rest: layer(x=x.flip(1), **rest).flip(1)


def delayed(layer: Callable) -> Callable:
    return lambda *, h0, **rest: torch.cat((h0[:, None], layer(h0=h0, **rest)[:, :-1]), 1)


def state_from_zero(layer: Callable) -> Callable:
    """Every step starts from zeros."""

    def wrong(*, x: Tensor, **rest: Tensor) -> Tensor:
        states = {name: s for name, s in rest.items() if name in ("h0", "c0")}
        weights = {name: w for name, w in rest.items() if name not in states}
        zero = {name: torch.zeros_like(s) for name, s in states.items()}
        return torch.cat([layer(x=x_t, **zero, **weights) for x_t in x.split(1, 1)], 1)

    return wrong


def axes_swapped(layer: Callable) -> Callable:
    """As with `batch_first` forgotten: batch and time change places, and every row starts from the first state."""

    def wrong(*, x: Tensor, **rest: Tensor) -> Tensor:
        states = {name: s[:1].expand(x.shape[1], -1) for name, s in rest.items() if name in ("h0", "c0")}
        return layer(x=x.transpose(0, 1), **(rest | states)).transpose(0, 1)

    return wrong


def weights_changed(function: Callable, **changes: Callable[[Tensor], Tensor]) -> Callable:
    """With some inputs changed before they are used."""
    return lambda **inputs: function(**(inputs | {name: change(inputs[name]) for name, change in changes.items()}))


def bias_twice(function: Callable) -> Callable:
    """The biases are added up when the weights are loaded, and one of them is added again."""
    return lambda *, bias_ih, bias_hh, **rest: function(bias_ih=bias_ih + bias_hh, bias_hh=bias_hh, **rest)


def shared(kind: str, cell: Callable, layer: Callable) -> list[Mutant]:
    """Wrong implementations of any cell, and of the layer that it makes."""
    gates, whole = f"{kind}.cell" if kind == "rnn" else f"{kind}.gates", f"{kind}.layer"
    return [
        Mutant(f"{kind}.outputs-reversed", whole, outputs_reversed(layer), "the outputs come in reversed time"),
        Mutant(f"{kind}.inputs-reversed", whole, inputs_reversed(layer), "it runs from the last step to the first"),
        Mutant(f"{kind}.delayed", whole, delayed(layer), "the state before a step is given out, not the one after"),
        Mutant(f"{kind}.state-lost", whole, state_from_zero(layer), "no state is carried from step to step"),
        Mutant(f"{kind}.axes-swapped", whole, axes_swapped(layer), "batch and time are confused"),
        Mutant(f"{kind}.bias-dropped", gates, weights_changed(cell, bias_hh=torch.zeros_like),
               "the second bias is left out"),
        Mutant(f"{kind}.bias-twice", gates, bias_twice(cell), "the second bias is added twice"),
        Mutant(f"{kind}.state-bfloat16", gates, weights_changed(cell, h=lambda h: h.bfloat16().to(h.dtype)),
               "the state is kept in bfloat16"),
        Mutant(f"{kind}.input-doubled", gates, weights_changed(cell, x=lambda x: x + x), "the input is added twice"),
    ]  # fmt: skip


def transposed(weight: Tensor) -> Tensor:
    """Each gate's block of weight_hh transposed, as other libraries store it."""
    return torch.cat([block.T for block in weight.split(weight.shape[1])])


def order(*places: int) -> Callable[[Tensor], Tensor]:
    """The gates' blocks in another order."""
    return lambda weight: torch.cat([weight.chunk(len(places))[i] for i in places])


def reordered(function: Callable, *places: int) -> Callable:
    """With weights whose gates are stored in another order."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return weights_changed(function, **dict.fromkeys(names, order(*places)))
