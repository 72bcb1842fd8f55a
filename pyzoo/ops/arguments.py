"""What operators ask of their arguments."""

from torch import Tensor


def alike(**tensors: Tensor) -> None:
    """Raise ValueError, naming both, if a tensor has another dtype or is on another device than the first one."""
    first, one = next(iter(tensors.items()))
    for name, other in tensors.items():
        if other.dtype != one.dtype:
            raise ValueError(f"{first} has the dtype {one.dtype} and {name} {other.dtype}; they must have the same")
        if other.device != one.device:
            raise ValueError(f"{first} is on {one.device} and {name} on {other.device}; they must be on the same device")
