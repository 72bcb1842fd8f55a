"""Checkpoints: a safetensors file and a manifest that names it with its checksum.

The manifest is replaced last, so at any moment the folder holds the complete old checkpoint or the complete new one.
"""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from pyzoo.errors import InputError

MANIFEST = "manifest.json"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that it is found whole or not at all, also after a power cut."""
    temporary = path.with_name(f".{path.name}.part")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if os.name == "posix":  # where a rename reaches the disk with its folder
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


def save_checkpoint(folder: Path, step: int, tensors: dict[str, torch.Tensor]) -> None:
    """Make `tensors`, as they are after `step` steps, the folder's checkpoint."""
    folder.mkdir(exist_ok=True)
    # Clones, because safetensors refuses tensors that share memory and tied parameters do.
    data = save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()})
    name = f"step-{step}.safetensors"
    write_atomic(folder / name, data)
    manifest = {"schema": 1, "step": step, "file": name, "sha256": hashlib.sha256(data).hexdigest()}
    write_atomic(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    for old in folder.glob("step-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> tuple[int, dict[str, torch.Tensor]]:
    """The step and tensors of a checkpoint. Raises InputError if it is missing, truncated or edited."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
        step, name, digest = (manifest[key] for key in ("step", "file", "sha256"))
    except OSError:
        raise InputError(f"{path} can't be read: there is no complete checkpoint in {folder}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a checkpoint's manifest: {error!r}") from None
    if type(step) is not int or step < 0 or name != f"step-{step}.safetensors":
        raise InputError(f"{path}: the fields 'step' and 'file' don't belong together: {step!r} and {name!r}")
    try:
        data = (folder / name).read_bytes()
    except OSError:
        raise InputError(f"{folder / name}, which {path} names, can't be read") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputError(f"{folder / name} does not have the checksum in field 'sha256' of {path}")
    try:
        return step, load(data)
    except SafetensorError as error:
        raise InputError(f"{folder / name}: {error}") from None
