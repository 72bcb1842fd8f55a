"""Handwritten digits, 8 x 8 pixels: the 1797 images that scikit-learn carries."""

import numpy as np
import torch

from pyzoo.data import Images

SIDE, CHANNELS = 8, 1
TRAIN_SHARE = 0.8
SPLIT_SEED = 0  # one split for every run, so that test accuracies compare


def load() -> Images:
    """The digits, split at random into 1437 to train on and 360 to test with."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = torch.from_numpy(np.random.default_rng(SPLIT_SEED).permutation(len(digits.target)))
    x = torch.from_numpy(digits.images).to(torch.uint8)[order, None]
    y = torch.from_numpy(digits.target).long()[order]
    n = int(TRAIN_SHARE * len(y))
    return Images(x[:n], y[:n], x[n:], y[n:], white=16, mean=0.305, std=0.376, classes=tuple("0123456789"))
