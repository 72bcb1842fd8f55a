"""The spectral convolution between two transforms: one real matrix product a mode, forward and backward."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from pyzoo.ops.spectral_conv.transforms import FFT, Matrix, weights_of_modes

TRANSFORMS = {"matrix": Matrix, "fft": FFT}
PAIR = {2: torch.float32, 4: torch.float64, 8: torch.complex128}  # a number of twice the size: a pair is copied as one


def _modes_first(x: Tensor) -> Tensor:
    """x (I, J, 2) -> (J, I, 2), contiguous."""
    x = x.clone() if x.storage_offset() % 2 else x.contiguous()
    return x.view(PAIR[x.dtype.itemsize])[..., 0].t().contiguous()[..., None].view(x.dtype)


def differentiable_gradients(x: Tensor, weight: Tensor, grad: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """The gradients of x and of the weight by operations that autograd knows, for derivatives of them."""
    n, M = x.shape[-1], weight.shape[2]
    adjoint = torch.stack((weight[..., 0], -weight[..., 1]), -1).transpose(0, 1)
    of_x, of_y = (torch.fft.rfft(t)[..., :M] for t in (x, grad))
    product = torch.view_as_real(torch.einsum("bim,bom->iom", of_x.conj(), of_y))
    return SpectralConv.apply(grad, adjoint, kind), product * weights_of_modes(n, M).to(grad)[:, None]


class SpectralConv(Function):
    """x (B, C, n), weight (C, O, M, 2) -> (B, O, n). The gradient of x is the convolution of the outputs' gradient with the
    conjugate transpose of the weight; its spectrum, times the weights of the modes, gives the gradient of the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, kind: str) -> Tensor:
        transform = TRANSFORMS[kind]
        (B, C, n), (_, O, M, _) = x.shape, weight.shape
        spectrum = transform.forward(x, M).view(M, 2 * B, C)
        matrices = _modes_first(weight.reshape(C * O, M, 2)).view(M, C, 2 * O)
        re, im = torch.bmm(spectrum, matrices).view(M, 2, B, O, 2).unbind(1)  # of the spectrum, times the whole weight
        product = x.new_empty(M, 2, B, O)
        torch.sub(re[..., 0], im[..., 1], out=product[:, 0])
        torch.add(re[..., 1], im[..., 0], out=product[:, 1])
        ctx.save_for_backward(x, weight, spectrum, matrices)
        ctx.kind = kind
        return transform.inverse(product, n)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        transform = TRANSFORMS[ctx.kind]
        x, weight, spectrum, matrices = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *differentiable_gradients(x, weight, grad, ctx.kind), None
        (M, C, _), (B, O, n) = matrices.shape, grad.shape
        re, im = transform.forward(grad, M).unbind(1)
        rows = re.new_empty(M, 2, B, O, 2)  # (re, im) beside the real part of x's spectrum, (im, -re) beside the imaginary
        rows[:, 0, ..., 0], rows[:, 0, ..., 1], rows[:, 1, ..., 0] = re, im, im
        torch.neg(re, out=rows[:, 1, ..., 1])
        rows = rows.view(M, 2 * B, 2 * O)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = transform.inverse(torch.bmm(rows, matrices.transpose(1, 2)).view(M, 2, B, C), n)
        if ctx.needs_input_grad[1]:
            scale = weights_of_modes(n, M).to(grad)[:, None, None]
            product = torch.bmm((spectrum * scale).transpose(1, 2), rows)
            grad_weight = _modes_first(product.view(M, C * O, 2)).view(C, O, M, 2)
        return grad_x, grad_weight, None
