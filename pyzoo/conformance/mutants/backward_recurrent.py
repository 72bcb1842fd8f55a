"""Wrong backward passes of recurrent cells, and of backpropagation through time."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.conformance.mutants.backward import backward, grafted
from pyzoo.conformance.mutants.recurrent import transposed
from pyzoo.ops.point import POINTS

BIASES = ("bias_ih", "bias_hh")


def _affine(x: Tensor, h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
    return F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)


def _first_row(b: Tensor, rows: int) -> Tensor:
    """A bias for every row, of which the first row's alone has a gradient."""
    return torch.cat((b[None], b.detach().expand(rows - 1, -1)))


def _bias_of_first_row(point: str) -> Callable:
    def wrong(*, x, **rest):
        rows = {name: _first_row(rest[name], len(x)) for name in BIASES}
        each = [
            POINTS[point](x=x[i : i + 1], **(rest | {"h": rest["h"][i : i + 1]} | {k: b[i] for k, b in rows.items()}))
            for i in range(len(x))
        ]
        return torch.cat(each)

    return wrong


def _bias_dropped(point: str) -> Callable:
    return lambda *, bias_hh, **rest: POINTS[point](bias_hh=bias_hh.detach(), **rest)


def _transposed(value: str, derivative: Callable[[Tensor], Tensor]) -> Callable:
    """The gradient goes back through weight_hh instead of its transpose."""

    def wrong(*, weight_hh, **rest):
        y = POINTS[value](weight_hh=weight_hh, **rest).detach()
        return derivative(y) * _affine(weight_hh=transposed(weight_hh), **rest)[:, : y.shape[1]]

    return wrong


def _along(cell: Callable[..., tuple[Tensor, ...]], right: str, names: tuple[str, ...] = ("h",)) -> Callable:
    """Steps with the values of the spec point `right` and the gradient of `cell`; `names` are the states."""

    def wrong(*, x, **rest):
        weights = {name: w for name, w in rest.items() if name not in ("h0", "c0")}
        states, out = {name: rest[f"{name}0"] for name in names}, []
        for x_t in x.unbind(1):
            value, y = (f(x=x_t, **states, **weights) for f in (POINTS[right], cell))
            pairs = zip(value, y, strict=True) if isinstance(value, tuple) else [(value, y)]
            states = {name: grafted(*pair) for name, pair in zip(names, pairs, strict=True)}
            out.append(states["h"])
        return torch.stack(out, 1)

    return wrong


def _state_detached(cell: str) -> Callable:
    return lambda *, h, **rest: POINTS[cell](h=h.detach(), **rest)


def _start_dropped(layer: str, state: str = "h0") -> Callable:
    return lambda **inputs: POINTS[layer](**(inputs | {state: inputs[state].detach()}))


def rnn_unsquashed(**inputs):
    return _affine(**inputs)


def rnn_slope_of_sum(**inputs):
    a = _affine(**inputs)
    return a - a**3 / 3


def _slope_of_tanh(y: Tensor) -> Tensor:
    return 1 - y * y


def _slope_of_sigmoid(y: Tensor) -> Tensor:
    return y * (1 - y)


def _slopes(y: Tensor) -> Tensor:
    """Of the LSTM's gates i, f, g, o."""
    i, f, g, o = y.chunk(4, -1)
    return torch.cat((_slope_of_sigmoid(i), _slope_of_sigmoid(f), _slope_of_tanh(g), _slope_of_sigmoid(o)), -1)


def lstm_candidate_sigmoid(**inputs):
    return _slope_of_sigmoid(POINTS["lstm.gates"](**inputs).detach()) * _affine(**inputs)


def lstm_gates_linear(**inputs):
    return _affine(**inputs)


def lstm_slopes_rotated(**inputs):
    i, f, g, o = _slopes(POINTS["lstm.gates"](**inputs).detach()).chunk(4, -1)
    return torch.cat((f, i, g, o), -1) * _affine(**inputs)


def _lstm(step: Callable[..., tuple[Tensor, Tensor]]) -> Callable:
    """The LSTM along a sequence with the gradient of a step from i, f, g, o and c to h' and c'."""

    def cell(*, c, **inputs):
        return step(*POINTS["lstm.gates"](**inputs).chunk(4, -1), c)

    return _along(cell, "lstm.cell", ("h", "c"))


