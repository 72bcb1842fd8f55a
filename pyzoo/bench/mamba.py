"""Training steps of Mamba."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pyzoo.bench import Row, errors_of, times
from pyzoo.bench.gpt import training
from pyzoo.bench.scan import mamba_ssm_kernel
from pyzoo.models.mamba import Mamba, MambaConfig
from pyzoo.ops import mamba as ops
from pyzoo.tasks.text import cross_entropy

PROBLEMS = {"cuda": (256, 768, 4, 8, 1024), "cpu": (256, 64, 2, 8, 128)}  # vocabulary, width, layers, texts, steps


def with_mamba_ssm(model: Mamba) -> Mamba | None:
    """A twin whose scan is mamba_ssm's kernel, if it is installed."""
    scan = mamba_ssm_kernel()
    if scan is None:
        return None
    twin = Mamba(model.config).to(model.embedding.device)
    twin.load_state_dict(model.state_dict())

    def mixer(*, x: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor, x_proj: Tensor, dt_weight: Tensor,
              dt_bias: Tensor, a_log: Tensor, d: Tensor, out_proj: Tensor) -> Tensor:
        """`pyzoo.ops.mamba.fast_mixer` in mamba_ssm's layout (B, E, L)."""
        u, z = (x @ in_proj.T).chunk(2, -1)
        u = torch.nn.functional.silu(ops.conv(x=u, weight=conv_weight, bias=conv_bias))
        low, b, c = (u @ x_proj.T).split((dt_weight.shape[1], a_log.shape[1], a_log.shape[1]), -1)
        inputs = (y.transpose(1, 2).contiguous() for y in (u, low @ dt_weight.T, z, b, c))
        u, dt, z, b, c = inputs
        y = scan(u, dt, -torch.exp(a_log), b[:, None], c[:, None], d, z, dt_bias)
        return y.transpose(1, 2) @ out_proj.T

    for own in twin.mixers:
        own.mixer = mixer
    return twin


def rows(device: str) -> Iterator[Row]:
    """One size."""
    vocab, width, layers, batch, length = PROBLEMS[device]
    torch.manual_seed(0)
    fast = Mamba(MambaConfig(vocab, width, layers, fast_kernels=True)).to(device)
    plain, exact = Mamba(MambaConfig(vocab, width, layers)).to(device), Mamba(fast.config).to(device, torch.float64)
    for twin in (plain, exact):
        twin.load_state_dict(fast.state_dict())
    models = {"pyzoo": fast, "pyzoo, eager": plain, "mamba_ssm's scan": with_mamba_ssm(fast) if device == "cuda" else None}
    there = {name: model for name, model in models.items() if model is not None}
    tokens = torch.randint(vocab, (batch, length + 1), device=device)
    problem = f"{layers} layers, width {width}, batch {batch} x {length}"
    with torch.no_grad():
        outputs = {name: model(tokens[:1, :-1]) for name, model in there.items()}
        errors = errors_of(problem, outputs, exact(tokens[:1, :-1]), torch.float32)
    steps = {name: training(model, lambda x, y, model=model: cross_entropy(model, x, y), tokens) for name, model in there.items()}
    spent = times(steps, device)
    for name in there:
        yield Row(problem, name, {"step": spent[name]}, errors[name], tokens=batch * length)
