"""Addition of numbers of n digits with GPT, which writes the sum's digits in reverse order, as in minGPT's adder."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.errors import InputError
from pyzoo.models.gpt import GPT, GPTConfig
from pyzoo.train.checkpoint import write_atomic
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder
from pyzoo.train.loop import fit

UNSEEN = (0.2, 500)  # the share of all pairs that is not trained on, and at most so many


@dataclass
class Config(TrainConfig):
    """Settings of the adder."""

    steps: int = 1500
    lr: float = 2e-3
    batch: int = 256
    weight_decay: float = 0.1
    digits: int = 2
    """digits of the numbers to add"""
    width: int = 48
    """size of an embedded digit"""
    depth: int = 3
    """number of blocks"""
    heads: int = 3
    """attention heads of a block"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.digits <= 9:
            raise InputError(f"--digits must be from 1 to 9, not {self.digits}")


def build(config: Config) -> GPT:
    """The untrained model of a run; it sees all digits but the last of the sum."""
    return GPT(GPTConfig(10, 3 * config.digits, config.width, config.depth, config.heads, tanh=True))


def tokens(a: Tensor, b: Tensor, n: int) -> Tensor:
    """The digits of `a` (B) and of `b` (B), and those of their sum in reverse order -> (B, 3n + 1)."""
    places = 10 ** torch.arange(n + 1)
    digits = lambda x: x[:, None] // places % 10  # noqa: E731 - the ones come first
    return torch.cat([digits(a)[:, :n].flip(1), digits(b)[:, :n].flip(1), digits(a + b)], 1)


def unseen(config: Config) -> Tensor:
    """The pairs (a, b) that are not trained on, as numbers 10ⁿ a + b in increasing order."""
    total = 100**config.digits
    count = min(int(UNSEEN[0] * total), UNSEEN[1])
    rng = np.random.default_rng(config.seed)
    if config.digits <= 3:
        return torch.from_numpy(np.sort(rng.permutation(total)[:count]))
    return torch.from_numpy(np.unique(rng.integers(total, size=count)))


@torch.no_grad()
def add(model: GPT, a: Tensor, b: Tensor, n: int) -> Tensor:
    """The sums (B) that the model writes digit by digit, each the likeliest."""
    device = model.token_weight.device
    logits, cache = model.extend(tokens(a, b, n)[:, : 2 * n].to(device), model.start(len(a)))
    digits = [logits[:, -1].argmax(-1)]
    for _ in range(n):
        logits, cache = model.step(digits[-1], cache)
        digits.append(logits.argmax(-1))
    return (torch.stack(digits, 1).cpu() * 10 ** torch.arange(n + 1)).sum(1)


def train(config: Config, folder: RunFolder, device: str) -> dict[str, float]:
    """Train into `folder` and return the last metrics."""
    folder.start("gpt_adder", config)
    torch.manual_seed(config.seed)
    model, n = build(config).to(device), config.digits
    held = unseen(config)

    def loss(rng: np.random.Generator) -> Tensor:
        pairs = torch.from_numpy(rng.integers(100**n, size=2 * config.batch))
        pairs = pairs[~torch.isin(pairs, held)][: config.batch]
        x = tokens(pairs // 10**n, pairs % 10**n, n).to(device)
        logits = model(x[:, :-1])[:, 2 * n - 1 :]  # the loss counts the digits of the sum
        return F.cross_entropy(logits.flatten(0, 1), x[:, 2 * n :].flatten())

    def evaluate() -> dict[str, float]:
        a, b = held // 10**n, held % 10**n
        return {"test_accuracy": (add(model, a, b, n) == a + b).double().mean().item()}

    metrics = fit(model, loss, evaluate, config, folder, items=config.batch, unit="sums")
    write_atomic(folder.path / "sample.txt", _examples(model, config, config.seed).encode())
    return metrics


def _examples(model: GPT, config: Config, seed: int) -> str:
    """Ten unseen sums, and which of them are wrong."""
    pairs = torch.from_numpy(np.random.default_rng(seed).permutation(unseen(config).numpy())[:10])
    a, b = pairs // 10**config.digits, pairs % 10**config.digits
    written = add(model, a, b, config.digits)
    return "\n".join(
        f"{x}+{y}={z}{'' if x + y == z else f', which is {x + y}'}"
        for x, y, z in zip(a.tolist(), b.tolist(), written.tolist(), strict=True)
    )


def load(run: Path) -> tuple[GPT, Config]:
    """A saved run's model, in evaluation mode on the CPU, and its settings."""
    folder = RunFolder.open(run)
    if folder.model != "gpt_adder":
        raise InputError(f"{run} is a run of {folder.model}, not of gpt_adder")
    config = folder.config(Config)
    model = build(config)
    folder.load(model)
    return model.eval(), config


def sample(run: Path, device: str = "cpu", seed: int = 0, prompt: str | None = None) -> str:
    """The sum that a saved run writes for a prompt such as 12+34, or some unseen sums."""
    model, config = load(run)
    model.to(device)
    if prompt is None:
        return _examples(model, config, seed)
    match = re.fullmatch(rf"(\d{{1,{config.digits}}})\+(\d{{1,{config.digits}}})", prompt, re.ASCII)
    if match is None:
        raise InputError(f"--prompt must be two numbers of at most {config.digits} digits such as 12+34, not {prompt!r}")
    a, b = (torch.tensor([int(x)]) for x in match.groups())
    return f"{prompt}={int(add(model, a, b, config.digits))}"
