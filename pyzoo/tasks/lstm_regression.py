"""A forecast of the next 24 hours' temperatures from the last 72 hours' weather, with an LSTM."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.data import weather
from pyzoo.errors import InputError
from pyzoo.models.recurrent import Forecaster, ForecasterConfig
from pyzoo.train.checkpoint import write_atomic
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder
from pyzoo.train.loop import fit

WINDOW, HORIZON = 72, 24  # hours that a forecast sees, and that it covers
VALIDATION, TEST = 9, 11  # the months that are not trained on begin with these
DRAWN = 14  # forecasts in the plot, one a day


@dataclass
class Config(TrainConfig):
    """Settings of the forecaster."""

    steps: int = 500
    lr: float = 5e-3
    hidden: int = 32
    """hidden width of the LSTM"""
    windows: int | None = None
    """windows to train on; if not given, all that there are"""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden", "windows"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"--{name} must be at least 1, not {getattr(self, name)}")


class Series:
    """The weather as a forecaster sees it: x (T, F), the standardized measurements and the hour as a point on a circle.
    `train`, `validation` and `test` are the first hours of the windows whose forecast lies in these months and has been
    measured; a window may begin in the months before."""

    def __init__(self, data: weather.Weather, device: str) -> None:
        ends = [0, data.first(VALIDATION), data.first(TEST), len(data.hours)]
        mean, std = data.values[: ends[1]].mean(0), data.values[: ends[1]].std(0)
        angle = np.array([hour.hour for hour in data.hours]) * 2 * np.pi / 24
        x = np.column_stack([(data.values - mean) / std, np.sin(angle), np.cos(angle)])
        self.x = torch.from_numpy(x.astype(np.float32)).to(device)
        self.hours, self.mean, self.std = data.hours, mean[0], std[0]
        self.span, self.ahead = torch.arange(WINDOW, device=device), WINDOW + torch.arange(HORIZON, device=device)
        known = np.lib.stride_tricks.sliding_window_view(data.measured, HORIZON).all(1)
        self.train, self.validation, self.test = (
            torch.tensor([s for s in range(max(0, a - WINDOW), b - WINDOW - HORIZON + 1) if known[s + WINDOW]], device=device)
            for a, b in zip(ends, ends[1:], strict=False)
        )

    def windows(self, starts: Tensor) -> tuple[Tensor, Tensor]:
        """What a forecast sees (B, WINDOW, F), and the temperatures after it (B, HORIZON)."""
        return self.x[starts[:, None] + self.span], self.x[starts[:, None] + self.ahead, 0]

    def degrees(self, x: Tensor) -> np.ndarray:
        """Standardized temperatures in °F."""
        return x.cpu().numpy() * self.std + self.mean

    @torch.no_grad()
    def errors(self, model: nn.Module, starts: Tensor) -> dict[str, float]:
        """The mean absolute errors in °F of the model and of two persistence forecasts."""
        seen, truth = self.windows(starts)
        answers = {"forecast": model(seen), "last value": seen[:, -1:, 0], "same hour yesterday": seen[:, -HORIZON:, 0]}
        return {name: (answer - truth).abs().mean().item() * self.std for name, answer in answers.items()}


def skill(errors: dict[str, float]) -> float:
    """The share of the better persistence forecast's error that the model avoids; it beats both if this is above 0."""
    return 1 - errors["forecast"] / min(errors["last value"], errors["same hour yesterday"])


def report(errors: dict[str, float]) -> str:
    """The errors, and whether the model beats persistence, in a sentence."""
    listed = ", ".join(f"{name} {error:.2f} °F" for name, error in errors.items())
    verdict = "beats" if skill(errors) > 0 else "does not beat"
    return f"mean absolute errors in the months not trained on: {listed}; the forecast {verdict} persistence"


def build(config: Config) -> Forecaster:
    """The untrained model of a run, which is a persistence forecast."""
    return Forecaster(ForecasterConfig(len(weather.COLUMNS) + 2, HORIZON, config.hidden))


