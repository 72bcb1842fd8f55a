"""Wrong implementations of the LSTM's operations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.conformance.mutants.recurrent import reordered, shared, transposed, weights_changed
from pyzoo.ops.point import POINTS

GATES, CELL, LAYER = POINTS["lstm.gates"], POINTS["lstm.cell"], POINTS["lstm.layer"]


def _sums(x: Tensor, h: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, ...]:
    w, u, b, c = (weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return (F.linear(x, w, b) + F.linear(h, u, c)).chunk(4, -1)


def forget_without_sigmoid(*, x, h, **weights):
    i, f, g, o = _sums(x, h, weights)
    return torch.cat((i.sigmoid(), f, g.tanh(), o.sigmoid()), -1)


def candidate_with_sigmoid(*, x, h, **weights):
    return torch.cat([part.sigmoid() for part in _sums(x, h, weights)], -1)


def forget_bias_added(*, x, h, **weights):
    i, f, g, o = _sums(x, h, weights)
    return torch.cat((i.sigmoid(), (f + 1).sigmoid(), g.tanh(), o.sigmoid()), -1)


def sigmoid_hard(*, x, h, **weights):
    i, f, g, o = (F.hardsigmoid(part) if k != 2 else part.tanh() for k, part in enumerate(_sums(x, h, weights)))
    return torch.cat((i, f, g, o), -1)


def _gates(x: Tensor, h: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, ...]:
    return GATES(x=x, h=h, **weights).chunk(4, -1)


def tanh_dropped(*, x, h, c, **weights):
    i, f, g, o = _gates(x, h, weights)
    c = f * c + i * g
    return o * c, c


def h_for_c(*, x, h, c, **weights):
    i, f, g, o = _gates(x, h, weights)
    c = f * h + i * g
    return o * torch.tanh(c), c


def states_swapped(*, x, h, c, **weights):
    return CELL(x=x, h=h, c=c, **weights)[::-1]


def coupled(*, x, h, c, **weights):
    i, _, g, o = _gates(x, h, weights)
    c = (1 - i) * c + i * g
    return o * torch.tanh(c), c


def old_cell_read(*, x, h, c, **weights):
    i, f, g, o = _gates(x, h, weights)
    return o * torch.tanh(c), f * c + i * g


MUTANTS = [
    *shared("lstm", GATES, LAYER),
    Mutant("lstm.order-ifog", "lstm.gates", reordered(GATES, 0, 1, 3, 2), "weights in the order i, f, o, g"),
    Mutant("lstm.order-igfo", "lstm.gates", reordered(GATES, 0, 2, 1, 3), "weights in TensorFlow's order i, g, f, o"),
    Mutant("lstm.order-iofg", "lstm.gates", reordered(GATES, 0, 3, 1, 2), "weights in ONNX's order i, o, f, g"),
    Mutant("lstm.forget-linear", "lstm.gates", forget_without_sigmoid, "the forget gate without its sigmoid"),
    Mutant("lstm.candidate-sigmoid", "lstm.gates", candidate_with_sigmoid, "sigmoid in the place of tanh for g"),
    Mutant("lstm.forget-bias", "lstm.gates", forget_bias_added, "1 is added to the forget gate"),
    Mutant("lstm.hard-sigmoid", "lstm.gates", sigmoid_hard, "Keras 1's piecewise linear sigmoid"),
    Mutant("lstm.transposed", "lstm.gates", weights_changed(GATES, weight_hh=transposed), "weight_hh is transposed"),
    Mutant("lstm.tanh-dropped", "lstm.cell", tanh_dropped, "h' = o c', without tanh"),
    Mutant("lstm.h-for-c", "lstm.cell", h_for_c, "the hidden state is carried in the place of the cell"),
    Mutant("lstm.states-swapped", "lstm.cell", states_swapped, "(c, h) in the place of (h, c)"),
    Mutant("lstm.coupled", "lstm.cell", coupled, "1 - i in the place of the forget gate"),
    Mutant("lstm.old-cell", "lstm.cell", old_cell_read, "h' is read of the cell before the step"),
]
