"""The Fourier layer of Li et al., arXiv 2010.08895, in one dimension, without its pointwise part."""

import torch
from torch import Tensor, nn

from pyzoo.ops.spectral_conv import spectral_conv


class SpectralConv1d(nn.Module):
    """x (B, C, n) -> (B, O, n) for signals of any length n >= 2 (M - 1). The weight (C, O, M, 2) holds the real and the imaginary
    part of a complex matrix for each of M modes; at first both are uniform in [0, 1 / (C O)), as in the paper's code."""

    def __init__(self, channels: int, outputs: int, modes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(channels, outputs, modes, 2) / (channels * outputs))

    def forward(self, x: Tensor) -> Tensor:
        return spectral_conv(x=x, weight=self.weight)
