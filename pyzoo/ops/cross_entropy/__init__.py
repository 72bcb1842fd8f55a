"""The mean cross-entropy of a language model's logits and the tokens that come next, with the head that makes the logits.

Shapes: T tokens, D width, V vocabulary, V' = V rounded up to a multiple of 64. Lean: `Spec.crossEntropy`, for any reference that is
subtracted from the logits (`Spec.crossEntropy_shift`).
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from pyzoo.ops import native, nvrtc

FILE = Path(__file__).parent / "kernels.cu"
DTYPES = (torch.float32, torch.bfloat16, torch.float16)  # that there is a kernel for
MOST = 1024  # threads of a block


def head_loss(x: Tensor, weight: Tensor, after: Tensor) -> Tensor:
    """The mean cross-entropy of the logits x Wᵀ and the tokens after each: x (T,D), weight (V,D), after (T) from 0 to V - 1 -> ().

    On a GPU one kernel makes the losses and the gradient of the logits, while it has them; products are faster with V' rows of the
    weight, so the logits have V' columns, of which the kernel looks at V. A token outside the vocabulary makes the loss NaN there.
    Elsewhere as PyTorch's own functions. ValueError if the shapes don't fit, or the tokens are no int64."""
    if x.dim() != 2 or weight.dim() != 2 or x.shape[1] != weight.shape[1]:
        raise ValueError(f"x {tuple(x.shape)} and weight {tuple(weight.shape)} must be (T, D) and (V, D)")
    if after.shape != x.shape[:1] or after.dtype != torch.int64:
        raise ValueError(f"after is {after.dtype} of shape {tuple(after.shape)}; x {tuple(x.shape)} asks for torch.int64 of ({len(x)},)")
    if not x.device == weight.device == after.device:
        raise ValueError(f"x is on {x.device}, weight on {weight.device} and after on {after.device}; they must be on the same device")
    dtype = torch.get_autocast_dtype("cuda") if x.is_cuda and torch.is_autocast_enabled("cuda") else x.dtype
    if not (x.is_cuda and dtype in DTYPES and x.numel() and _has_kernels()):
        return F.cross_entropy(F.linear(x, weight), after)
    rows = F.pad(weight, (0, 0, 0, -len(weight) % 64)).to(dtype)
    return HeadLoss.apply(x.to(dtype), rows, after, len(weight))


@torch.compiler.assume_constant_result
def _has_kernels() -> bool:
    return native.available("cross_entropy", "runs as PyTorch's own functions", nvrtc.missing)


def threads(dtype: torch.dtype, width: int) -> int:
    """Of a block: one for each 16 bytes of a row, if it is no longer than all of them."""
    vectors = width * dtype.itemsize // 16
    return min(MOST, max(32, 1 << (vectors - 1).bit_length()))


def macros(dtype: torch.dtype, vocabulary: int, width: int) -> dict[str, object]:
    """Of the kernel; `kernels.cu` explains them."""
    return dict(REAL=nvrtc.TYPES[dtype], V=vocabulary, WIDTH=width, THREADS=threads(dtype, width))


@lru_cache(maxsize=None)
def _kernel(dtype: torch.dtype, vocabulary: int, width: int, device: int) -> Any:
    return nvrtc.kernel("cross_entropy", (FILE,), macros(dtype, vocabulary, width), device)


@torch.library.custom_op("pyzoo::cross_entropy", mutates_args=())
def losses_and_slopes(logits: Tensor, after: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """The cross-entropy of each row of logits (T,V'), the first `vocabulary` of which count, and its gradient (T,V'), without the
    mean's 1/T."""
    T, width = logits.shape
    logits, after = logits.contiguous(), after.contiguous()
    losses, slopes = logits.new_empty(T, dtype=torch.float32), torch.empty_like(logits)
    with nvrtc.on(logits.device):
        kernel = _kernel(logits.dtype, vocabulary, width, logits.device.index)
        nvrtc.launch(kernel, (T, 1, 1), threads(logits.dtype, width), *(t.data_ptr() for t in (logits, after, losses, slopes)))
    return losses, slopes


@losses_and_slopes.register_fake
def _(logits, after, vocabulary):  # type: ignore[no-untyped-def]
    return logits.new_empty(len(logits), dtype=torch.float32), torch.empty_like(logits)


class HeadLoss(torch.autograd.Function):
    """`head_loss` with the padded rows of the weight (V',D), by the kernel."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor, after: Tensor, vocabulary: int) -> Tensor:
        losses, slopes = losses_and_slopes(x @ rows.T, after, vocabulary)
        ctx.save_for_backward(x, rows, slopes)
        return losses.mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, rows, slopes = ctx.saved_tensors
        each = grad / len(x)
        return each * (slopes @ rows), each * (slopes.T @ x), None, None