def _out(o: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    return o * torch.tanh(c), c


lstm_forget_dropped = _lstm(lambda i, f, g, o, c: _out(o, f.detach() * c + i * g))
lstm_carry_dropped = _lstm(lambda i, f, g, o, c: _out(o, f * c.detach() + i * g))
lstm_carry_whole = _lstm(lambda i, f, g, o, c: _out(o, f * c.detach() + grafted(c, c) - c.detach() + i * g))
lstm_output_dropped = _lstm(lambda i, f, g, o, c: _out(o.detach(), f * c + i * g))
lstm_input_for_candidate = _lstm(lambda i, f, g, o, c: _out(o, f * c + i * i.detach() + g * g.detach()))


def _lstm_unsquashed(i, f, g, o, c):
    new = f * c + i * g
    return o * torch.tanh(new).detach() + o.detach() * new, new


lstm_cell_unsquashed = _lstm(_lstm_unsquashed)


def lstm_hidden_detached(*, h, **rest):
    return POINTS["lstm.cell"](h=h.detach(), **rest)


def gru_slopes_swapped(**inputs):
    y = POINTS["gru.gates"](**inputs).detach()
    r, z = _slope_of_sigmoid(y).chunk(2, -1)
    return torch.cat((z, r), -1) * _affine(**inputs)[:, : y.shape[1]]


def gru_gates_linear(**inputs):
    return _affine(**inputs)[:, : 2 * inputs["h"].shape[1]]


def _gru(step: Callable[..., Tensor]) -> Callable:
    """The GRU's cell with the gradient of a step from r, z, the input's part of the candidate, U h, c and h."""

    def cell(*, x, h, weight_ih, weight_hh, bias_ih, bias_hh):
        H = h.shape[-1]
        gates = POINTS["gru.gates"](
            x=x, h=h, weight_ih=weight_ih, weight_hh=weight_hh, bias_ih=bias_ih, bias_hh=bias_hh
        )
        w = F.linear(x, weight_ih[-H:], bias_ih[-H:])
        return step(*gates.chunk(2, -1), w, F.linear(h, weight_hh[-H:]), bias_hh[-H:], h)

    return cell


def _mix(z: Tensor, n: Tensor, h: Tensor) -> Tensor:
    return (1 - z) * n + z * h


def _gru_unsquashed(r, z, w, u, c, h):
    a = w + r * (u + c)
    return _mix(z, grafted(torch.tanh(a), a), h)


def _gru_bias_unreset(r, z, w, u, c, h):
    return _mix(z, torch.tanh(w + r * (u + c.detach()) + c - c.detach()), h)


def _gru_update_reversed(r, z, w, u, c, h):
    n = torch.tanh(w + r * (u + c))
    return _mix(z.detach(), n, h) + z * (n - h).detach()


gru_reset_dropped = _gru(lambda r, z, w, u, c, h: _mix(z, torch.tanh(w + r.detach() * (u + c)), h))
gru_carried_unreset = _gru(lambda r, z, w, u, c, h: _mix(z, torch.tanh(w + r * u.detach() + u - u.detach() + r * c), h))
gru_update_dropped = _gru(lambda r, z, w, u, c, h: _mix(z.detach(), torch.tanh(w + r * (u + c)), h))
gru_carry_dropped = _gru(lambda r, z, w, u, c, h: _mix(z, torch.tanh(w + r * (u + c)), h.detach()))


def gru_original_reset_dropped(*, x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    H = h.shape[-1]
    weights = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh}
    r, z = POINTS["gru.gates"](x=x, h=h, **weights).chunk(2, -1)
    carried = F.linear(r.detach() * h, weight_hh[-H:], bias_hh[-H:])
    return _mix(z, torch.tanh(F.linear(x, weight_ih[-H:], bias_ih[-H:]) + carried), h)


def gru_original_weight_unreset(*, weight_hh, **rest):
    """The candidate's weight gets the gradient that it would have of the state before it is reset."""
    H, h = rest["h"].shape[-1], rest["h"].detach()
    y = POINTS["gru.original_cell"](weight_hh=torch.cat((weight_hh[:-H], weight_hh[-H:].detach())), **rest)
    z = POINTS["gru.gates"](weight_hh=weight_hh, **rest).detach()[:, H:]
    n = (y.detach() - z * h) / (1 - z)
    return y + (1 - z) * _slope_of_tanh(n) * F.linear(h, weight_hh[-H:] - weight_hh[-H:].detach())


MUTANTS = [
    backward("tanh-linear", "rnn.cell", rnn_unsquashed, "1 - tanh² is left out"),
    backward("tanh-of-sum", "rnn.cell", rnn_slope_of_sum, "1 - a² of the sum a in the place of 1 - tanh(a)²"),
    backward("transposed", "rnn.cell", _transposed("rnn.cell", _slope_of_tanh), "back through U in the place of Uᵀ"),
    backward("bias-of-first-row", "rnn.cell", _bias_of_first_row("rnn.cell"), "a bias's gradient is not summed over the batch"),
    backward("bias-dropped", "rnn.cell", _bias_dropped("rnn.cell"), "the second bias gets no gradient"),
    backward("state-detached", "rnn.layer", _along(_state_detached("rnn.cell"), "rnn.cell"), "nothing goes back in time"),
    backward("tanh-linear-in-time", "rnn.layer", _along(rnn_unsquashed, "rnn.cell"), "1 - tanh² is left out at every step"),
    backward("start-dropped", "rnn.layer", _start_dropped("rnn.layer"), "the first state gets no gradient"),
    backward("candidate-sigmoid", "lstm.gates", lstm_candidate_sigmoid, "the candidate's tanh has sigmoid's derivative"),
    backward("gates-linear", "lstm.gates", lstm_gates_linear, "the gates' derivatives are taken as 1"),
    backward("slopes-swapped", "lstm.gates", lstm_slopes_rotated, "input and forget gate have each other's derivative"),
    backward("transposed", "lstm.gates", _transposed("lstm.gates", _slopes), "back through U in the place of Uᵀ"),
    backward("bias-of-first-row", "lstm.gates", _bias_of_first_row("lstm.gates"),
             "a bias's gradient is not summed over the batch"),
    backward("forget-dropped", "lstm.layer", lstm_forget_dropped, "the forget gate gets no gradient"),
    backward("carry-dropped", "lstm.layer", lstm_carry_dropped, "the cell's path back through the forget gate is cut"),
    backward("carry-whole", "lstm.layer", lstm_carry_whole, "the cell's path back is not weighted by the forget gate"),
    backward("output-dropped", "lstm.layer", lstm_output_dropped, "the output gate gets no gradient"),
    backward("own-factor", "lstm.layer", lstm_input_for_candidate, "input gate and candidate are each their own factor"),
    backward("cell-unsquashed", "lstm.layer", lstm_cell_unsquashed, "1 - tanh² of the cell is left out"),
    backward("hidden-detached", "lstm.layer", _along(lstm_hidden_detached, "lstm.cell", ("h", "c")),
             "the hidden state takes nothing back in time"),
    backward("cell-start-dropped", "lstm.layer", _start_dropped("lstm.layer", "c0"), "the first cell gets no gradient"),
    backward("slopes-swapped", "gru.gates", gru_slopes_swapped, "reset and update gate have each other's derivative"),
    backward("gates-linear", "gru.gates", gru_gates_linear, "the gates' derivatives are taken as 1"),
    backward("transposed", "gru.gates", _transposed("gru.gates", _slope_of_sigmoid), "back through U in the place of Uᵀ"),
    backward("bias-of-first-row", "gru.cell", _bias_of_first_row("gru.cell"),
             "a bias's gradient is not summed over the batch"),
    backward("reset-dropped", "gru.cell", gru_reset_dropped, "the reset gate gets no gradient"),
    backward("carried-unreset", "gru.cell", gru_carried_unreset, "the state's product goes back past the reset gate"),
    backward("bias-unreset", "gru.cell", _gru(_gru_bias_unreset), "the second bias's gradient is the first one's"),
    backward("update-dropped", "gru.cell", gru_update_dropped, "the update gate gets no gradient"),
    backward("update-reversed", "gru.cell", _gru(_gru_update_reversed), "n - h in the place of h - n"),
    backward("carry-dropped", "gru.cell", gru_carry_dropped, "the state's path past the candidate is cut"),
    backward("candidate-linear", "gru.cell", _gru(_gru_unsquashed), "1 - tanh² of the candidate is left out"),
    backward("original-reset-dropped", "gru.original_cell", gru_original_reset_dropped, "the reset gate gets no gradient"),
    backward("original-weight-unreset", "gru.original_cell", gru_original_weight_unreset,
             "the candidate's weight gets the gradient of the convention after the product"),
    backward("state-detached", "gru.layer", _along(_state_detached("gru.cell"), "gru.cell"), "nothing goes back in time"),
    backward("original-state-detached", "gru.original_layer",
             _along(_state_detached("gru.original_cell"), "gru.original_cell"), "nothing goes back in time"),
]  # fmt: skip
