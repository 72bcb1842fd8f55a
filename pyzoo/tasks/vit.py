"""Image classification with a small vision transformer."""

from dataclasses import dataclass
from pathlib import Path

from pyzoo.models.vit import ViT, ViTConfig
from pyzoo.tasks import vision
from pyzoo.train.folder import RunFolder

PATCH = {8: 2, 32: 4}  # by the image's side


@dataclass
class Config(vision.VisionConfig):
    """Settings of the ViT task."""

    steps: int = 1000
    lr: float = 2e-3
    width: int = 64
    """size of a token"""
    depth: int = 4
    """number of blocks"""
    heads: int = 4
    """attention heads of a block"""
    mlp: int = 2
    """hidden size of a block's perceptron, in widths"""


def build(config: Config) -> ViT:
    """The untrained model of a run."""
    channels, side = config.shape
    sizes = {"width": config.width, "depth": config.depth, "heads": config.heads, "mlp": config.mlp}
    return ViT(ViTConfig(**sizes, patch=PATCH[side], image=side, channels=channels, classes=10))


def train(config: Config, folder: RunFolder, device: str) -> dict[str, float]:
    """Train into `folder` and return the last metrics."""
    return vision.train("vit", build, config, folder, device)


def load(run: Path) -> tuple[ViT, Config]:
    """A saved run's model, in evaluation mode on the CPU, and its settings."""
    return vision.load("vit", build, Config, run)


def sample(run: Path, device: str = "cpu", seed: int = 0) -> str:
    """Classify test images with a saved run."""
    return vision.sample(*load(run), run, device, seed)
