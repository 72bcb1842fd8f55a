"""Mamba's spec points in dataflow order, and how inputs for them are made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.mamba import Mamba, MambaConfig, Mixer
from pyzoo.ops import mamba as ops

POINTS = (
    "mamba.norm", "mamba.in_proj", "mamba.conv", "mamba.silu", "mamba.x_proj", "mamba.dt", "mamba.decay", "mamba.input",
    "mamba.states", "mamba.readout", "mamba.gate", "mamba.out_proj", "mamba.mixer", "mamba.selective_scan",
    "mamba.step.conv_state", "mamba.step.h", "mamba.step.y", "mamba.head",
)
LENGTHS = (5, 1, 2, 7, 3, 4, 9)
SCANS = (1, 2, 3, 31, 33, 372, 784, 1134, 2049)  # steps of a scan of its own in the first cases; on a GPU long ones run in chunks
CALLS = {"mamba.mixer": 2, "mamba.step.conv_state": 1, "mamba.step.h": 1, "mamba.step.y": 1}  # the first block's, and the last mixer
WHOLE = ("mamba.conv", "mamba.states", "mamba.mixer", "mamba.selective_scan", "mamba.step.conv_state", "mamba.step.h", "mamba.step.y")


def limit(call: Call) -> int:
    """How many entries of a call's output are compared. A sequence is evaluated as a whole, so all of it is."""
    return call.output.numel() if call.point in WHOLE else 128


def gradient_entries(call: Call) -> int | None:
    """How many entries of a gradient are compared, if not the usual number: each is a pass through all steps."""
    return 1 if call.point == "mamba.selective_scan" and call.output.shape[1] > 100 else None


def skip(call: Call) -> str | None:
    """Why a call is not judged."""
    return None


def model(seed: int) -> Mamba:
    """A freshly built model whose sizes are drawn from the seed. The weights are those of the initialization, except
    that Δ, two gates and two convolutions are spread."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    config = MambaConfig(
        vocab=draw.randint(5, 13), width=draw.choice((3, 4, 5)), layers=2, state=draw.randint(2, 4), taps=draw.randint(2, 4)
    )
    built = Mamba(config).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(1 + 0.5 * torch.rand_like(parameter)).add_(0.05 * torch.randn_like(parameter))
        built.embedding.mul_(20)
        saturate(built.mixers[0], rows=slice(built.config.inner, None))
        built.mixers[0].x_proj[:, 5] *= 0.05
    return built


def saturate(mixer: nn.Module, rows: slice) -> None:
    """Step sizes in every part of softplus; where there are eight channels or more, some whose gates, at `rows` of the
    projection, or whose convolutions are in SiLU's tails, none with an output so large that it would hide the others'."""
    bias, z = mixer.dt_bias, mixer.in_proj[rows]
    bias[:3] = torch.tensor([21.0, 1.0, -21.0])[: len(bias)]
    if len(z) < 8:
        return
    z[3] *= 40
    z[4] = -z[3]
    mixer.conv_weight[3] *= 0.05
    mixer.conv_bias[3] *= 0.05
    mixer.conv_bias[4:6] += torch.tensor([-21.0, 21.0])
    z[5] *= 0.05


def tails(device: str, dtype: torch.dtype) -> torch.Tensor:
    """Arguments (1, 3, 7) of SiLU in both tails and between them."""
    return torch.linspace(-20, 20, 21, device=device, dtype=dtype).reshape(1, 3, 7)


def saved(run: Path) -> Mamba:
    """The model of a saved run."""
    from pyzoo.tasks.mamba import load

    return load(run)[0].eval()


def record(recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
           replaced: dict[str, Callable]) -> None:  # fmt: skip
    """One sequence through the model, then its last token as a step of a stream, a scan with the first mixer's weights, in the first
    cases another one, SiLU's tails, and two steps of a narrow mixer."""
    built = (model(seed) if run is None else saved(run)).to(device, dtype)
    length = LENGTHS[seed % len(LENGTHS)] if run is None else 2
    record_text(recorder, built, length, 1 if run else 2, seed, replaced)
    with recorder.recording(replaced):
        ops.selective_scan(**scan_inputs(built.mixers[0], seed, length))
        if run is None and seed < len(SCANS):
            ops.selective_scan(**narrow_scan(seed, SCANS[seed], device, dtype))
        if run is None:
            ops.silu(x=tails(device, dtype))
            x = torch.tensor([[[2.0], [0.5]]]) * (1 + 0.2 * torch.rand(1, 2, 1, generator=torch.Generator().manual_seed(seed)))
            narrow(seed).to(device, dtype)(x.to(device, dtype))


