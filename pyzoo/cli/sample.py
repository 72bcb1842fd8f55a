"""`pyzoo sample`: what a saved run has learned."""

import inspect
from pathlib import Path
from typing import Annotated

import typer

from pyzoo.cli.run import device_of
from pyzoo.errors import InputError


def sample(
    saved: Annotated[Path, typer.Argument(help="a run's folder, or a text model's safetensors file")],
    prompt: Annotated[str | None, typer.Option(
        help="text models: how the text begins; gpt_adder: a sum such as 12+34")] = None,
    generate: Annotated[int | None, typer.Option(help="text models: tokens to write after it")] = None,
    temperature: Annotated[float | None, typer.Option(help="text models: logits are divided by it")] = None,
    top_k: Annotated[int | None, typer.Option(help="text models: choose from so many of the likeliest tokens")] = None,
    seed: Annotated[int, typer.Option(min=0, help="seed of the text, or of the choice of examples")] = 0,
    cuda: Annotated[bool, typer.Option("--cuda", help="compute on the CUDA device")] = False,
) -> None:  # fmt: skip
    """Write text with a saved text model, add with a saved gpt_adder, forecast temperatures with a saved lstm_regression,
    or classify and draw test images with a saved resnet or vit. A file that `run --save-params` wrote says which model it
    is; a file of GPT-2's, with vocab.json and merges.txt beside it, is a text_gpt2."""
    from pyzoo.tasks import task

    name = _model_of(saved)
    module = task(name)
    parameters = inspect.signature(module.sample).parameters
    flags = {"prompt": prompt, "generate": generate, "temperature": temperature, "top_k": top_k}
    flags = {flag: value for flag, value in flags.items() if value is not None}
    if unknown := sorted(flags.keys() - parameters.keys()):
        raise InputError(f"{name} has no flag --{unknown[0].replace('_', '-')}")
    if "show" in parameters:
        show = lambda text: print(text, end="", flush=True)  # noqa: E731
        module.sample(saved, device=device_of(cuda), seed=seed, show=show, **flags)
        print()
    else:
        print(module.sample(saved, device=device_of(cuda), seed=seed, **flags))


def _model_of(saved: Path) -> str:
    """The model of a run's folder or of a safetensors file."""
    from pyzoo.train.folder import RunFolder
    from pyzoo.train.params import read_params

    if saved.is_file():
        return read_params(saved)[1].get("model", "text_gpt2")
    return RunFolder.open(saved).model


def register(app: typer.Typer) -> None:
    app.command()(sample)
