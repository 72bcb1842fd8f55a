"""The first-order linear recurrence."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pyzoo.bench import Row, Runner, compare, copy_speed
from pyzoo.ops.linear_scan import linear_scan
from pyzoo.ops.mamba import states

SHAPES = {  # sequences, steps, channels
    "cuda": ((8, 2048, 2048), (2, 16384, 2048), (1, 65536, 1536)),
    "cpu": ((1, 512, 256), (4, 256, 128)),
}
DTYPES = {"cuda": (torch.float32, torch.bfloat16), "cpu": (torch.float32,)}


def exact(decay: Tensor, input: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
    """The states (B, L, D) and the gradients of decay and input, in fp64."""
    leaves = [x.double().requires_grad_() for x in (decay, input)]
    h = states(decay=leaves[0], input=leaves[1], h0=torch.zeros_like(leaves[1][:, 0]))
    return h.detach(), *torch.autograd.grad(h, leaves, grad.double())


def ours(decay: Tensor, input: Tensor) -> Runner:
    leaves = decay.clone().requires_grad_(), input.clone().requires_grad_()
    h0 = torch.zeros_like(input[:, 0])
    return Runner(lambda: linear_scan(decay=leaves[0], input=leaves[1], h0=h0), leaves)


def mambapy(decay: Tensor, input: Tensor) -> Runner | None:
    """mambapy's parallel scan in PyTorch, if it is installed."""
    try:
        from mambapy.pscan import pscan
    except ImportError:
        return None
    leaves = tuple(x[..., None].clone().requires_grad_() for x in (decay, input))
    return Runner(lambda: pscan(*leaves)[..., 0], leaves, lambda da, db: (da[..., 0], db[..., 0]))


def accelerated_scan(decay: Tensor, input: Tensor) -> Runner | None:
    """accelerated-scan's CUDA kernel in its own layout (batch, channel, time), if it is installed and can be compiled."""
    try:
        from accelerated_scan.warp import scan
    except (ImportError, OSError, RuntimeError):
        return None
    leaves = tuple(x.transpose(1, 2).contiguous().requires_grad_() for x in (decay, input))
    return Runner(lambda: scan(*leaves).transpose(1, 2), leaves, lambda da, db: (da.transpose(1, 2), db.transpose(1, 2)))


def rows(device: str) -> Iterator[Row]:
    """All shapes and dtypes, with the peers that are installed."""
    speed = copy_speed(device)
    for dtype in DTYPES[device]:
        for B, L, D in SHAPES[device]:
            generator = torch.Generator(device).manual_seed(0)
            decay = torch.rand(B, L, D, device=device, generator=generator).to(dtype)
            input, grad = (torch.randn(B, L, D, device=device, generator=generator).to(dtype) for _ in range(2))
            others = {"mambapy": mambapy(decay, input)}
            if device == "cuda" and dtype == torch.float32:  # its states in bfloat16 are far from those of fp64
                others["accelerated-scan"] = accelerated_scan(decay, input)
            runners = {"pyzoo": ours(decay, input)} | {name: runner for name, runner in others.items() if runner}
            problem = f"B{B} L{L} D{D} {str(dtype).removeprefix('torch.')}"
            moved = 3 * input.numel() * dtype.itemsize
            yield from compare(problem, runners, exact(decay, input, grad), grad, moved, device, speed, dtype)
