"""Mamba-2's spec points in dataflow order, and how inputs for them are made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from pyzoo.conformance.points.mamba import record_text, saved, skip, tails
from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.mamba2 import Mamba2, Mamba2Config, Mixer
from pyzoo.ops import mamba2 as ops

__all__ = ["CALLS", "POINTS", "facts", "limit", "model", "record", "saved", "skip"]

POINTS = (
    "mamba2.norm", "mamba2.in_proj", "mamba2.conv", "mamba2.silu", "mamba2.dt", "mamba2.decays", "mamba2.starts",
    "mamba2.ssd", "mamba2.gated_norm", "mamba2.out_proj", "mamba2.mixer", "mamba2.ssd_step.h", "mamba2.ssd_step.y",
    "mamba2.step.conv_state", "mamba2.step.h", "mamba2.step.y", "mamba2.head",
)  # fmt: skip
LENGTHS = (9, 1, 7, 2, 5, 3, 4)
WHOLE = ("mamba2.conv", "mamba2.starts", "mamba2.ssd", "mamba2.mixer", "mamba2.ssd_step.h", "mamba2.ssd_step.y",
         "mamba2.step.conv_state", "mamba2.step.h", "mamba2.step.y")  # fmt: skip
CALLS = dict.fromkeys((p for p in WHOLE if p not in ("mamba2.conv", "mamba2.starts")), 2)  # the first and the last


def limit(call: Call) -> int:
    """How many entries of a call's output are compared. A sequence is evaluated as a whole, so all of it is."""
    return call.output.numel() if call.point in WHOLE else 128


def model(seed: int) -> Mamba2:
    """A freshly built model whose sizes are drawn from the seed. The weights are those of the initialization, except
    that Δ is spread so that softplus is seen on both sides of its switch to the identity."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    width = draw.choice((3, 4, 6))
    built = Mamba2(Mamba2Config(
        vocab=draw.randint(5, 13), width=width, layers=2, head=draw.choice((2, 3) if width % 3 == 0 else (2, 4)),
        state=draw.randint(2, 4), taps=draw.randint(2, 4), chunk=draw.randint(2, 4),
    )).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(1 + 0.5 * torch.rand_like(parameter)).add_(0.05 * torch.randn_like(parameter))
        built.embedding.mul_(20)
        for mixer in built.mixers:
            mixer.a_log.sub_(1.5)  # decays that a chunk's end still sees
            mixer.dt_bias.add_(2)
        built.mixers[0].dt_bias[0], built.mixers[0].a_log[0] = 21.0, -5.0
    return built


def record(recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
           replaced: dict[str, Callable]) -> None:  # fmt: skip
    """One sequence through the model, then its last token as a step of a stream, and what these don't reach."""
    built = (model(seed) if run is None else saved(run)).to(device, dtype)
    length = LENGTHS[seed % len(LENGTHS)] if run is None else 2
    record_text(recorder, built, length, 1 if run else 2, seed, replaced)
    if run is None:
        with recorder.recording(replaced):
            _edges(saturated(seed).to(device, dtype), seed)


def saturated(seed: int) -> Mixer:
    """A mixer with a head in each part of softplus, and with two gates and two convolutions in SiLU's tails where an input begins
    with 1."""
    torch.manual_seed(seed)
    mixer = Mixer(Mamba2Config(vocab=1, width=4, head=2, state=2, taps=2, chunk=2))
    with torch.no_grad():
        mixer.dt_bias.copy_(torch.tensor([21.0, 1.0, -1.0, -21.0]))
        mixer.a_log.copy_(torch.tensor([-5.0, -1.0, 0.0, 1.0]))
        mixer.conv_bias[2:4] = torch.tensor([21.0, -21.0])
        mixer.in_proj[4:6] = torch.tensor([[21.0], [-21.0]]) * torch.eye(1, 4)
    return mixer


def _edges(mixer: Mixer, seed: int) -> None:
    """A sequence and a step of one sequence through a saturated mixer, its second chunk cut short, and SiLU's tails."""
    generator = torch.Generator().manual_seed(seed)
    x, conv_state, h = (torch.randn(shape, generator=generator).to(mixer.d) for shape in ((1, 3, 4), (1, 12, 1), (1, 4, 2, 2)))
    x[..., 0] = 1
    mixer(x)
    mixer.step(x[:, 0], conv_state, h)
    ops.silu(x=tails(x.device, x.dtype))


def facts(run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
    """Structural facts: the number of parameters of the real model."""
    built = model(0) if run is None else saved(run)
    c = built.config
    yield "mamba2.parameters", [sum(p.numel() for p in built.parameters())], {
        "sizes": [c.vocab, c.width, c.layers, c.heads, c.head, c.state, c.taps]
    }
