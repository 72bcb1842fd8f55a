"""Training tasks: one module a model.

A task module has a dataclass `Config` (extending `pyzoo.train.config.TrainConfig`), a function
`train(config, folder, device)` that trains into a `RunFolder` and returns the last metrics, and a function
`sample(run, device, **flags)` that returns the text to print for a saved run's folder.
"""

import difflib
import importlib
from types import ModuleType

from pyzoo.errors import InputError

TASKS = {
    "mamba": "pyzoo.tasks.mamba",
    "resnet": "pyzoo.tasks.resnet",
    "vit": "pyzoo.tasks.vit",
    "rnn": "pyzoo.tasks.rnn",
    "lstm": "pyzoo.tasks.lstm",
    "gru": "pyzoo.tasks.gru",
    "lstm_regression": "pyzoo.tasks.lstm_regression",
    "chargpt": "pyzoo.tasks.chargpt",
    "gpt2": "pyzoo.tasks.gpt2",
    "text_gpt2": "pyzoo.tasks.text_gpt2",
    "gpt_adder": "pyzoo.tasks.gpt_adder",
}


def task(name: str) -> ModuleType:
    """The task module of a model. Raises InputError with the nearest names if there is none."""
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=3, cutoff=0.3) or sorted(TASKS)
        raise InputError(f"there is no model {name!r}; nearest: {', '.join(near)}")
    return importlib.import_module(TASKS[name])
