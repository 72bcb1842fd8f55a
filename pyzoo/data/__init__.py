"""Datasets."""

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Images:
    """A data set of labelled images: x (N,C,H,W) of uint8 from 0 to `white`, y (N) of int64 indices into `classes`."""

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    white: int
    mean: float
    """of the training pixels, as shares of white"""
    std: float
    """of the training pixels, likewise"""
    classes: tuple[str, ...]

    def to(self, device: str) -> "Images":
        """The same data on another device."""
        tensors = (t.to(device) for t in (self.x_train, self.y_train, self.x_test, self.y_test))
        return Images(*tensors, self.white, self.mean, self.std, self.classes)

    def scale(self, x: Tensor) -> Tensor:
        """Pixels as floats from 0 to 1."""
        return x.float() / self.white

    def standardize(self, x: Tensor) -> Tensor:
        """Pixels with about mean 0 and standard deviation 1: what a model is given."""
        return (self.scale(x) - self.mean) / self.std
