"""Wrong implementations of the Elman network's operations."""

import torch
import torch.nn.functional as F

from pyzoo.conformance.mutants import Mutant
from pyzoo.conformance.mutants.recurrent import shared, transposed, weights_changed
from pyzoo.ops.point import POINTS

CELL, LAYER = POINTS["rnn.cell"], POINTS["rnn.layer"]


def relu(*, x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    return torch.relu(F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh))


def tanh_of_each(*, x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    return torch.tanh(F.linear(x, weight_ih, bias_ih)) + torch.tanh(F.linear(h, weight_hh, bias_hh))


def tanh_dropped(*, x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    return F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)


MUTANTS = [
    *shared("rnn", CELL, LAYER),
    Mutant("rnn.relu", "rnn.cell", relu, "the other nonlinearity that PyTorch offers"),
    Mutant("rnn.tanh-of-each", "rnn.cell", tanh_of_each, "tanh of both parts in the place of tanh of their sum"),
    Mutant("rnn.tanh-dropped", "rnn.cell", tanh_dropped, "the state is not squashed"),
    Mutant("rnn.transposed", "rnn.cell", weights_changed(CELL, weight_hh=transposed), "weight_hh is transposed"),
]
