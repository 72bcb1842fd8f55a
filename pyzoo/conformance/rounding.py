"""The rounding models that Lean is told to assume; every figure is named in the trust file."""

from functools import cache

import torch
import yaml

from pyzoo.paths import trust_file

FORMATS = {  # precision, smallest, limit; subnormal fp16 numbers are never flushed to zero
    torch.float32: (24, 126, 128),
    torch.float64: (53, 1022, 1024),
    torch.bfloat16: (8, 126, 128),
    torch.float16: (11, 25, 16),
}


@cache
def _ulps() -> dict[str, int]:
    document = yaml.safe_load(trust_file().read_text())
    return next(entry["ulps"] for entry in document["external"] if entry["component"] == "PyTorch arithmetic")


def rounding(dtype: torch.dtype) -> dict[str, int] | None:
    """`Spec.Rounding` for a dtype: `u = 2^-precision`, the underflow error, the largest number, and the units in the last place
    that the trust file assumes of each transcendental function. None for a dtype without a model."""
    if dtype not in FORMATS:
        return None
    precision, smallest, limit = FORMATS[dtype]
    return {"precision": precision, "smallest": smallest, "limit": limit, **_ulps()}
