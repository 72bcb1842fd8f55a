"""Wrong selective scans, of the kinds that a fused and chunked kernel makes possible."""

import torch
import torch.nn.functional as F

from pyzoo.conformance.mutants import Mutant
from pyzoo.conformance.mutants.backward import backward
from pyzoo.ops.selective_scan import selective_scan

POINT = "mamba.selective_scan"


def _halves(h0, start, **inputs):
    """Two chunks of time; `start(end, h0)` is what the second one starts from, given the first one's end."""
    length = inputs["u"].shape[1]
    half = max(1, length // 2)
    parts = [{k: v[:, s] if k in ("u", "dt", "z", "b", "c") else v for k, v in inputs.items()}
             for s in (slice(half), slice(half, length))]
    y, end = selective_scan(h0=h0, **parts[0])
    return torch.cat((y, selective_scan(h0=start(end, h0), **parts[1])[0]), 1)


def carry_lost(*, h0, **inputs):
    return _halves(h0, lambda end, h0: torch.zeros_like(h0), **inputs)


def wrong_summary(*, h0, **inputs):
    return _halves(h0, lambda end, h0: h0, **inputs)


def summary_from_zero(*, h0, **inputs):
    ends = []
    _halves(torch.zeros_like(h0), lambda end, h0: ends.append(end) or end, **inputs)
    return _halves(h0, lambda end, h0: ends[0], **inputs)


def carry_detached(*, h0, **inputs):
    return _halves(h0, lambda end, h0: end.detach(), **inputs)


def group_offset_missing(*, b, c, **inputs):
    first = [x[:, :, :1].expand_as(x) for x in (b, c)]
    return selective_scan(b=first[0], c=first[1], **inputs)[0]


def group_offset_missing_in_b(*, b, **inputs):
    return selective_scan(b=b[:, :, :1].expand_as(b), **inputs)[0]


def initial_state_dropped(*, h0, **inputs):
    return selective_scan(**inputs)[0]


def base_two(*, a, **inputs):
    return selective_scan(a=a * 0.6931471805599453, **inputs)[0]


def bias_late(*, dt, bias, **inputs):
    return selective_scan(dt=F.softplus(dt) + bias, softplus=False, **inputs)[0]


def softplus_missing(**inputs):
    return selective_scan(softplus=False, **inputs)[0]


def skip_after_gate(*, u, d, **inputs):
    return selective_scan(u=u, **inputs)[0] + d * u


def gate_sigmoid(*, z, **inputs):
    return selective_scan(**inputs)[0] * torch.sigmoid(z)


def inputs_swapped(*, b, c, **inputs):
    return selective_scan(b=c, c=b, **inputs)[0]


def tail_read(*, u, dt, z, b, c, **inputs):
    """The tile's padding goes into the sum: it reads the last step once more."""
    last = [torch.cat((x, x[:, -1:]), 1) for x in (u, dt, z, b, c)]
    y = selective_scan(**dict(zip(("u", "dt", "z", "b", "c"), last, strict=True)), **inputs)[0]
    return torch.cat((y[:, :-2], y[:, -2:-1] + y[:, -1:]), 1)


def decay_forgotten(*, a, **inputs):
    return selective_scan(a=a.detach(), **inputs)[0]


def gate_as_constant(*, z, **inputs):
    return selective_scan(**inputs)[0] * torch.sigmoid(z).detach() * z


def gate_before_skip(*, u, d, **inputs):
    return selective_scan(u=u, d=d.detach(), **inputs)[0]


MUTANTS = [
    Mutant("mamba.fused-carry-lost", POINT, carry_lost, "a chunk starts from zero"),
    Mutant("mamba.fused-wrong-summary", POINT, wrong_summary, "a chunk starts from the state before the one that precedes it"),
    Mutant("mamba.fused-summary-from-zero", POINT, summary_from_zero, "the first state doesn't reach the second chunk"),
    Mutant("mamba.fused-group-offset", POINT, group_offset_missing, "all channels read the first group's B and C"),
    Mutant("mamba.fused-initial-state", POINT, initial_state_dropped, "the scan starts from zero"),
    Mutant("mamba.fused-base-two", POINT, base_two, "2^x in the place of exp(x)"),
    Mutant("mamba.fused-bias-late", POINT, bias_late, "the bias is added after softplus"),
    Mutant("mamba.fused-softplus", POINT, softplus_missing, "step sizes without softplus"),
    Mutant("mamba.fused-skip-late", POINT, skip_after_gate, "D u is not gated"),
    Mutant("mamba.fused-gate-sigmoid", POINT, gate_sigmoid, "sigmoid in the place of SiLU"),
    Mutant("mamba.fused-inputs-swapped", POINT, inputs_swapped, "B and C change places"),
    Mutant("mamba.fused-tail", POINT, tail_read, "the padding of the last tile is added to the last step"),
    backward("fused-tail", POINT, tail_read, "the reverse scan starts in the last tile's padding"),
    backward("fused-carry", POINT, carry_detached, "the gradient stops at a chunk's edge"),
    backward("fused-group-offset", POINT, group_offset_missing_in_b, "the gradient of B sums over the first group's channels"),
    backward("fused-decay", POINT, decay_forgotten, "the gradient of A is left out"),
    backward("fused-gate", POINT, gate_as_constant, "the derivative of SiLU without that of its sigmoid"),
    backward("fused-skip", POINT, gate_before_skip, "the gradient of D is left out"),
]
