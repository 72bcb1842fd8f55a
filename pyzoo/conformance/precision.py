"""PyTorch's settings under which its operations have the precision of their tensors."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def full_precision() -> Iterator[None]:
    """Within the block, products of fp32 matrices keep fp32 inputs (no TF32) and those of half precision are accumulated in
    fp32, as the rounding models assume, and convolutions on CUDA are matrix products rather than Winograd transforms,
    which round differently."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    settings = [(matmul, "allow_tf32"), (matmul, "allow_bf16_reduced_precision_reduction"),
                (matmul, "allow_fp16_reduced_precision_reduction"), (cudnn, "enabled")]  # fmt: skip
    before = [getattr(owner, name) for owner, name in settings]
    for owner, name in settings:
        setattr(owner, name, False)
    try:
        yield
    finally:
        for (owner, name), value in zip(settings, before, strict=True):
            setattr(owner, name, value)
