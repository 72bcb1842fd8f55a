"""`pyzoo sample`: what a saved run has learned."""

import inspect
from pathlib import Path
from typing import Annotated

import typer

from pyzoo.cli.run import device_of
from pyzoo.errors import InputError


def sample(
    run: Annotated[Path, typer.Argument(help="a run's folder")],
    prompt: Annotated[str | None, typer.Option(help="mamba, rnn, lstm, gru: how the text begins")] = None,
    seed: Annotated[int, typer.Option(min=0, help="seed of the text, or of the choice of test images")] = 0,
    cuda: Annotated[bool, typer.Option("--cuda", help="compute on the CUDA device")] = False,
) -> None:
    """Write text with a saved mamba, rnn, lstm or gru, or classify and draw test images with a saved resnet or vit."""
    from pyzoo.tasks import task
    from pyzoo.train.folder import RunFolder

    folder = RunFolder.open(run)
    module = task(folder.model)
    flags = {} if prompt is None else {"prompt": prompt}
    if unknown := sorted(flags.keys() - inspect.signature(module.sample).parameters.keys()):
        raise InputError(f"{folder.model} has no flag --{unknown[0]}")
    print(module.sample(folder, device=device_of(cuda), seed=seed, **flags))


def register(app: typer.Typer) -> None:
    app.command()(sample)
