"""What the recurrent families share: how their models are built for a conformance run, and what is recorded."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pyzoo.conformance.trace import Call, Recorder
from pyzoo.models.recurrent import Forecaster, RecurrentConfig, RecurrentModel

LENGTHS = (5, 1, 2, 7, 3, 4, 9)


class Family:
    """The functions that `pyzoo.conformance.run.family` asks for, for `rnn`, `lstm` or `gru`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def limit(self, call: Call) -> int:
        """How many entries of a call's output are compared. A sequence is evaluated as a whole, so all of it is."""
        return call.output.numel() if call.point.endswith("layer") else 128

    def skip(self, call: Call) -> str | None:
        """Why a call is not judged."""
        return None

    def model(self, seed: int) -> RecurrentModel:
        """A freshly built model whose sizes are drawn from the seed, with some units whose gates are saturated."""
        draw = random.Random(seed)
        torch.manual_seed(seed)
        sizes = {"vocab": draw.randint(5, 13), "embed": draw.choice((3, 4, 5)), "hidden": draw.choice((3, 4, 5))}
        built = RecurrentModel(RecurrentConfig(self.kind, layers=2, **sizes)).eval()
        with torch.no_grad():
            built.core.bias_ih_l0[:: sizes["hidden"]] += 20
            built.core.bias_ih_l1[:: sizes["hidden"]] -= 20
        return built

    def saved(self, run: Path) -> RecurrentModel | Forecaster:
        """The model of a saved run."""
        from pyzoo.tasks import task
        from pyzoo.train.folder import RunFolder

        return task(RunFolder.open(run).model).load(run)[0].eval()

    def absent(self, run: Path) -> tuple[str, ...]:
        """The points that a saved run's model has not: a forecaster embeds no symbols."""
        return ("lstm.embedding",) if isinstance(self.saved(run), Forecaster) else ()

    def record(self, recorder: Recorder, seed: int, device: str, dtype: torch.dtype, run: Path | None,
               replaced: dict[str, Callable]) -> None:  # fmt: skip
        """One sequence through the model, from the state that a token before it leaves, and a step of the same stream.
        A freshly built GRU is recorded with its reset gate in both places; a forecaster forecasts from three steps of noise."""
        built = (self.model(seed) if run is None else self.saved(run)).to(device, dtype)
        if isinstance(built, Forecaster):
            generator = torch.Generator(device).manual_seed(seed)
            x = torch.randn(1, 3, built.config.features, device=device, dtype=dtype, generator=generator)
            with recorder.recording(replaced):
                built(x)
            return
        length = LENGTHS[seed % len(LENGTHS)] if run is None else 1
        tokens = torch.randint(built.config.vocab, (2 if run is None else 1, length + 1), device=device,
                               generator=torch.Generator(device).manual_seed(seed))
        models = [built]
        if self.kind == "gru" and run is None:
            models.append(RecurrentModel(replace(built.config, original=True)).eval().to(device, dtype))
            models[1].load_state_dict(built.state_dict())
        for each in models:
            _, memory = each.step(tokens[:, 0], each.start(len(tokens)))
            with recorder.recording(replaced):
                each(tokens[:, 1:], memory)
                each.step(tokens[:, 1], memory)

    def facts(self, run: Path | None) -> Iterator[tuple[str, list[int], dict[str, Any]]]:
        """Structural facts: the number of parameters of the real model, if it is a text model."""
        built = self.model(0) if run is None else self.saved(run)
        if isinstance(built, Forecaster):
            return
        c = built.config
        yield f"{self.kind}.parameters", [sum(p.numel() for p in built.parameters())], {
            "sizes": [c.vocab, c.embed, c.hidden, c.layers]
        }
