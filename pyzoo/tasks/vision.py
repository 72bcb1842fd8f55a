"""What the image classifiers share: data, augmentation, accuracy, and a grid of classified test images."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.data import Images, cifar10, digits
from pyzoo.errors import InputError
from pyzoo.train.checkpoint import write_atomic
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder
from pyzoo.train.loop import fit

GRID = (4, 8)  # rows and columns of the sample


@dataclass
class VisionConfig(TrainConfig):
    """Settings of an image classifier."""

    cifar10: str | None = None
    """folder with CIFAR-10 to train on, in place of the handwritten digits"""

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and side of the images."""
        return (cifar10.CHANNELS, cifar10.SIDE) if self.cifar10 else (digits.CHANNELS, digits.SIDE)

    def load(self) -> Images:
        """The data set."""
        return cifar10.load(Path(self.cifar10)) if self.cifar10 else digits.load()


def train(
    name: str, build: Callable[[VisionConfig], nn.Module], config: VisionConfig, folder: RunFolder, device: str
) -> dict[str, float]:
    """Train a classifier, save it with a sample in `folder`, and return the last metrics."""
    data = config.load().to(device)
    folder.start(name, config)
    torch.manual_seed(config.seed)
    model = build(config).to(device)
    natural = config.cifar10 is not None

    def loss(rng: np.random.Generator) -> Tensor:
        i = torch.from_numpy(rng.integers(len(data.y_train), size=config.batch)).to(device)
        x = augment(data.x_train[i], rng, shift=4 if natural else 1, flip=natural)
        return F.cross_entropy(model(data.standardize(x)), data.y_train[i])

    def evaluate() -> dict[str, float]:
        logits = classify(model, data)
        loss = F.cross_entropy(logits, data.y_test).item()
        return {"test_loss": loss, "test_accuracy": (logits.argmax(1) == data.y_test).double().mean().item()}

    metrics = fit(model, loss, evaluate, config, folder, items=config.batch, unit="images")
    _draw(model, data, config.seed, folder.path / "sample.png")
    return metrics


def load(
    name: str, build: Callable[[VisionConfig], nn.Module], kind: type, run: Path
) -> tuple[nn.Module, VisionConfig]:
    """A saved run's model, in evaluation mode on the CPU, and its settings."""
    folder = RunFolder.open(run)
    if folder.model != name:
        raise InputError(f"{run} is a run of {folder.model}, not of {name}")
    config = folder.config(kind)
    model = build(config)
    folder.load(model)
    return model.eval(), config


def sample(model: nn.Module, config: VisionConfig, run: Path, device: str, seed: int) -> str:
    """Classify some test images with a saved model and draw them as `sample.png` of the run."""
    path = run / "sample.png"
    right, total = _draw(model.to(device), config.load().to(device), seed, path)
    return f"{right} of {total} test images right, drawn in {path}"


def augment(x: Tensor, rng: np.random.Generator, shift: int, flip: bool) -> Tensor:
    """Move each image by at most `shift` pixels either way, filling with zeros, and mirror half of them left to right
    if `flip`: (B,C,H,W) -> (B,C,H,W)."""
    b, c, h, w = x.shape
    moves = torch.from_numpy(rng.integers(2 * shift + 1, size=(2, b)))
    rows, columns = moves[0, :, None] + torch.arange(h), moves[1, :, None] + torch.arange(w)
    if flip:
        mirrored = torch.from_numpy(rng.random(b) < 0.5)
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    rows, columns = rows.to(x.device), columns.to(x.device)
    image, channel = (torch.arange(n, device=x.device) for n in (b, c))
    padded = F.pad(x, [shift] * 4)
    return padded[image[:, None, None, None], channel[:, None, None], rows[:, None, :, None], columns[:, None, None]]


@torch.no_grad()
def classify(model: nn.Module, data: Images) -> Tensor:
    """The logits (N,K) of all test images."""
    return torch.cat([model(data.standardize(x)) for x in data.x_test.split(500)])


@torch.no_grad()
def _draw(model: nn.Module, data: Images, seed: int, path: Path) -> tuple[int, int]:
    """Draw some test images with predicted and true class; return how many are right, and how many there are."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, columns = GRID
    count = min(rows * columns, len(data.y_test))
    chosen = torch.from_numpy(np.random.default_rng(seed).permutation(len(data.y_test))[:count])
    x, truth = data.x_test.cpu()[chosen], data.y_test.cpu()[chosen].tolist()
    device = data.x_test.device
    predicted = model(data.standardize(x.to(device))).argmax(1).tolist()

    figure = Figure(figsize=(1.2 * columns, 1.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns).flatten()
    for axes in grid:
        axes.set_axis_off()
    for axes, image, p, t in zip(grid, data.scale(x), predicted, truth, strict=False):
        axes.imshow(image.permute(1, 2, 0).numpy(), cmap="gray", vmin=0, vmax=1)
        title = f"{data.classes[p]}" if p == t else f"{data.classes[p]}, is {data.classes[t]}"
        axes.set_title(title, color="green" if p == t else "red", fontsize=9)
    figure.suptitle("predicted class, and the true one where it is wrong")
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120)
    write_atomic(path, buffer.getvalue())
    return sum(p == t for p, t in zip(predicted, truth, strict=True)), count
