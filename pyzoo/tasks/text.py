"""Character models of Shakespeare's plays, or of a given text: what their tasks share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.data import shakespeare
from pyzoo.errors import InputError
from pyzoo.train.checkpoint import write_atomic
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder
from pyzoo.train.loop import fit

EVALUATED = 64  # windows of the validation text that an evaluation sees


@dataclass
class TextConfig(TrainConfig):
    """Settings of every text task."""

    batch: int = 32
    window: int = 64
    """characters that the model sees at once in training"""
    prompt: str = "ROMEO:\n"
    """how the sampled text begins"""
    generate: int = 300
    """characters to sample"""
    temperature: float = 0.8
    """the logits are divided by it before sampling"""
    alphabet: str = ""
    """the symbols of the text; found when training starts"""
    data_file: str | None = None
    """a text file to learn, in place of the plays"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("window")
        if not self.prompt:
            raise InputError("--prompt must have at least one character")
        if not self.temperature > 0:
            raise InputError(f"--temperature must be above 0, not {self.temperature}")

    def _positive(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) < 1:
                raise InputError(f"--{name} must be at least 1, not {getattr(self, name)}")


@dataclass(frozen=True)
class TextTask:
    """The task of a text model: tokens (B, L) -> logits (B, L, V), with a parameter `embedding`, a function `start`
    that gives the memory of a stream, and `step`, which takes one token of it."""

    name: str
    """the model's name"""
    config: type
    """its `Config`, which extends `TextConfig`"""
    build: Callable[[TextConfig], nn.Module]
    """the untrained model of a run"""

    def train(self, config: TextConfig, folder: RunFolder, device: str) -> dict[str, float]:
        """Train into `folder` and return the last metrics."""
        text = shakespeare.load(config.data_file and Path(config.data_file), config.window)
        shakespeare.encode(config.prompt, text.alphabet)
        config.alphabet = text.alphabet
        folder.start(self.name, config)
        torch.manual_seed(config.seed)
        model = self.build(config).to(device)
        train, validation = text.train.to(device), text.validation.to(device)
        span = torch.arange(config.window + 1, device=device)
        starts = torch.linspace(0, len(validation) - config.window - 1, EVALUATED, device=device).long()

        def mean_loss(symbols: Tensor, first: Tensor) -> Tensor:
            windows = symbols[first[:, None] + span]  # (B, window + 1)
            return F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())

        def loss(rng: np.random.Generator) -> Tensor:
            first = torch.from_numpy(rng.integers(len(train) - config.window, size=config.batch)).to(device)
            return mean_loss(train, first)

        def evaluate() -> dict[str, float]:
            return {"validation_loss": mean_loss(validation, starts).item()}

        metrics = fit(model, loss, evaluate, config, folder, items=config.batch * config.window, unit="characters")
        write_atomic(folder.path / "sample.txt", write(model, config, config.prompt, config.seed).encode())
        return metrics

    def load(self, run: Path) -> tuple[nn.Module, TextConfig]:
        """A saved run's model, in evaluation mode on the CPU, and its settings."""
        folder = RunFolder.open(run)
        if folder.model != self.name:
            raise InputError(f"{run} is a run of {folder.model}, not of {self.name}")
        config = folder.config(self.config)
        model = self.build(config)
        folder.load(model)
        return model.eval(), config

    def sample(self, folder: RunFolder, device: str = "cpu", seed: int = 0, prompt: str | None = None) -> str:
        """Text by a saved run that begins with `prompt`."""
        model, config = self.load(folder.path)
        return write(model.to(device), config, config.prompt if prompt is None else prompt, seed)


@torch.no_grad()
def write(model: nn.Module, config: TextConfig, prompt: str, seed: int) -> str:
    """The prompt and `config.generate` characters after it, one step of the stream each."""
    if not prompt:
        raise InputError("--prompt must have at least one character")
    device = model.embedding.device
    generator = torch.Generator().manual_seed(seed)
    memory, text = model.start(1), prompt
    for symbol in shakespeare.encode(prompt, config.alphabet):
        logits, memory = model.step(symbol[None].to(device), memory)
    for _ in range(config.generate):
        p = torch.softmax(logits[0].float().cpu() / config.temperature, -1)
        symbol = torch.multinomial(p, 1, generator=generator)
        text += config.alphabet[int(symbol)]
        logits, memory = model.step(symbol.to(device), memory)
    return text
