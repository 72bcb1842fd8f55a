"""`pyzoo run`: train a model on real data."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from pyzoo.errors import InputError, MissingError

TEXT = "text models: "


def device_of(cuda: bool) -> str:
    """The device that `--cuda` asks for, checked."""
    import torch

    if cuda and not torch.cuda.is_available():
        raise MissingError("--cuda needs a CUDA device and a PyTorch built for CUDA; without --cuda the CPU is used")
    return "cuda" if cuda else "cpu"


def run(
    model: Annotated[str, typer.Argument(
        help="chargpt, gpt2, text_gpt2, mamba, rnn, lstm, gru (the text models), lstm_regression, gpt_adder, resnet or vit")],
    cuda: Annotated[bool, typer.Option("--cuda", help="train on the CUDA device")] = False,
    fast_kernels: Annotated[bool, typer.Option(
        "--fast-kernels",
        help="mamba: the scan as one kernel; GPTs: training on a GPU compiled and in bfloat16, generation with attention as one "
             "kernel")] = False,
    variant: Annotated[str | None, typer.Option(help="mamba: mamba1 (the default), or mamba2 with one decay a head")] = None,
    steps: Annotated[int | None, typer.Option(help="optimizer steps")] = None,
    lr: Annotated[float | None, typer.Option(help="peak learning rate")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the initial parameters and of every batch")] = None,
    out: Annotated[Path | None, typer.Option(help="the run's folder; if not given, runs/MODEL")] = None,
    cifar10: Annotated[Path | None, typer.Option(help="resnet, vit: folder with CIFAR-10 to train on")] = None,
    preset: Annotated[str | None, typer.Option(help="GPTs: laptop (the default), karpathy, or a published size")] = None,
    positions: Annotated[str | None, typer.Option(
        help="chargpt, gpt2, text_gpt2: learned (the default), or rotary")] = None,
    digits: Annotated[int | None, typer.Option(help="gpt_adder: digits of the numbers to add")] = None,
    tiny_shakespeare: Annotated[bool, typer.Option(
        "--tiny-shakespeare", help=TEXT + "learn Shakespeare's plays, which is the default")] = False,
    data_file: Annotated[Path | None, typer.Option(
        help=TEXT + "a text file in UTF-8 to learn, in place of the plays")] = None,
    vocab_file: Annotated[Path | None, typer.Option(
        help="text_gpt2: GPT-2's vocab.json, in place of parts learned from the text")] = None,
    merges_file: Annotated[Path | None, typer.Option(
        help="text_gpt2: GPT-2's merges.txt, which belongs to it")] = None,
    windows: Annotated[int | None, typer.Option(
        help="text models, lstm_regression: train on so many windows of the data")] = None,
    prompt: Annotated[str | None, typer.Option(help=TEXT + "how the sampled text begins")] = None,
    generate: Annotated[int | None, typer.Option(help=TEXT + "tokens to sample")] = None,
    temperature: Annotated[float | None, typer.Option(help=TEXT + "logits are divided by it before sampling")] = None,
    top_k: Annotated[int | None, typer.Option(help=TEXT + "sample from so many of the likeliest tokens")] = None,
    load_params: Annotated[Path | None, typer.Option(
        help=TEXT + "a safetensors file to start from; for gpt2 and text_gpt2 also one of GPT-2's")] = None,
    save_params: Annotated[Path | None, typer.Option(help="write the trained parameters to this safetensors file")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
) -> None:  # fmt: skip
    """Train a model, and leave its settings, metrics, checkpoint, loss plot and a sample in a folder. By default resnet
    and vit learn handwritten digits; the text models learn Shakespeare's plays; gpt_adder learns to
    add; lstm_regression learns to forecast hourly temperatures."""
    from pyzoo.tasks import task
    from pyzoo.train import params

    module = task(model)
    if tiny_shakespeare and data_file is not None:
        raise InputError("--tiny-shakespeare and --data-file name two texts; leave out one of them")
    if tiny_shakespeare and resume:
        raise InputError("--resume keeps the run's own settings; leave out --tiny-shakespeare")
    if tiny_shakespeare and "data_file" not in _fields(module):
        raise InputError(f"{model} has no setting --tiny-shakespeare")
    paths = {"cifar10": cifar10, "data_file": data_file, "vocab_file": vocab_file, "merges_file": merges_file,
             "load_params": load_params}  # fmt: skip
    flags = {"steps": steps, "lr": lr, "seed": seed, "preset": preset, "variant": variant, "positions": positions,
             "digits": digits, "windows": windows, "prompt": prompt, "generate": generate, "temperature": temperature,
             "top_k": top_k}  # fmt: skip
    if fast_kernels:
        flags["fast_kernels"] = True
    flags |= {name: path and str(path.absolute()) for name, path in paths.items()}
    given = {name: value for name, value in flags.items() if value is not None}
    if save_params is not None:
        params.check_target(save_params)
    device = device_of(cuda)
    config, folder = _resumed(module, model, out, given) if resume else _fresh(module, model, out, given)
    metrics = module.train(config, folder, device)
    results = ", ".join(f"{k.replace('_', ' ')} {v:.4f}" for k, v in metrics.items() if k.startswith(("test", "val")))
    print(f"{folder.path}: {results}")
    if save_params is not None:
        trained, config = module.load(folder.path)
        params.save_params(save_params, model, config, trained)


def _fields(module: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(module.Config)}


def _fresh(module: Any, model: str, out: Path | None, given: dict[str, Any]) -> tuple[Any, Any]:
    from pyzoo.train.folder import RunFolder, unused

    if unknown := sorted(given.keys() - _fields(module)):
        raise InputError(f"{model} has no setting --{unknown[0].replace('_', '-')}")
    config = module.Config(**given)
    return config, RunFolder(out or unused(Path("runs"), model))


def _resumed(module: Any, model: str, out: Path | None, given: dict[str, Any]) -> tuple[Any, Any]:
    from pyzoo.train.folder import RunFolder

    if out is None:
        raise InputError("--resume needs --out, the folder of the run to go on with")
    if given:
        raise InputError(f"--resume keeps the run's own settings; leave out --{next(iter(given)).replace('_', '-')}")
    folder = RunFolder.open(out)
    if folder.model != model:
        raise InputError(f"{out} is a run of {folder.model}, not of {model}")
    return folder.config(module.Config), folder


def register(app: typer.Typer) -> None:
    app.command()(run)
