"""Wrong implementations of the GRU's operations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants import Mutant
from pyzoo.conformance.mutants.recurrent import reordered, shared, transposed, weights_changed
from pyzoo.ops.point import POINTS

GATES, CELL, LAYER = POINTS["gru.gates"], POINTS["gru.cell"], POINTS["gru.layer"]


def _parts(x: Tensor, h: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """r, z, `W x + b` and U, c of the candidate."""
    H = h.shape[-1]
    w, u, b, c = (weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return *GATES(x=x, h=h, **weights).chunk(2, -1), F.linear(x, w[-H:], b[-H:]), u[-H:], c[-H:]


def z_swapped(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    n = torch.tanh(w + r * F.linear(h, u, c))
    return z * n + (1 - z) * h


def bias_outside(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    n = torch.tanh(w + r * F.linear(h, u) + c)
    return (1 - z) * n + z * h


def reset_dropped(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    n = torch.tanh(w + F.linear(h, u, c))
    return (1 - z) * n + z * h


def reset_on_all(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    n = torch.tanh(r * (w + F.linear(h, u, c)))
    return (1 - z) * n + z * h


def candidate_sigmoid(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    n = torch.sigmoid(w + r * F.linear(h, u, c))
    return (1 - z) * n + z * h


def reset_state_carried(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    n = torch.tanh(w + F.linear(r * h, u, c))
    return (1 - z) * n + z * (r * h)


def update_dropped(*, x, h, **weights):
    r, z, w, u, c = _parts(x, h, weights)
    return torch.tanh(w + r * F.linear(h, u, c))


MUTANTS = [
    *shared("gru", GATES, LAYER),
    Mutant("gru.reset-before", "gru.cell", POINTS["gru.original_cell"], "the reset gate before the product"),
    Mutant("gru.reset-after", "gru.original_cell", CELL, "the reset gate after the product"),
    Mutant("gru.order-zr", "gru.gates", reordered(GATES, 1, 0, 2), "weights in the order z, r, n, Keras's"),
    Mutant("gru.order-rnz", "gru.gates", reordered(GATES, 0, 2, 1), "weights in the order r, n, z"),
    Mutant("gru.transposed", "gru.gates", weights_changed(GATES, weight_hh=transposed), "weight_hh is transposed"),
    Mutant("gru.z-swapped", "gru.cell", z_swapped, "z n + (1 - z) h, as Chung et al. 2014 write it"),
    Mutant("gru.bias-outside", "gru.cell", bias_outside, "the second bias outside of the reset gate's product"),
    Mutant("gru.reset-dropped", "gru.cell", reset_dropped, "the reset gate is not used"),
    Mutant("gru.reset-on-all", "gru.cell", reset_on_all, "the reset gate acts on the input too"),
    Mutant("gru.candidate-sigmoid", "gru.cell", candidate_sigmoid, "sigmoid in the place of tanh for n"),
    Mutant("gru.reset-carried", "gru.original_cell", reset_state_carried, "the reset state is carried on"),
    Mutant("gru.update-dropped", "gru.cell", update_dropped, "the update gate is not used"),
]
