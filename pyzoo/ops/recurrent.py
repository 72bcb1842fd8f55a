"""The operations of recurrent networks, each a spec point: Elman's cell, the LSTM (Hochreiter and Schmidhuber 1997,
with the forget gate of Gers et al. 2000) and the GRU (Cho et al., arXiv 1406.1078), with PyTorch's two biases.

Shapes: B sequences, L steps, E input width, H hidden width, V vocabulary. The weights of a cell's G gates lie below
each other: weight_ih (GH, E), weight_hh (GH, H), bias_ih and bias_hh (GH). Lean: `Spec.rnnCell`,
`Spec.LSTM`, `Spec.GRU`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops.point import SINGLE, spec_point

FAMILIES = ("rnn", "lstm", "gru")


def _embedding(*, x: Tensor, weight: Tensor) -> Tensor:
    """One-hot symbols (B, L, V), weight (E, V) -> (B, L, E)."""
    return F.linear(x, weight)


def _head(*, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Logits; x (B, L, H), weight (V, H), bias (V) -> (B, L, V)."""
    return F.linear(x, weight, bias)


EMBEDDING = {name: spec_point(f"{name}.embedding", SINGLE)(_embedding) for name in FAMILIES}
HEAD = {name: spec_point(f"{name}.head", SINGLE)(_head) for name in FAMILIES}


def _over_time(cell: Callable[..., Tensor], x: Tensor, h: Tensor, **weights: Tensor) -> Tensor:
    """A cell whose state is its output, along x (B, L, E) from h (B, H): all states (B, L, H)."""
    out = []
    for x_t in x.unbind(1):
        h = cell(x=x_t, h=h, **weights)
        out.append(h)
    return torch.stack(out, 1)


@spec_point("rnn.cell", SINGLE)
def rnn_cell(*, x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
    """`tanh(W x + b + U h + c)`; x (B, E), h (B, H) -> (B, H)."""
    return torch.tanh(F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh))


@spec_point("rnn.layer", SINGLE)
def rnn_layer(*, x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
              bias_hh: Tensor) -> Tensor:
    """Elman's cell along a sequence; x (B, L, E), h0 (B, H) -> (B, L, H)."""
    return _over_time(rnn_cell, x, h0, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)


@spec_point("lstm.gates", SINGLE)
def lstm_gates(*, x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
               bias_hh: Tensor) -> Tensor:
    """The gates i, f, g, o side by side: `σ(W x + b + U h + c)`, for g `tanh`; x (B, E), h (B, H) -> (B, 4H)."""
    i, f, g, o = (F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)).chunk(4, -1)
    return torch.cat((torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)), -1)


@spec_point("lstm.cell", SINGLE)
def lstm_cell(*, x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
              bias_hh: Tensor) -> tuple[Tensor, Tensor]:
    """`c' = f c + i g` and `h' = o tanh(c')`; x (B, E), h and c (B, H) -> h' and c' (B, H)."""
    gates = lstm_gates(x=x, h=h, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)
    i, f, g, o = gates.chunk(4, -1)
    c = f * c + i * g
    return o * torch.tanh(c), c


@spec_point("lstm.layer", SINGLE)
def lstm_layer(*, x: Tensor, h0: Tensor, c0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
               bias_hh: Tensor) -> Tensor:
    """The LSTM along a sequence; x (B, L, E), h0 and c0 (B, H) -> the hidden states (B, L, H)."""
    h, c, out = h0, c0, []
    for x_t in x.unbind(1):
        h, c = lstm_cell(x=x_t, h=h, c=c, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)
        out.append(h)
    return torch.stack(out, 1)


@spec_point("gru.gates", SINGLE)
def gru_gates(*, x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
              bias_hh: Tensor) -> Tensor:
    """The gates r, z side by side, from the first two thirds of the weights; x (B, E), h (B, H) -> (B, 2H)."""
    two = 2 * h.shape[-1]
    return torch.sigmoid(F.linear(x, weight_ih[:two], bias_ih[:two]) + F.linear(h, weight_hh[:two], bias_hh[:two]))


@spec_point("gru.cell", SINGLE)
def gru_cell(*, x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
    """`n = tanh(W x + b + r (U h + c))`, the reset gate after the product, and `h' = (1 - z) n + z h`; x (B, E),
    h (B, H) -> (B, H)."""
    H = h.shape[-1]
    gates = gru_gates(x=x, h=h, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)
    r, z = gates.chunk(2, -1)
    carried = F.linear(h, weight_hh[-H:], bias_hh[-H:])
    n = torch.tanh(F.linear(x, weight_ih[-H:], bias_ih[-H:]) + r * carried)
    return (1 - z) * n + z * h


@spec_point("gru.layer", SINGLE)
def gru_layer(*, x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
              bias_hh: Tensor) -> Tensor:
    """The GRU along a sequence; x (B, L, E), h0 (B, H) -> (B, L, H)."""
    return _over_time(gru_cell, x, h0, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)


@spec_point("gru.original_cell", SINGLE)
def gru_original_cell(*, x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
                      bias_hh: Tensor) -> Tensor:
    """As `gru.cell`, with the reset gate before the product: `n = tanh(W x + b + U (r h) + c)`."""
    H = h.shape[-1]
    gates = gru_gates(x=x, h=h, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)
    r, z = gates.chunk(2, -1)
    carried = F.linear(r * h, weight_hh[-H:], bias_hh[-H:])
    n = torch.tanh(F.linear(x, weight_ih[-H:], bias_ih[-H:]) + carried)
    return (1 - z) * n + z * h


@spec_point("gru.original_layer", SINGLE)
def gru_original_layer(*, x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor,
                       bias_hh: Tensor) -> Tensor:
    """As `gru.layer`, of the cells `gru.original_cell`."""
    weights = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh}
    return _over_time(gru_original_cell, x, h0, **weights)
