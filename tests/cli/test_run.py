"""`pyzoo run`, `sample`, `list` and `env`."""

import json
from pathlib import Path

import pytest
import torch
import typer
from matplotlib.image import imread
from typer.testing import CliRunner

from pyzoo.cli import run, sample, show
from pyzoo.errors import InputError, MissingError, PyzooError
from pyzoo.tasks import task

APP = typer.Typer()
for command in (run, sample, show):
    command.register(APP)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pyzoo(*arguments: str) -> str:
    """What the command prints to stdout; an error that it raises is raised."""
    result = CliRunner().invoke(APP, arguments)
    if isinstance(result.exception, PyzooError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("model", ["resnet", "vit"])
def test_run_then_sample(model: str) -> None:
    out = pyzoo("run", model, "--steps", "3", "--seed", "1")
    assert out.startswith(f"runs/{model}: ") and "test accuracy 0." in out
    folder = Path("runs", model)
    names = {"config.json", "metrics.jsonl", "checkpoint", "loss.png", "sample.png"}
    assert {p.name for p in folder.iterdir()} == names
    assert json.loads((folder / "config.json").read_text())["model"] == model
    assert (folder / "sample.png").read_bytes().startswith(b"\x89PNG")
    (folder / "sample.png").unlink()
    assert " of 32 test images right" in pyzoo("sample", str(folder))
    drawn = imread(folder / "sample.png")[..., :3]
    assert (drawn.max(-1) < 0.2).mean() > 0.1  # the digits' black background, not an empty page
    assert pyzoo("run", model, "--steps", "1").startswith(f"runs/{model}-2: ")


def test_a_saved_model_loads_in_evaluation_mode() -> None:
    pyzoo("run", "resnet", "--steps", "2")
    model, config = task("resnet").load(Path("runs/resnet"))
    assert not model.training and config.steps == 2 and model(torch.zeros(1, 1, 8, 8)).shape == (1, 10)
    with pytest.raises(InputError, match="a run of resnet, not of vit"):
        task("vit").load(Path("runs/resnet"))


def test_resuming_a_finished_run_changes_nothing() -> None:
    first = pyzoo("run", "vit", "--steps", "2", "--out", "mine")
    metrics = Path("mine/metrics.jsonl").read_bytes()
    assert pyzoo("run", "vit", "--resume", "--out", "mine") == first
    assert Path("mine/metrics.jsonl").read_bytes() == metrics


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["vitt"], InputError, "no model 'vitt'; nearest: vit"),
        (["vit", "--steps", "0"], InputError, "--steps must be at least 1, not 0"),
        (["resnet", "--lr", "-1"], InputError, "--lr must be a positive number"),
        (["vit", "--prompt", "x"], InputError, "vit has no setting --prompt"),
        (["gru", "--prompt", ""], InputError, "--prompt must have at least one character"),
        (["vit", "--cifar10", "nowhere"], MissingError, "no folder .*nowhere"),
        (["vit", "--resume"], InputError, "--resume needs --out"),
        (["vit", "--resume", "--out", "nowhere"], InputError, "not a saved run"),
        (["vit", "--resume", "--out", "nowhere", "--lr", "1"], InputError, "leave out --lr"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(arguments: list[str], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        pyzoo("run", *arguments)
    assert not list(Path().iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_missing() -> None:
    with pytest.raises(MissingError, match="--cuda needs"):
        pyzoo("run", "vit", "--cuda")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("model", ["resnet", "vit"])
def test_run_on_cuda(model: str) -> None:
    assert "test accuracy" in pyzoo("run", model, "--steps", "3", "--cuda")
    assert "test images right" in pyzoo("sample", f"runs/{model}", "--cuda")


def test_sample_refuses_what_is_not_a_run() -> None:
    with pytest.raises(InputError, match="not a saved run"):
        pyzoo("sample", "nowhere")
    pyzoo("run", "vit", "--steps", "1")
    with pytest.raises(InputError, match="vit has no flag --prompt"):
        pyzoo("sample", "runs/vit", "--prompt", "x")


def test_list_finds_models_networks_and_spec_points() -> None:
    lines = pyzoo("list").splitlines()
    assert any(line.split()[:2] == ["model", "mamba"] for line in lines)
    assert any(line.startswith("spec point  mamba.conv ") for line in lines)
    assert any(line.startswith("spec point  lstm.cell ") for line in lines)
    assert pyzoo("list", "resnet-18").split() == ["network", "ResNet-18", "11,689,512", "parameters"]
    with pytest.raises(InputError, match="'nothing like it'"):
        pyzoo("list", "nothing like it")


def test_env_names_versions_and_devices() -> None:
    out = pyzoo("env")
    assert f"torch         {torch.__version__}" in out and "cuda" in out and "lean" in out
