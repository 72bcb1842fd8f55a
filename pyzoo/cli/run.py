"""`pyzoo run`: train a model on real data."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from pyzoo.errors import InputError, MissingError


def device_of(cuda: bool) -> str:
    """The device that `--cuda` asks for, checked."""
    import torch

    if cuda and not torch.cuda.is_available():
        raise MissingError("--cuda needs a CUDA device and a PyTorch built for CUDA; without --cuda the CPU is used")
    return "cuda" if cuda else "cpu"


def run(
    model: Annotated[str, typer.Argument(help="mamba, rnn, lstm, gru, resnet or vit")],
    cuda: Annotated[bool, typer.Option("--cuda", help="train on the CUDA device")] = False,
    steps: Annotated[int | None, typer.Option(help="optimizer steps")] = None,
    lr: Annotated[float | None, typer.Option(help="peak learning rate")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the initial parameters and of every batch")] = None,
    out: Annotated[Path | None, typer.Option(help="the run's folder; if not given, runs/MODEL")] = None,
    cifar10: Annotated[Path | None, typer.Option(help="resnet, vit: folder with CIFAR-10 to train on")] = None,
    prompt: Annotated[str | None, typer.Option(help="mamba, rnn, lstm, gru: how the sampled text begins")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
) -> None:
    """Train a model, and leave its settings, metrics, checkpoint, loss plot and a sample in a folder. By default resnet
    and vit learn handwritten digits; mamba, rnn, lstm and gru learn Shakespeare's plays, character by character."""
    from pyzoo.tasks import task

    module = task(model)
    flags = {"steps": steps, "lr": lr, "seed": seed, "cifar10": cifar10 and str(cifar10.absolute()), "prompt": prompt}
    given = {name: value for name, value in flags.items() if value is not None}
    device = device_of(cuda)
    config, folder = _resumed(module, model, out, given) if resume else _fresh(module, model, out, given)
    metrics = module.train(config, folder, device)
    results = ", ".join(f"{k.replace('_', ' ')} {v:.4f}" for k, v in metrics.items() if k.startswith(("test", "val")))
    print(f"{folder.path}: {results}")


def _fresh(module: Any, model: str, out: Path | None, given: dict[str, Any]) -> tuple[Any, Any]:
    from pyzoo.train.folder import RunFolder, unused

    fields = {field.name for field in dataclasses.fields(module.Config)}
    if unknown := sorted(given.keys() - fields):
        raise InputError(f"{model} has no setting --{unknown[0]}")
    config = module.Config(**given)
    return config, RunFolder(out or unused(Path("runs"), model))


def _resumed(module: Any, model: str, out: Path | None, given: dict[str, Any]) -> tuple[Any, Any]:
    from pyzoo.train.folder import RunFolder

    if out is None:
        raise InputError("--resume needs --out, the folder of the run to go on with")
    if given:
        raise InputError(f"--resume keeps the run's own settings; leave out --{next(iter(given))}")
    folder = RunFolder.open(out)
    if folder.model != model:
        raise InputError(f"{out} is a run of {folder.model}, not of {model}")
    return folder.config(module.Config), folder


def register(app: typer.Typer) -> None:
    app.command()(run)
