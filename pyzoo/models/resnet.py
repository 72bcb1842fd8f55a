"""Residual networks (He et al., arXiv 1512.03385), for ImageNet-sized and CIFAR-sized images."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.errors import InputError
from pyzoo.ops import resnet as ops


@dataclass(frozen=True)
class ResNetConfig:
    """A stem, stages of residual blocks, and a classifier. Every stage but the first halves the sides."""

    blocks: tuple[int, ...]
    """residual blocks in each stage"""
    widths: tuple[int, ...]
    """channels of each stage's 3x3 convolutions"""
    bottleneck: bool = False
    """blocks of 1x1, 3x3, 1x1 convolutions with four times the stage's width at the end, in place of 3x3, 3x3"""
    imagenet_stem: bool = False
    """a 7x7 convolution and a maximum pool, both of stride 2, in place of a 3x3 convolution"""
    channels: int = 3
    """channels of the image"""
    classes: int = 10
    """classes to tell apart"""
    image: int = 32
    """side of the image the configuration is meant for"""

    def __post_init__(self) -> None:
        sizes = (*self.blocks, *self.widths, self.channels, self.classes, self.image)
        if not self.blocks or len(self.blocks) != len(self.widths) or min(sizes) < 1:
            raise InputError(f"a ResNet needs stages with one positive width each and positive sizes, not {self}")


EPS = 1e-5  # of every batch normalisation


def cifar(depth: int) -> ResNetConfig:
    """The CIFAR network with 6n + 2 = `depth` layers, section 4.2 of the paper; where a block changes the shape, the
    shortcut is a projection (the paper's option B)."""
    n, rest = divmod(depth - 2, 6)
    if rest or n < 1:
        raise InputError(f"a CIFAR ResNet's depth must be 6n + 2 with n at least 1, not {depth}")
    return ResNetConfig((n, n, n), (16, 32, 64))


def imagenet(blocks: tuple[int, ...], bottleneck: bool) -> ResNetConfig:
    """A network of table 1 of the paper."""
    return ResNetConfig(blocks, (64, 128, 256, 512), bottleneck, True, classes=1000, image=224)


CONFIGS: dict[str, ResNetConfig] = {
    "ResNet-18": imagenet((2, 2, 2, 2), False),
    "ResNet-34": imagenet((3, 4, 6, 3), False),
    "ResNet-50": imagenet((3, 4, 6, 3), True),
    "ResNet-101": imagenet((3, 4, 23, 3), True),
    "ResNet-152": imagenet((3, 8, 36, 3), True),
} | {f"CIFAR-ResNet-{depth}": cifar(depth) for depth in (20, 32, 44, 56, 110)}


class Conv(nn.Module):
    """A convolution without bias; the padding keeps the sides when the stride is 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.stride, self.padding = stride, kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        return ops.conv(x=x, weight=self.weight, stride=self.stride, padding=self.padding)


class BatchNorm(nn.Module):
    """Batch normalisation: by the batch's statistics in training, by the running ones in evaluation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(x, self.mean, self.var, self.weight, self.bias, training=True, eps=EPS)
        return ops.batch_norm(x=x, mean=self.mean, var=self.var, weight=self.weight, bias=self.bias, eps=EPS)


class BasicBlock(nn.Module):
    """relu(F(x) + S(x)) with F = norm, 3x3, relu, norm, 3x3; S is the identity or a strided 1x1 projection."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = Conv(inputs, width, 3, stride), BatchNorm(width)
        self.conv2, self.norm2 = Conv(width, width, 3), BatchNorm(width)
        self.conv3, self.norm3 = shortcut(inputs, width, stride)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return ops.block(x=x, **self._evaluation_inputs())
        y = ops.relu(x=self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return ops.relu(x=ops.add(x=y, y=project(x, self.conv3, self.norm3)))

    def _evaluation_inputs(self) -> dict[str, Tensor | int | float]:
        inputs: dict[str, Tensor | int | float] = {"stride": self.stride, "eps": EPS}
        layers = [(self.conv1, self.norm1), (self.conv2, self.norm2), (self.conv3, self.norm3)]
        for i, (conv, norm) in enumerate(layers, start=1):
            if conv is not None:
                inputs |= {f"conv{i}": conv.weight, f"mean{i}": norm.mean, f"var{i}": norm.var}
                inputs |= {f"weight{i}": norm.weight, f"bias{i}": norm.bias}
        return inputs


class Bottleneck(nn.Module):
    """relu(F(x) + S(x)) with F = 1x1, 3x3 (strided), 1x1 convolutions, each normalised, relu between them."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = self.expansion * width
        self.conv1, self.norm1 = Conv(inputs, width, 1), BatchNorm(width)
        self.conv2, self.norm2 = Conv(width, width, 3, stride), BatchNorm(width)
        self.conv3, self.norm3 = Conv(width, outputs, 1), BatchNorm(outputs)
        self.conv4, self.norm4 = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = ops.relu(x=self.norm1(self.conv1(x)))
        y = ops.relu(x=self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return ops.relu(x=ops.add(x=y, y=project(x, self.conv4, self.norm4)))


def shortcut(inputs: int, outputs: int, stride: int) -> tuple[Conv | None, BatchNorm | None]:
    """A projection where a block changes the shape, else nothing."""
    if inputs == outputs and stride == 1:
        return None, None
    return Conv(inputs, outputs, 1, stride), BatchNorm(outputs)


def project(x: Tensor, conv: Conv | None, norm: BatchNorm | None) -> Tensor:
    """The shortcut S(x)."""
    return x if conv is None or norm is None else norm(conv(x))


class ResNet(nn.Module):
    """x (B,C,H,W) -> logits (B,K)."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        kind = Bottleneck if config.bottleneck else BasicBlock
        width = config.widths[0]
        self.conv = Conv(config.channels, width, *((7, 2) if config.imagenet_stem else (3, 1)))
        self.norm = BatchNorm(width)
        self.stages = nn.ModuleList()
        for i, (blocks, stage_width) in enumerate(zip(config.blocks, config.widths, strict=True)):
            stage = nn.Sequential()
            for j in range(blocks):
                stage.append(kind(width, stage_width, 2 if i > 0 and j == 0 else 1))
                width = kind.expansion * stage_width
            self.stages.append(stage)
        self.fc = nn.Linear(width, config.classes)

    def stem(self, x: Tensor) -> Tensor:
        """(B,C,H,W) -> the first stage's input."""
        x = ops.relu(x=self.norm(self.conv(x)))
        return F.max_pool2d(x, 3, stride=2, padding=1) if self.config.imagenet_stem else x

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return ops.fc(x=ops.pool(x=x), weight=self.fc.weight, bias=self.fc.bias)


def build(name: str) -> ResNet:
    """The published network of that name, one of `CONFIGS`."""
    return ResNet(CONFIGS[name])


def count_parameters(name: str) -> int:
    """The number of trainable parameters of the real module, made without memory for them."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(name).parameters())


def stage_sizes(name: str) -> list[tuple[int, int, int]]:
    """(channels, height, width) after each stage, from the real module's shapes on the configuration's image."""
    config = CONFIGS[name]
    with torch.device("meta"), torch.no_grad():
        model = build(name).eval()
        x, sizes = model.stem(torch.empty(1, config.channels, config.image, config.image)), []
        for stage in model.stages:
            x = stage(x)
            sizes.append(tuple(x.shape[1:]))
    return sizes
