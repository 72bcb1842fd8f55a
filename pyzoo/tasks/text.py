"""Language models of Shakespeare's plays, or of a given text: what their tasks share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.data import shakespeare
from pyzoo.data.codec import CHARACTERS
from pyzoo.errors import InputError
from pyzoo.tasks.writing import write
from pyzoo.train.checkpoint import write_atomic
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder
from pyzoo.train.loop import fit
from pyzoo.train.params import config_of, put, read_params

EVALUATED = 64  # windows of the validation text that an evaluation sees
Tensors = dict[str, Tensor]


@dataclass
class TextConfig(TrainConfig):
    """Settings of every text task."""

    batch: int = 32
    window: int = 64
    """tokens that the model sees at once in training"""
    windows: int | None = None
    """windows of the text to train on; if not given, all that there are"""
    prompt: str = "ROMEO:\n"
    """how the sampled text begins"""
    generate: int = 300
    """tokens to sample"""
    temperature: float = 0.8
    """the logits are divided by it before sampling"""
    top_k: int | None = None
    """sample from so many of the likeliest tokens; if not given, from all"""
    vocabulary: str = ""
    """the tokens of the text; found when training starts"""
    data_file: str | None = None
    """a text file to learn, in place of the plays"""
    load_params: str | None = None
    """a safetensors file whose parameters the training starts from"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("window", "generate", *(n for n in ("windows", "top_k") if getattr(self, n) is not None))
        if not self.prompt:
            raise InputError("--prompt must have at least one character")
        if not self.temperature > 0:
            raise InputError(f"--temperature must be above 0, not {self.temperature}")

    def _positive(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")


def cross_entropy(model: nn.Module, tokens: Tensor, after: Tensor) -> Tensor:
    """The mean cross-entropy of a model's logits on tokens (B, L) and the tokens after each (B, L)."""
    return F.cross_entropy(model(tokens).flatten(0, 1), after.flatten())


@dataclass(frozen=True)
class TextTask:
    """The task of a text model: tokens (B, L) -> logits (B, L, V), with a function `start` that gives the memory of a
    stream, and `step`, which takes one token of it."""

    name: str
    """the model's name"""
    config: type
    """its `Config`, which extends `TextConfig`"""
    build: Callable[[TextConfig], nn.Module]
    """the untrained model of a run"""
    codec: shakespeare.Codec = CHARACTERS
    """how texts become tokens"""
    vocabulary: Callable[[TextConfig], str] = lambda config: config.vocabulary
    """a vocabulary that is not learned from the text, or nothing"""
    size: int = 0
    """the most tokens of a vocabulary that is learned, where that is a choice"""
    translate: Callable[[Tensors], Tensors] = lambda tensors: tensors
    """the names of a foreign file's tensors made the model's own"""
    foreign: Callable[[Path, Tensors], TextConfig] | None = None
    """the settings of a file that pyzoo did not write"""
    loss_of: Callable[[nn.Module], Callable[[Tensor, Tensor], Tensor]] = lambda model: partial(cross_entropy, model)
    """the loss that is trained, of tokens (B, L) and the ones after each"""
    choices: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """tensors that an option decides on: the options with which a model has it, and has it not"""

    def train(self, config: TextConfig, folder: RunFolder, device: str) -> dict[str, float]:
        """Train into `folder` and return the last metrics."""
        given = self._given(config)
        config.vocabulary = given[1].vocabulary if given and given[1] else self.vocabulary(config)
        text = shakespeare.load(
            config.data_file and Path(config.data_file), config.window, self.codec, config.vocabulary, self.size
        )
        self.codec.encode(config.prompt, text.vocabulary)
        config.vocabulary = text.vocabulary
        torch.manual_seed(config.seed)
        model = self.build(config).to(device)
        if given:
            put(Path(config.load_params), given[0], model, self.choices)
        starts = len(text.train) - config.window
        if config.windows is not None and config.windows > starts:
            raise InputError(f"--windows must be at most {starts}, which the training text has, not {config.windows}")
        folder.start(self.name, config)
        train, validation = text.train.to(device), text.validation.to(device)
        span = torch.arange(config.window + 1, device=device)
        evaluated = torch.linspace(0, len(validation) - config.window - 1, EVALUATED, device=device).long()
        loss_after = self.loss_of(model)
        chosen = None  # the starts of the windows to train on
        if config.windows is not None:
            chosen = np.random.default_rng([config.seed, config.steps]).choice(starts, config.windows, replace=False)

        def mean_loss(symbols: Tensor, first: Tensor) -> Tensor:
            windows = symbols[first[:, None] + span]  # (B, window + 1)
            return loss_after(windows[:, :-1], windows[:, 1:])

        def loss(rng: np.random.Generator) -> Tensor:
            first = rng.integers(starts if chosen is None else len(chosen), size=config.batch)
            return mean_loss(train, torch.from_numpy(first if chosen is None else chosen[first]).to(device))

        def evaluate() -> dict[str, float]:
            return {"validation_loss": mean_loss(validation, evaluated).item()}

        items = config.batch * config.window
        metrics = fit(model, loss, evaluate, config, folder, items=items, unit=self.codec.unit)
        write_atomic(folder.path / "sample.txt", write(model, self.codec, config, config.seed).encode())
        return metrics

    def _given(self, config: TextConfig) -> tuple[Tensors, TextConfig | None] | None:
        """The tensors of `--load-params`, and the settings that the file has if pyzoo wrote it."""
        if not config.load_params:
            return None
        path = Path(config.load_params)
        tensors, metadata = read_params(path)
        if "model" not in metadata:
            return self.translate(tensors), None
        if metadata["model"] != self.name:
            raise InputError(f"{path} has the parameters of {metadata['model']}, not of {self.name}")
        return tensors, config_of(path, metadata, self.config)

    def load(self, saved: Path) -> tuple[nn.Module, TextConfig]:
        """A saved run's model, or that of a safetensors file, in evaluation mode on the CPU, and its settings."""
        if saved.is_file():
            return self._from_file(saved)
        folder = RunFolder.open(saved)
        if folder.model != self.name:
            raise InputError(f"{saved} is a run of {folder.model}, not of {self.name}")
        config = folder.config(self.config)
        model = self.build(config)
        folder.load(model)
        return model.eval(), config

    def _from_file(self, path: Path) -> tuple[nn.Module, TextConfig]:
        tensors, metadata = read_params(path)
        if "model" in metadata:
            config = config_of(path, metadata, self.config)
        elif self.foreign is not None:
            config, tensors = self.foreign(path, tensors), self.translate(tensors)
        else:
            raise InputError(f"{path} does not say which model it belongs to")
        model = self.build(config)
        put(path, tensors, model)
        return model.eval(), config

    def sample(self, saved: Path, device: str = "cpu", seed: int = 0, prompt: str | None = None,
               generate: int | None = None, temperature: float | None = None, top_k: int | None = None,
               show: Callable[[str], None] = lambda piece: None) -> str:  # fmt: skip
        """Text by a saved run or a safetensors file that begins with `prompt`; `show` is given it piece by piece."""
        model, config = self.load(saved)
        flags = {"prompt": prompt, "generate": generate, "temperature": temperature, "top_k": top_k}
        config = replace(config, **{name: value for name, value in flags.items() if value is not None})
        return write(model.to(device), self.codec, config, seed, show)
