"""The training loop of every supervised task."""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from pyzoo.errors import InputError
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder
from pyzoo.train.plot import plot_losses

LOG_LINES = 20  # a run prints about this many
EVALUATIONS = 5  # and is evaluated and checkpointed this many times


def adamw(model: torch.nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels, not biases, norms and other vectors."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.99), fused=parameters[0].is_cuda or None)


def fit(
    model: torch.nn.Module,
    loss: Callable[[np.random.Generator], torch.Tensor],
    evaluate: Callable[[], dict[str, float]],
    config: TrainConfig,
    folder: RunFolder,
    items: int,
    unit: str,
) -> dict[str, float]:
    """Train `model` for `config.steps` steps and return the last metrics.

    `loss` draws a batch with the given generator and returns its mean loss; the generator depends on the seed and
    the step alone, so a resumed run repeats the batches of an uninterrupted one. `evaluate` returns metrics such as
    `test_accuracy`; the model is in evaluation mode and gradients are off. `items` is how many `unit`s (images,
    characters) a step sees. `folder.start` has been called.
    """
    optimizer = adamw(model, config)
    start = folder.load(model, optimizer) if folder.has_checkpoint else 0
    folder.rewind(start)
    log_every = -(-config.steps // LOG_LINES)
    evaluate_every = log_every * LOG_LINES // EVALUATIONS
    metrics = folder.metrics()[-1] if start else {}
    since, done = time.perf_counter(), start
    for step in range(start, config.steps):
        model.train()
        lr = config.lr_at(step)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        value = loss(np.random.default_rng([config.seed, step]))
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

        last = step + 1 == config.steps
        if not (last or (step + 1) % log_every == 0):
            continue
        metrics = {"step": step + 1, "loss": value.item(), "lr": lr}
        if not np.isfinite(metrics["loss"]):
            raise InputError(f"the loss is {metrics['loss']} at step {step + 1}; --lr {config.lr} is too high")
        rate = (step + 1 - done) * items / (time.perf_counter() - since)
        if last or (step + 1) % evaluate_every == 0:
            model.eval()
            with torch.no_grad():
                metrics |= evaluate()
            folder.save(step + 1, model, optimizer)
        folder.log(**metrics, **{f"{unit}_per_second": rate})
        _print(config.steps, metrics, rate, unit)
        since, done = time.perf_counter(), step + 1
    model.eval()
    plot_losses(folder.metrics(), folder.path / "loss.png")
    return metrics


def _print(steps: int, metrics: dict[str, float], rate: float, unit: str) -> None:
    extra = "".join(f"  {k.replace('_', ' ')} {v:.4f}" for k, v in metrics.items() if k not in ("step", "loss", "lr"))
    print(
        f"step {metrics['step']:>{len(str(steps))}}/{steps}  loss {metrics['loss']:.4f}  lr {metrics['lr']:.2e}"
        f"  {rate:,.0f} {unit}/s{extra}",
        file=sys.stderr,
        flush=True,
    )
