"""Parameters as one safetensors file, which names its model and settings if pyzoo wrote it."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from pyzoo.errors import InputError
from pyzoo.train.checkpoint import write_atomic
from pyzoo.train.folder import settings


def check_target(path: Path) -> None:
    """Raise InputError if a new file can't be written there."""
    if path.exists():
        raise InputError(f"--save-params writes a new file, and {path} exists already")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--save-params {path}: there is no folder {path.absolute().parent}")


def save_params(path: Path, name: str, config: Any, model: torch.nn.Module) -> None:
    """Write the parameters of the model `name`, with its settings."""
    document = {"model": name, "config": json.dumps(dataclasses.asdict(config))}
    tensors = {key: t.detach().cpu().contiguous().clone() for key, t in model.state_dict().items()}
    write_atomic(path, save(tensors, document))


def read_params(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a file, and the model and settings that it names, if any. Raises InputError if it is not whole."""
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} can't be read as safetensors: {error}") from None


def config_of(path: Path, metadata: dict[str, str], kind: type) -> Any:
    """The settings that a file names, as an instance of a task's `Config`."""
    try:
        stored = json.loads(metadata["config"])
    except (KeyError, ValueError):
        raise InputError(f"{path} does not say which settings its model has") from None
    return settings(path, stored, kind)


def _instead(given: str, wanted: str) -> str:
    return f" with {given}; give {wanted}" if given else ""


def put(
    path: Path, tensors: dict[str, torch.Tensor], model: torch.nn.Module, choices: Mapping[str, tuple[str, str]] = {}
) -> None:
    """Copy tensors into a model. Raises InputError, naming the first one that doesn't fit. `choices` names, for a
    tensor that an option decides on, the option with which a model has it and the one without."""
    own = model.state_dict()
    first = lambda name: (name not in choices, name)  # noqa: E731
    if missing := sorted(own.keys() - tensors.keys(), key=first):
        given, wanted = choices.get(missing[0], ("", ""))
        raise InputError(f"{path} lacks the tensor {missing[0]!r}, which the model needs{_instead(given, wanted)}")
    if extra := sorted(tensors.keys() - own.keys(), key=first):
        wanted, given = choices.get(extra[0], ("", ""))
        place = f"for which the model has no place{_instead(given, wanted)}"
        raise InputError(f"{path} has the tensor {extra[0]!r}, {place}")
    for name, tensor in own.items():
        if tensors[name].shape != tensor.shape:
            shapes = f"{list(tensors[name].shape)}, and the model needs {list(tensor.shape)}"
            raise InputError(f"{path}: the tensor {name!r} has shape {shapes}")
    model.load_state_dict(tensors)