def train(config: Config, folder: RunFolder, device: str) -> dict[str, float]:
    """Train into `folder` and return the last metrics."""
    series = Series(weather.load(), device)
    starts = series.train
    if config.windows is not None:
        if config.windows > len(starts):
            raise InputError(f"--windows must be at most {len(starts)}, which there are, not {config.windows}")
        chosen = np.random.default_rng([config.seed, config.steps]).choice(len(starts), config.windows, replace=False)
        starts = starts[torch.from_numpy(chosen).to(device)]
    folder.start("lstm_regression", config)
    torch.manual_seed(config.seed)
    model = build(config).to(device)

    def loss(rng: np.random.Generator) -> Tensor:
        seen, truth = series.windows(starts[torch.from_numpy(rng.integers(len(starts), size=config.batch)).to(device)])
        return F.l1_loss(model(seen), truth)

    def evaluate() -> dict[str, float]:
        return {"validation_error": series.errors(model, series.validation)["forecast"]}

    metrics = fit(model, loss, evaluate, config, folder, items=config.batch, unit="windows")
    errors = series.errors(model, series.test)
    write_atomic(folder.path / "sample.txt", _show(model, series, config.seed, folder.path).encode())
    tested = {f"test_error_of_{name.replace(' ', '_')}_in_°F": error for name, error in errors.items()}
    return metrics | tested | {"test_skill": skill(errors)}


def load(run: Path) -> tuple[Forecaster, Config]:
    """A saved run's model, in evaluation mode on the CPU, and its settings."""
    folder = RunFolder.open(run)
    if folder.model != "lstm_regression":
        raise InputError(f"{run} is a run of {folder.model}, not of lstm_regression")
    config = folder.config(Config)
    model = build(config)
    folder.load(model)
    return model.eval(), config


def sample(run: Path, device: str = "cpu", seed: int = 0) -> str:
    """A saved run's forecast of a day beside what was measured, and one a day for two weeks as `forecast.png` of the run."""
    model, _ = load(run)
    return _show(model.to(device), Series(weather.load(), device), seed, run)


@torch.no_grad()
def _show(model: nn.Module, series: Series, seed: int, folder: Path) -> str:
    """Draw forecasts of two weeks that were not trained on; the errors, and the first day's forecast as a table."""
    first = np.random.default_rng(seed).integers(len(series.test) - HORIZON * DRAWN)
    starts = series.test[first] + HORIZON * torch.arange(DRAWN, device=series.test.device)
    seen, truth = (series.degrees(x) for x in series.windows(starts))
    forecast, seen = series.degrees(model(series.windows(starts)[0])), seen[..., 0]
    hours = [series.hours[int(s) + WINDOW + i] for s in starts for i in range(HORIZON)]
    _draw(hours, forecast, truth, seen[:, -1:], folder / "forecast.png")
    lines = [report(series.errors(model, series.test)), "", "hour (UTC)        forecast  measured  last value  yesterday"]
    for i, hour in enumerate(hours[:HORIZON]):
        values = (forecast[0, i], truth[0, i], seen[0, -1], seen[0, i - HORIZON])
        lines.append(f"{hour:%Y-%m-%d %H:%M}  {values[0]:8.1f}  {values[1]:8.1f}  {values[2]:10.1f}  {values[3]:9.1f}")
    return "\n".join([*lines, "", f"{DRAWN} days in °F, drawn in {folder / 'forecast.png'}"])


def _draw(hours: list, forecast: np.ndarray, truth: np.ndarray, last: np.ndarray, path: Path) -> None:
    """Forecasts and measurements (N, HORIZON) and the last values (N, 1) before them against time, as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(hours, truth.flatten(), color="black", label="measured")
    for i, day in enumerate(forecast):
        when = hours[i * HORIZON : (i + 1) * HORIZON]
        axes.plot(when, day, color="tab:red", label="forecast, a day ahead" if i == 0 else None)
        axes.plot(when, [*last[i]] * HORIZON, color="tab:gray", linestyle=":", label="last value" if i == 0 else None)
    axes.set(xlabel="UTC", ylabel="temperature at JFK (°F)")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=120)
    write_atomic(path, buffer.getvalue())
