"""A run folder: `config.json`, `metrics.jsonl`, `checkpoint/`, samples and plots."""

import dataclasses
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import torch

import pyzoo
from pyzoo.errors import InputError
from pyzoo.train.checkpoint import MANIFEST, load_checkpoint, save_checkpoint, write_atomic

SCHEMA = 1


def settings(path: Path, stored: dict[str, Any], kind: type) -> Any:
    """Settings stored in a file, as an instance of the task's `Config`. A tuple field is a list in JSON, and comes back.
    A field with `later` in its metadata may be missing: it is younger than the file, and has its default. Raises InputError
    unless they are its fields, of their types."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    later = {name for name, field in fields.items() if field.metadata.get("later")}
    if not isinstance(stored, dict) or set(stored) | later != set(fields):
        raise InputError(f"{path}: field 'config' must have exactly {', '.join(fields)}")
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
    for name, value in values.items():
        default = fields[name].default
        number = type(default) is float and type(value) is int
        if default is not None and type(value) is not type(default) and not number:
            raise InputError(f"{path}: setting '{name}' is {value!r}, not a {type(default).__name__}")
    return kind(**values)


class RunFolder:
    """The folder of one run. A new one appears on disk when `start` is called, after the data has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists already and is not an empty folder; name another, or --resume it")
        self.resuming = False

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing run. Raises InputError if it isn't one."""
        folder = cls.__new__(cls)
        folder.path, folder.resuming = path, True
        folder.document()
        return folder

    def document(self) -> dict[str, Any]:
        """`config.json`: the model's name in 'model', the settings in 'config', and the versions."""
        path = self.path / "config.json"
        try:
            document = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path} is not a saved run: {path} can't be read: {error}") from None
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise InputError(f"{path}: field 'schema' must be {SCHEMA}")
        for name, kind in (("model", str), ("config", dict)):
            if not isinstance(document.get(name), kind):
                raise InputError(f"{path}: field '{name}' is missing or not a {kind.__name__}")
        return document

    @property
    def model(self) -> str:
        """The model's name."""
        return self.document()["model"]

    def config(self, kind: type) -> Any:
        """The settings, as an instance of the task's `Config`."""
        return settings(self.path / "config.json", self.document()["config"], kind)

    def start(self, model: str, config: Any) -> None:
        """Make the folder, with `config.json` in it; nothing to do for a run that is resumed."""
        if self.resuming:
            return
        document = {
            "schema": SCHEMA,
            "model": model,
            "config": dataclasses.asdict(config),
            "versions": {"pyzoo": pyzoo.__version__, "torch": torch.__version__, "python": platform.python_version()},
        }
        target = self.path.absolute()
        work = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            work.mkdir(parents=True)
            write_atomic(work / "config.json", (json.dumps(document, indent=1) + "\n").encode())
            os.replace(work, target)  # onto nothing, or onto an empty folder
        except OSError as error:
            shutil.rmtree(work, ignore_errors=True)
            raise InputError(f"{self.path} can't be made: {error}") from None

    def log(self, **metrics: float) -> None:
        """Append one line to `metrics.jsonl`."""
        with open(self.path / "metrics.jsonl", "a") as file:
            file.write(json.dumps(metrics, allow_nan=False) + "\n")

    def metrics(self) -> list[dict[str, float]]:
        """The lines of `metrics.jsonl`; a last line that a kill cut short is left out."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    @property
    def has_checkpoint(self) -> bool:
        """Whether a checkpoint was completed."""
        return (self.path / "checkpoint" / MANIFEST).exists()

    def save(self, step: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Checkpoint the parameters, buffers and optimizer state after `step` steps."""
        tensors = {f"model.{name}": t for name, t in model.state_dict().items()}
        for name, parameter in model.named_parameters():
            tensors |= {f"optimizer.{key}.{name}": t for key, t in optimizer.state.get(parameter, {}).items()}
        save_checkpoint(self.path / "checkpoint", step, tensors)

    def load(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None) -> int:
        """Put the checkpoint into `model` (and `optimizer`), and return its step. Raises InputError if it doesn't
        fit."""
        folder = self.path / "checkpoint"
        step, tensors = load_checkpoint(folder)
        state = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            raise InputError(f"{folder} doesn't fit the model of config.json: {error}") from None
        for name, parameter in model.named_parameters() if optimizer is not None else ():
            for key in ("step", "exp_avg", "exp_avg_sq"):
                if (t := tensors.get(f"optimizer.{key}.{name}")) is None:
                    raise InputError(f"{folder} lacks the optimizer's state of {name}")
                host = key == "step" and not optimizer.defaults["fused"]
                optimizer.state[parameter][key] = t if host else t.to(parameter.device)
        return step

    def rewind(self, step: int) -> None:
        """Drop the metrics of steps after `step`, which a resumed run repeats."""
        lines = [json.dumps(line) + "\n" for line in self.metrics() if line["step"] <= step]
        write_atomic(self.path / "metrics.jsonl", "".join(lines).encode())


def unused(parent: Path, name: str) -> Path:
    """`parent/name`, or the first of `name-2`, `name-3`, ... that doesn't exist."""
    path, count = parent / name, 1
    while path.exists():
        count += 1
        path = parent / f"{name}-{count}"
    return path
