"""Image classification with the residual network for small images."""

from dataclasses import dataclass
from pathlib import Path

from pyzoo.models.resnet import ResNet, ResNetConfig
from pyzoo.tasks import vision
from pyzoo.train.folder import RunFolder


@dataclass
class Config(vision.VisionConfig):
    """Settings of the ResNet task. The defaults are the paper's 20 layers."""

    steps: int = 400
    lr: float = 3e-3
    blocks: int = 3
    """residual blocks in each of the three stages"""
    width: int = 16
    """channels of the first stage; each later stage has twice as many"""


def build(config: Config) -> ResNet:
    """The untrained model of a run."""
    channels, side = config.shape
    widths = tuple(config.width * 2**i for i in range(3))
    return ResNet(ResNetConfig((config.blocks,) * 3, widths, channels=channels, image=side))


def train(config: Config, folder: RunFolder, device: str) -> dict[str, float]:
    """Train into `folder` and return the last metrics."""
    return vision.train("resnet", build, config, folder, device)


def load(run: Path) -> tuple[ResNet, Config]:
    """A saved run's model, in evaluation mode on the CPU, and its settings."""
    return vision.load("resnet", build, Config, run)


def sample(run: Path, device: str = "cpu", seed: int = 0) -> str:
    """Classify test images with a saved run."""
    return vision.sample(*load(run), run, device, seed)
