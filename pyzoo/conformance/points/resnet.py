"""The residual network's spec points in dataflow order, and how inputs for them are made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.resnet import CONFIGS, BatchNorm, ResNet, ResNetConfig, count_parameters, stage_sizes
from pyzoo.ops import resnet as ops

POINTS = (
    "resnet.conv", "resnet.batch_norm", "resnet.relu", "resnet.add", "resnet.block", "resnet.pool", "resnet.fc",
)
CALLS = {"resnet.block": 2}


def limit(call: Call) -> int:
    """How many entries of a call's output are compared. A block is evaluated as a whole, so all of it is."""
    if call.point == "resnet.block":
        return call.output.numel()
    work = call.inputs["weight"][0].numel() if call.point in ("resnet.conv", "resnet.fc") else 64
    return max(8, min(96, 30_000 // work))


def skip(call: Call) -> str | None:
    """Why a call is not judged."""
    return None


def model(seed: int) -> ResNet:
    """A freshly built model of two stages whose sizes are drawn from the seed. No statistic or parameter keeps a value
    of the initialization that would hide an error; one running variance is small, so that eps counts."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    first = draw.randint(2, 3)
    built = ResNet(ResNetConfig((1, 1), (first, first + 1), channels=draw.randint(1, 2), classes=draw.randint(2, 5),
                                image=draw.randint(3, 5))).eval()  # fmt: skip
    with torch.no_grad():
        for norm in (m for m in built.modules() if isinstance(m, BatchNorm)):
            norm.mean.normal_()
            norm.var.uniform_(0.5, 2.0)[0] = 1e-4
            norm.weight.uniform_(0.5, 1.5)[0] = 0.02  # or deep in the network, half precision would overflow
            norm.bias.normal_()
    return built


def saved(run: Path) -> ResNet:
    """The model of a saved run."""
    from pyzoo.tasks.resnet import load

    return load(run)[0].eval()


def _images(built: ResNet, seed: int, fresh: bool, device: str) -> Tensor:
    """Random images; a fresh model gets images that are not square. A trained one gets the smallest that its strides
    leave anything of, since a block is judged as a whole."""
    c = built.config
    rows = c.image if fresh else 2
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randn(2 if fresh else 1, c.channels, rows, rows + 2 if fresh else 2, device=device, generator=generator)


def record(recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
           replaced: dict[str, Callable]) -> None:  # fmt: skip
    """One batch through the model; for a fresh one, also a convolution with a stride that does not divide its input."""
    built = (model(seed) if run is None else saved(run)).to(device, dtype)
    x = _images(built, seed, run is None, device).to(dtype)
    with recorder.recording(replaced):
        built(x)
        if run is None:
            ops.conv(x=x, weight=torch.randn(2, x.shape[1], 3, 2, device=device, dtype=dtype), stride=3, padding=2)
            ops.relu(x=torch.tensor([[-1.0, -0.0, 0.0, 1e-45, 3.0]], device=device, dtype=dtype))


def facts(run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
    """Structural facts: parameter counts and sizes of the real modules, of the published networks and of this one."""
    for name in CONFIGS:
        yield "resnet.parameters", [count_parameters(name)], {"name": name}
        yield "resnet.sizes", [rows for _, rows, _ in stage_sizes(name)], {"name": name}
    built = model(0) if run is None else saved(run)
    c = built.config
    yield "resnet.parameters", [sum(p.numel() for p in built.parameters())], {
        "blocks": list(c.blocks), "widths": list(c.widths), "channels": c.channels, "classes": c.classes, "image": c.image
    }