def narrow(seed: int) -> Mixer:
    """A mixer of two channels with one state, whose budget is narrow and whose decay after a large input counts."""
    torch.manual_seed(seed)
    mixer = Mixer(MambaConfig(vocab=1, width=1, state=1, taps=1))
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.uniform_(0.5, 1.5)
        mixer.d *= 0.1
        mixer.x_proj[0] *= 0.3
        mixer.dt_bias -= 0.5
    return mixer


def record_text(recorder: Recorder, built: Mamba, length: int, batch: int, seed: int, replaced: dict[str, Callable]) -> None:
    """Sequences of random tokens through the model, then one more token of each as a step of a stream."""
    device = built.embedding.device
    tokens = torch.randint(built.config.vocab, (batch, length + 1), device=device,
                           generator=torch.Generator(device).manual_seed(seed))
    with recorder.recording(replaced):
        built(tokens[:, :length])
    memory = built.start(batch)
    for t in range(length):
        _, memory = built.step(tokens[:, t], memory)
    with recorder.recording(replaced):
        built.step(tokens[:, length], memory)


Draw = Callable[..., torch.Tensor]


def drawing(seed: int, like: torch.Tensor) -> Draw:
    """A function that draws normal numbers of the given shapes, on the device and in the dtype of `like`."""
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=generator).to(like)


def sequences(draw: Draw, batch: int, length: int, width: int, groups: int, states: int) -> dict[str, torch.Tensor]:
    """What a selective scan reads at each step."""
    inputs = {name: draw(batch, length, width) for name in ("u", "dt", "z")}
    return inputs | {name: draw(batch, length, groups, states) for name in ("b", "c")}


def narrow_scan(seed: int, length: int, device: str, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Random inputs of a selective scan of an odd width, whose states decay in tens of steps; one channel if it is so long that more
    take minutes in Lean."""
    E, N = (3, 5) if length < 100 else (1, 3) if length < 1000 else (1, 1)
    draw, weights = drawing(seed, torch.empty(0, device=device, dtype=dtype)), _weights(dtype)
    inputs = sequences(draw, 1, length, E, 1, N)
    fixed = {"a": -torch.exp(draw(E, N).to(weights)), "d": draw(E), "bias": draw(E).to(weights) - 3, "h0": draw(1, E, N)}
    return inputs | {name: x.to(weights) for name, x in fixed.items()}


def scan_inputs(mixer: nn.Module, seed: int, length: int) -> dict[str, torch.Tensor]:
    """Random inputs of a selective scan with a mixer's weights, its channels in one or two groups."""
    (E, N), draw = mixer.a_log.shape, drawing(seed, mixer.a_log.detach())
    inputs = sequences(draw, 2, length, E, 2 - seed % 2, N)
    inputs["z"][..., :2] += torch.tensor([20, -20]).to(mixer.a_log)
    weights = _weights(mixer.a_log.dtype)
    fixed = {"a": -torch.exp(mixer.a_log.detach().to(weights)), "d": mixer.d.detach(), "bias": mixer.dt_bias.detach(), "h0": draw(2, E, N)}
    return inputs | {name: x.to(weights) for name, x in fixed.items()}


def _weights(dtype: torch.dtype) -> torch.dtype:
    """The dtype of a scan's weights and states, by that of its sequences."""
    return torch.promote_types(dtype, torch.float32)


def facts(run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
    """Structural facts: the number of parameters of the real model."""
    built = model(0) if run is None else saved(run)
    c = built.config
    yield "mamba.parameters", [sum(p.numel() for p in built.parameters())], {
        "sizes": [c.vocab, c.width, c.layers, c.inner, c.state, c.rank, c.taps]
    }
