"""The vision transformer's spec points in dataflow order, and how inputs for them are made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pyzoo.conformance.trace import RUN, Call, Recorder
from pyzoo.models.vit import CONFIGS, ViT, ViTConfig, build
from pyzoo.ops import vit as ops

POINTS = (
    "vit.patchify", "vit.embed", "vit.tokens", "vit.norm", "vit.qkv", "vit.scores", "vit.weights", "vit.mix",
    "vit.proj", "vit.add", "vit.fc1", "vit.gelu", "vit.fc2", "vit.head",
)
WHOLE = ("vit.patchify", "vit.tokens")  # evaluated an image at a time, the others a row at a time
TRANSCENDENTAL = ("vit.weights", "vit.gelu")  # an entry takes milliseconds


def _work(call: Call) -> int:
    """About how many multiplications Lean does for one entry of a call's output, where it evaluates whole rows."""
    if call.point in WHOLE:
        return call.output[0].numel()
    for name in ("weight", "k", "v"):
        if name in call.inputs:
            return call.inputs[name].shape[-2:].numel() // (1 if name == "weight" else RUN)
    return call.output.shape[-1]


def limit(call: Call) -> int:
    """How many entries of a call's output are compared."""
    most = 48 if call.point in TRANSCENDENTAL else 128
    return max(2, min(most, 100_000 // _work(call)))


def skip(call: Call) -> str | None:
    """Why a call is not judged, if it is too large for an evaluation in Lean within seconds."""
    size = sum(x.numel() for x in call.inputs.values())
    return f"inputs of {size} numbers take minutes in Lean" if size > 2_000_000 else None


def grid(seed: int) -> tuple[int, int]:
    """Rows and columns of patches in the seed's images: never the same number."""
    rows, columns = random.Random(seed).sample(range(2, 5), 2)
    return rows, columns


def model(seed: int) -> ViT:
    """A freshly built model whose sizes are drawn from the seed. No weight keeps a value of the initialization that
    would hide an error, such as a bias of 0; the first token is small, so that the first norm's eps counts."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    rows, columns = grid(seed)
    heads, patch = draw.randint(1, 3), draw.choice((2, 3))
    built = ViT(ViTConfig(
        width=heads * draw.randint(2, 4), depth=2, heads=heads, patch=patch, image=patch, channels=draw.randint(1, 3),
        classes=draw.randint(2, 7), mlp=draw.randint(1, 3),
    )).eval()  # fmt: skip
    built.pos = nn.Parameter(torch.randn(rows * columns + 1, built.config.width))
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(1 + torch.rand_like(parameter)).add_(0.2 * torch.randn_like(parameter))
        built.cls.mul_(0.002)
        built.pos[0].mul_(0.002)
    return built


def saved(run: Path) -> ViT:
    """The model of a saved run."""
    from pyzoo.tasks.vit import load

    return load(run)[0].eval()


def _edges(x: Tensor, patch: int) -> None:
    """Calls that a forward pass of one size would miss: another number of channels, scores whose exponentials
    overflow unless the largest is subtracted, and both tails of GELU."""
    ops.patchify(x=torch.cat((x, x[:, :1] + 1), 1), patch=patch)
    ops.weights(scores=100 * x[:1])
    ops.gelu(x=torch.linspace(-14, 14, 57, device=x.device, dtype=x.dtype).reshape(1, 3, 19))


def record(recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
           replaced: dict[str, Callable]) -> None:  # fmt: skip
    """Random images through the model, which are not square if it is freshly built."""
    built = (model(seed) if run is None else saved(run)).to(device, dtype)
    c = built.config
    sides = [c.patch * n for n in grid(seed)] if run is None else [c.image, c.image]
    x = torch.randn(2 if run is None else 1, c.channels, *sides, device=device,
                    generator=torch.Generator(device).manual_seed(seed)).to(dtype)  # fmt: skip
    with recorder.recording(replaced):
        built(x)
        if run is None:
            _edges(x, c.patch)


def _sizes(built: ViT) -> list[int]:
    """Parameters and tokens of a real module."""
    return [sum(p.numel() for p in built.parameters()), len(built.pos)]


def facts(run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
    """Structural facts: the numbers of parameters and tokens of the published networks, made without memory for their
    weights, and of the model at hand."""
    with torch.device("meta"):
        published = [_sizes(build(name)) for name in CONFIGS]
    built = model(0) if run is None else saved(run)
    c = built.config
    sides = [c.patch * n for n in grid(0)] if run is None else [c.image, c.image]
    own = {"sizes": [c.width, c.depth, c.heads, c.patch, *sides, c.channels, c.classes, c.mlp]}
    for i, name in enumerate(("vit.parameters", "vit.token_count")):
        yield name, [sizes[i] for sizes in published], {"names": [*CONFIGS]}
        yield name, [_sizes(built)[i]], own
