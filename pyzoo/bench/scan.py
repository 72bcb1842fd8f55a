"""The selective scan with 16 states, skip, gate, softplus and bias."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.bench import Row, Runner, compare, copy_speed
from pyzoo.ops.selective_scan import reference, selective_scan

SHAPES = {  # sequences, channels, steps
    "cuda": ((8, 2048, 2048), (2, 2048, 16384), (1, 1536, 65536)),
    "cpu": ((1, 256, 512), (4, 128, 256)),
}
DTYPES = {"cuda": (torch.float32, torch.bfloat16), "cpu": (torch.float32,)}
STATES = 16
SEQUENCES, WEIGHTS = ("u", "z", "dt", "b", "c"), ("a", "d", "bias")
PIECE = 256  # steps whose states autograd keeps in fp64


def inputs(B: int, E: int, L: int, dtype: torch.dtype, device: str) -> dict[str, Tensor]:
    """Random inputs, with A and Δ as Mamba's initialization has them."""
    generator = torch.Generator(device).manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, device=device, generator=generator)

    sequences = {name: draw(B, L, E).to(dtype) for name in ("u", "z")} | {"dt": (0.5 * draw(B, L, E) - 1).to(dtype)}
    matrices = {name: draw(B, L, STATES).to(dtype) for name in ("b", "c")}
    a = -torch.arange(1, STATES + 1, dtype=torch.float32, device=device).repeat(E, 1)
    return sequences | matrices | {"a": a, "d": draw(E), "bias": 0.5 * draw(E) - 3}


def _piece(h: Tensor, u: Tensor, z: Tensor, dt: Tensor, b: Tensor, c: Tensor, a: Tensor, d: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Some steps from the states h (B, E, N): their outputs and the states after them."""
    return reference(u, dt, a, b[:, :, None], c[:, :, None], d, z, bias, h, softplus=True)


def exact(x: dict[str, Tensor], grad: Tensor) -> tuple[Tensor, ...]:
    """The outputs and then the gradients of `x`, in its order, in fp64: by autograd through the operator's steps in PyTorch."""
    x = {name: tensor.double() for name, tensor in x.items()}
    pieces = list(zip(*(x[n].split(PIECE, 1) for n in SEQUENCES), strict=True))
    weights = [x[n] for n in WEIGHTS]
    starts, outputs, h = [], [], x["u"].new_zeros(*x["u"][:, 0].shape, STATES)
    for sequences in pieces:
        starts.append(h)
        y, h = _piece(h, *sequences, *weights)
        outputs.append(y)
    after, gradients = torch.zeros_like(h), []
    for h, sequences, g in reversed(list(zip(starts, pieces, grad.double().split(PIECE, 1), strict=True))):
        leaves = [tensor.detach().requires_grad_() for tensor in (h, *sequences, *weights)]
        after, *rest = torch.autograd.grad(_piece(*leaves), leaves, (g, after))
        gradients.append(rest)
    parts, n = list(zip(*gradients, strict=True)), len(SEQUENCES)
    return torch.cat(outputs, 1), *(torch.cat(p[::-1], 1) for p in parts[:n]), *(sum(p) for p in parts[n:])


def mamba_ssm_kernel() -> Callable[..., Tensor] | None:
    """mamba_ssm's CUDA kernel with its gradients, if it is installed: u, dt (B, E, L), a, b, c (B, 1, N, L), d, z, bias -> (B, E, L)."""
    try:
        import selective_scan_cuda as kernel
    except ImportError:
        return None

    class Scan(torch.autograd.Function):
        @staticmethod
        def forward(ctx, u, dt, a, b, c, d, z, bias):  # type: ignore[no-untyped-def]
            out, states, gated = kernel.fwd(u, dt, a, b, c, d, z, bias, True)
            ctx.save_for_backward(u, dt, a, b, c, d, z, bias, states, out)
            return gated

        @staticmethod
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            u, dt, a, b, c, d, z, bias, states, out = ctx.saved_tensors
            du, ddt, da, db, dc, dd, dbias, dz, *_ = kernel.bwd(u, dt, a, b, c, d, z, bias, g.contiguous(), states, out, None,
                                                              True, False)
            return du, ddt, da, db, dc, dd, dz, dbias

    return Scan.apply


def mamba_ssm(x: dict[str, Tensor]) -> Runner | None:
    """mamba_ssm's scan in its own layout (B, E, L), if it is installed."""
    scan = mamba_ssm_kernel()
    if scan is None:
        return None
    u, dt, z = (x[n].transpose(1, 2).contiguous().requires_grad_() for n in ("u", "dt", "z"))
    b, c = (x[n].transpose(1, 2)[:, None].contiguous().requires_grad_() for n in ("b", "c"))
    a, d, bias = (x[n].clone().requires_grad_() for n in ("a", "d", "bias"))
    leaves = (u, dt, a, b, c, d, z, bias)

    def restored(du: Tensor, ddt: Tensor, da: Tensor, db: Tensor, dc: Tensor, dd: Tensor, dz: Tensor, dbias: Tensor) -> tuple[Tensor, ...]:
        return *(g.transpose(1, 2) for g in (du, dz, ddt, db[:, 0], dc[:, 0])), da, dd, dbias

    return Runner(lambda: scan(*leaves).transpose(1, 2), leaves, restored)


def mambapy(x: dict[str, Tensor]) -> Runner | None:
    """mambapy's parallel scan in PyTorch, if it is installed."""
    try:
        from mambapy.pscan import pscan
    except ImportError:
        return None
    leaves = _leaves(x)

    def run() -> Tensor:
        delta = F.softplus(leaves["dt"] + leaves["bias"])[..., None]
        moved = delta * leaves["b"][:, :, None] * leaves["u"][..., None]
        h = pscan(torch.exp(delta * leaves["a"]), moved)
        y = (h @ leaves["c"][..., None])[..., 0] + leaves["d"] * leaves["u"]
        return y * F.silu(leaves["z"])

    return Runner(run, tuple(leaves.values()))


def _leaves(x: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone().requires_grad_() for name, tensor in x.items()}


def ours(x: dict[str, Tensor]) -> Runner:
    leaves = _leaves(x)
    return Runner(lambda: selective_scan(**leaves)[0], tuple(leaves.values()))


def rows(device: str) -> Iterator[Row]:
    """All shapes and dtypes, with the peers that are installed."""
    speed = copy_speed(device)
    for dtype in DTYPES[device]:
        for B, E, L in SHAPES[device]:
            x = inputs(B, E, L, dtype, device)
            runners = {"pyzoo": ours(x)}
            others = {"mamba_ssm": mamba_ssm(x)} if device == "cuda" else {"mambapy": mambapy(x)}
            runners |= {name: runner for name, runner in others.items() if runner}
            moved = 4 * x["u"].numel() * dtype.itemsize  # u, Δ, z and y; B and C are small beside them
            problem = f"B{B} D{E} L{L} {str(dtype).removeprefix('torch.')}"
            grad = torch.randn(B, L, E, device=device).to(dtype)
            yield from compare(problem, runners, exact(x, grad), grad, moved, device, speed, dtype)
