"""GPT's spec points in dataflow order, and how inputs for them are made."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.gpt import CONFIGS, GPT, GPTConfig
from pyzoo.ops import gpt as ops

POINTS = (
    "gpt.angles.cosines", "gpt.angles.sines", "gpt.embed", "gpt.tokens", "gpt.norm", "gpt.qkv", "gpt.heads", "gpt.rotate",
    "gpt.append", "gpt.scores", "gpt.weights", "gpt.mix", "gpt.attend", "gpt.merge", "gpt.proj", "gpt.add", "gpt.fc1", "gpt.gelu",
    "gpt.gelu_tanh", "gpt.fc2", "gpt.block.y", "gpt.block.k", "gpt.block.v", "gpt.head", "gpt.logits", "gpt.decode",
)  # fmt: skip
WHOLE = ("gpt.block.y", "gpt.block.k", "gpt.block.v", "gpt.logits", "gpt.decode")
CALLS = dict.fromkeys(WHOLE, 3) | {"gpt.block.k": 2, "gpt.block.v": 2, "gpt.attend": 3}
TRANSCENDENTAL = ("gpt.weights", "gpt.gelu", "gpt.gelu_tanh", "gpt.angles.cosines", "gpt.angles.sines")  # an entry takes milliseconds
VALUES_ALONE = ("gpt.logits", "gpt.decode", "gpt.angles.cosines", "gpt.angles.sines")  # have wide bounds, or no inputs
LAST_CALL_ALONE = ("gpt.block.y", "gpt.block.k", "gpt.block.v")  # whose gradients have narrow bounds: its weights are small


def limit(call: Call) -> int:
    """How many entries of a call's output are compared."""
    return 48 if call.point in TRANSCENDENTAL else 128


def skip(call: Call) -> str | None:
    """Why a call is not judged, if it is too large for an evaluation in Lean within seconds."""
    size = sum(x.numel() for x in call.inputs.values())
    most = 300_000 if call.point in WHOLE else 2_000_000
    return f"inputs of {size} numbers take minutes in Lean" if size > most else None


def model(seed: int, tied: bool = False, rotary: bool = False) -> GPT:
    """A freshly built model whose sizes are drawn from the seed, like minGPT's or, if `tied`, like GPT-2's. No weight
    keeps a value of the initialization that would hide an error, such as a bias of 0; the first token is small, so that
    the first norm's eps counts."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    heads = draw.randint(2, 3)
    built = GPT(GPTConfig(
        vocab=draw.randint(5, 9), context=12, width=heads * (4 if rotary else draw.randint(2, 3)), depth=2, heads=heads,
        tied=tied, tanh=tied, rotary=rotary,
    )).eval()  # fmt: skip
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            scale = 1.0 if parameter.dim() == 1 else 10 if "position" not in name else 30
            parameter.mul_(scale * (1 + torch.rand_like(parameter))).add_(0.2 * torch.randn_like(parameter))
        built.token_weight[0].mul_(0.002)
        if not rotary:
            built.position_weight[0].mul_(0.002)
    saturate(built)
    return built


def saturate(built: GPT) -> None:
    """Give each layer two units in GELU's tails."""
    with torch.no_grad():
        for block in built.blocks:
            block.fc1_bias[:2] = torch.tensor([12.0, -12.0]).to(block.fc1_bias)


def calm(built: GPT, generator: torch.Generator) -> None:
    """Give a model weights with which no norm enlarges errors much: with others, a whole network has a wide bound or none,
    and in half precision so has a block."""
    std = (0.2 if built.token_weight.dtype.itemsize > 2 else 0.05) / (1 + built.config.rotary)  # whose model is wider
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            parameter.normal_(std=std if name.startswith("blocks") else 1.0, generator=generator)
            if "norm" in name and name.endswith("weight"):
                parameter.mul_(0.2).add_(1)
        built.token_weight[:, 0] += 4
        built.token_weight[:, 1] -= 4
    saturate(built)


def saved(run: Path) -> GPT:
    """The model of a saved run."""
    from pyzoo.tasks import task
    from pyzoo.train.folder import RunFolder

    return task(RunFolder.open(run).model).load(run)[0].eval()


def absent(run: Path) -> tuple[str, ...]:
    """The points that a saved run's model has not: it has one GELU and one kind of positions, and as a whole network it has no
    bound."""
    c = saved(run).config
    positions = ("gpt.embed",) if c.rotary else ("gpt.angles.cosines", "gpt.angles.sines", "gpt.tokens", "gpt.rotate")
    return ("gpt.logits", "gpt.decode", "gpt.gelu" if c.tanh else "gpt.gelu_tanh", *positions)


def _edges(x: Tensor) -> None:
    """Calls that a forward pass of one size would miss: angles of many turns, scores whose exponentials overflow unless the largest is
    subtracted, and both tails of either GELU."""
    ops.angles(context=300, pairs=3)
    ops.weights(scores=100 * x[:, None])
    ends = torch.linspace(-14, 14, 57, device=x.device, dtype=x.dtype).reshape(1, 3, 19)
    ops.gelu(x=ends)
    ops.gelu_tanh(x=ends)


def record(recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
           replaced: dict[str, Callable]) -> None:  # fmt: skip
    """Texts in two parts, whose second part is recorded; a token after them; whole texts, at once and token by token; two tokens
    after a text; and a text as in training, where attention and each norm is one kernel.
    A freshly built model is recorded with either GELU, with a head of its own and tied, with rotary positions and learned
    ones."""
    built = [model(seed, rotary=True), model(seed), model(seed, tied=True)] if run is None else [saved(run)]
    generator = torch.Generator(device).manual_seed(seed)
    for each in built:
        each.to(device, dtype)
        if run is None and dtype.itemsize == 2:
            calm(each, generator)
        shape = (2, 4 + seed % 4) if run is None else (1, 3)
        tokens = torch.randint(each.config.vocab, shape, device=device, generator=generator)
        tokens[0, 0] = 0
        cut = 1 + seed % 2 if run is None else 1
        _, cache = each.extend(tokens[:, :cut], each.start(len(tokens)))
        with recorder.recording(replaced):
            if each.config.rotary:
                ops.angles(context=each.config.context, pairs=each.cosines.shape[1])
            _, cache = each.extend(tokens[:, cut:-1], cache)
            if run is None:
                each.step(tokens[:, -1], cache)
                each(tokens)
                calm(each, generator)
                ops.logits(tokens=tokens[:1], **each.arguments())
                ops.decode(tokens=tokens[:1], **each.arguments())
                _edges(torch.randn(1, 5, 5, device=device, generator=generator).to(dtype))
                each.extend(tokens[:, -2:], cache)
            each.loss(tokens[:, :-1], tokens[:, 1:])


def facts(run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
    """Structural facts: the numbers of parameters of the published networks, made without memory for their weights, and of
    the model at hand."""
    with torch.device("meta"):
        published = [GPT(config) for config in CONFIGS.values()]
    own = [model(0), model(0, tied=True), model(0, rotary=True)] if run is None else [saved(run)]
    count = lambda built: sum(p.numel() for p in built.parameters())  # noqa: E731
    yield "gpt.parameters", [*map(count, published)], {"names": [*CONFIGS]}
    for built in own:
        c = built.config
        yield "gpt.parameters", [count(built)], {"sizes": [c.vocab, c.context, c.width, c.depth, c.heads, int(c.tied), int(c.rotary)]}
