"""The rounding models that Lean is told to assume; every figure is named in the trust file."""

from functools import cache

import torch
import yaml

from pyzoo.ops.point import Arithmetic
from pyzoo.paths import trust_file

FORMATS = {  # precision, smallest, limit; subnormal fp16 numbers are never flushed to zero
    torch.float32: (24, 126, 128),
    torch.float64: (53, 1022, 1024),
    torch.bfloat16: (8, 126, 128),
    torch.float16: (11, 25, 16),
}
CASTS = {None: 0, "tfloat32": 10, "bfloat16": 8}  # the relative error is 2^-10 at most: TF32's conversion may cut off
CAST_SMALLEST, CAST_LIMIT = FORMATS[torch.bfloat16][1:]  # both have the exponents of fp32


@cache
def _ulps() -> dict[str, int]:
    document = yaml.safe_load(trust_file().read_text())
    return next(entry["ulps"] for entry in document["external"] if entry["component"] == "PyTorch arithmetic")


def rounding(dtype: torch.dtype, arithmetic: Arithmetic = Arithmetic()) -> dict[str, int | str] | None:
    """`Spec.Rounding` for a dtype and what an implementation says of its sums: `u = 2^-precision`, the underflow error, the
    largest number, the same of the accumulator, and the units in the last place that the trust file assumes of each
    transcendental function. None if the dtype, the accumulator or the cast has no model, or if numbers of the dtype overflow
    in one of the others."""
    accumulator = dtype if arithmetic.accumulator is None else getattr(torch, arithmetic.accumulator, None)
    if dtype not in FORMATS or accumulator not in FORMATS or arithmetic.cast not in CASTS:
        return None
    precision, smallest, limit = FORMATS[dtype]
    bits, least, widest = max(FORMATS[accumulator], FORMATS[dtype])  # the more precise of the two, as Arithmetic has it
    if arithmetic.cast is not None:
        least, widest = min(least, CAST_SMALLEST), min(widest, CAST_LIMIT)
    if widest < limit:
        return None
    name, _, size = arithmetic.order.partition(":")
    return {
        "precision": precision, "smallest": smallest, "limit": limit,
        "sum_precision": bits, "sum_smallest": least, "cast_precision": CASTS[arithmetic.cast],
        "order": name if size.isdecimal() or not size else arithmetic.order, "size": int(size) if size.isdecimal() else 0,
        **_ulps(),
    }  # fmt: skip
