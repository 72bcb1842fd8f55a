"""The loop, run folders and checkpoints."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from pyzoo.errors import InputError
from pyzoo.train import checkpoint
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder, unused
from pyzoo.train.loop import fit


class Killed(Exception):
    """Stands for a kill in the middle of a run."""


def run(folder: RunFolder, config: TrainConfig, kill_at: int | None = None) -> dict[str, float]:
    """Fit a small regression with a batch norm; raise Killed in step `kill_at`."""
    folder.start("toy", config)
    torch.manual_seed(config.seed)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    steps = iter(range(10**9))

    def loss(rng: np.random.Generator) -> torch.Tensor:
        if next(steps) == kill_at:
            raise Killed
        x = torch.from_numpy(rng.standard_normal((config.batch, 3), dtype=np.float32))
        return (model(x) - x.sum(1, keepdim=True)).square().mean()

    def evaluate() -> dict[str, float]:
        return {"test_loss": model(torch.ones(1, 3)).item()}

    return fit(model, loss, evaluate, config, folder, items=config.batch, unit="rows")


def losses(folder: RunFolder) -> list[tuple[float, float]]:
    return [(line["step"], line["loss"]) for line in folder.metrics()]


def test_fit_learns_and_leaves_a_whole_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "run")
    metrics = run(folder, TrainConfig(steps=300, lr=0.05))
    assert metrics["step"] == 300 and metrics["loss"] < losses(folder)[0][1] / 10
    assert {p.name for p in folder.path.iterdir()} == {"config.json", "metrics.jsonl", "checkpoint", "loss.png"}
    assert len(list((folder.path / "checkpoint").iterdir())) == 2
    assert list(folder.path.parent.iterdir()) == [folder.path]
    assert folder.model == "toy" and folder.config(TrainConfig) == TrainConfig(steps=300, lr=0.05)


@pytest.mark.parametrize("kill_at", [1, 9, 25, 39])
def test_a_killed_run_resumes_to_the_same_losses(tmp_path: Path, kill_at: int) -> None:
    config = TrainConfig(steps=40, lr=0.01, seed=3)
    whole, killed = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    run(whole, config)
    with pytest.raises(Killed):
        run(killed, config, kill_at)
    with open(killed.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 4, "lo')  # the kill cut a line short
    resumed = RunFolder.open(killed.path)
    run(resumed, resumed.config(TrainConfig))
    assert losses(resumed) == losses(whole)
    assert checkpoint.load_checkpoint(whole.path / "checkpoint")[0] == 40
    for name in (p.name for p in (whole.path / "checkpoint").iterdir()):
        assert (whole.path / "checkpoint" / name).read_bytes() == (killed.path / "checkpoint" / name).read_bytes()


def test_a_diverging_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1e[+]30 is too high"):
        run(RunFolder(tmp_path / "run"), TrainConfig(steps=40, lr=1e30))


def test_the_learning_rate_rises_then_falls() -> None:
    config = TrainConfig(steps=100, lr=1.0, warmup=0.1)
    rates = [config.lr_at(step) for step in range(100)]
    assert rates[9] == max(rates) == 1.0 and rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True) and 0 < rates[-1] < 0.02
    assert TrainConfig(steps=1).lr_at(0) == TrainConfig().lr


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch": -1}, {"lr": 0.0}, {"lr": math.nan}, {"lr": math.inf},
                                   {"seed": -1}, {"seed": 2**63}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"--{next(iter(wrong))}"):
        TrainConfig(**wrong)


def tensors() -> dict[str, torch.Tensor]:
    tied = torch.randn(3, 2)
    return {"a": tied, "b": tied, "c": torch.randn(4).bfloat16(), "step": torch.tensor(7.0)}


def test_checkpoint_round_trip_is_exact_and_leaves_one(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    checkpoint.save_checkpoint(folder, 1, tensors())
    saved = tensors()
    checkpoint.save_checkpoint(folder, 2, saved)
    step, loaded = checkpoint.load_checkpoint(folder)
    assert step == 2 and loaded.keys() == saved.keys() and all(torch.equal(loaded[k], saved[k]) for k in saved)
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "step-2.safetensors"]


@pytest.mark.parametrize("call", [1, 2])
def test_a_kill_while_saving_keeps_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Die at the first or the second of the two renames that make a checkpoint."""
    folder, saved, count = tmp_path / "checkpoint", tensors(), iter(range(1, 9))
    checkpoint.save_checkpoint(folder, 1, saved)
    replace = os.replace

    def dying(source: Path, target: Path) -> None:
        if next(count) == call:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(Killed):
        checkpoint.save_checkpoint(folder, 2, tensors())
    step, loaded = checkpoint.load_checkpoint(folder)
    assert step == 1 and torch.equal(loaded["a"], saved["a"])


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    with pytest.raises(InputError, match="no complete checkpoint"):
        checkpoint.load_checkpoint(folder)
    checkpoint.save_checkpoint(folder, 5, tensors())
    file, manifest = folder / "step-5.safetensors", folder / "manifest.json"
    whole, listed = file.read_bytes(), manifest.read_text()
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match="sha256"):
            checkpoint.load_checkpoint(folder)
    file.write_bytes(whole)
    for text in ("", "[]", '{"step": 5}', listed.replace("step-5.safetensors", "../../x"), listed.replace("5,", "-5,")):
        manifest.write_text(text)
        with pytest.raises(InputError, match=r"manifest\.json"):
            checkpoint.load_checkpoint(folder)
    manifest.write_text(listed)
    file.unlink()
    with pytest.raises(InputError, match="can't be read"):
        checkpoint.load_checkpoint(folder)


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    run(folder, TrainConfig(steps=2))
    with pytest.raises(InputError, match="doesn't fit"):
        folder.load(torch.nn.Linear(3, 5))


def test_an_existing_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    for path in (tmp_path, tmp_path / "note"):
        with pytest.raises(InputError, match="exists already"):
            RunFolder(path)
    with pytest.raises(InputError, match="can't be made"):
        RunFolder(tmp_path / "note" / "run").start("toy", TrainConfig())
    assert unused(tmp_path, "note") == tmp_path / "note-2"


def test_a_damaged_config_is_refused(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run").start("toy", TrainConfig())
    path = tmp_path / "run" / "config.json"
    document = json.loads(path.read_text())
    for change in ({"schema": 2}, {"model": 3}, {"config": []}, {"config": {"steps": 1}},
                   {"config": document["config"] | {"lr": "fast"}}, {"config": document["config"] | {"steps": 0}}):
        path.write_text(json.dumps(document | change))
        with pytest.raises(InputError):
            RunFolder.open(path.parent).config(TrainConfig)
    path.write_text("{")
    with pytest.raises(InputError, match="not a saved run"):
        RunFolder.open(path.parent)
