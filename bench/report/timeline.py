"""A run's ``samples.csv`` as a timeline on an even grid, small enough for a page (pure)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bench.errors import DamagedData

Series = NDArray[np.float64]

# Column of samples.csv -> series of a timeline. A total that grows becomes a rate per second (CPU seconds a second are
# CPUs; stalled seconds a second are a share); an amount keeps its largest value within a step.
TOTALS: Mapping[str, str] = {
    "cpu_user": "cpu_user_s",
    "cpu_system": "cpu_system_s",
    "cpu_total": "cpu_total_s",
    "throttled": "throttled_s",
    "pressure_cpu": "cpu_pressure_some_s",
    "pressure_memory": "memory_pressure_some_s",
    "pressure_io": "io_pressure_some_s",
}
AMOUNTS: Mapping[str, str] = {"memory": "memory_bytes", "anon": "anon_bytes", "swap": "swap_bytes", "pids": "pids"}
PIECE = 4096
_WANTED = {"t_s", *TOTALS.values(), *AMOUNTS.values()}


@dataclass(frozen=True, slots=True)
class Timeline:
    """Series over a run, each value standing for ``step_s`` seconds; the first step starts at 0.

    ``series`` holds only what the samples had. Totals are means over the step, amounts are maxima. ``sampled`` is the
    number of samples that it was made from. A value that could not be had is NaN.
    """

    step_s: float
    series: Mapping[str, Series]
    sampled: int

    @property
    def steps(self) -> int:
        """Values in each series."""
        return max((len(values) for values in self.series.values()), default=0)


def parse_samples(text: str, most: int = 240) -> Timeline | None:
    """Return the timeline of a ``samples.csv``, at most ``most`` steps long; ``None`` if it holds under two samples.

    Raises:
        DamagedData: there is no column ``t_s``, or a cell is not a number.
    """
    columns = _columns(text)
    times = columns.get("t_s")
    if times is None:
        raise DamagedData(
            "samples.csv has no column t_s", "it was not written by this tool", "run 'bench verify' on it"
        )
    order = np.argsort(times, kind="stable")
    times = times[order]
    keep = np.isfinite(times) & np.concatenate([[True], np.diff(times) > 0])
    times = times[keep]
    if len(times) < 2:
        return None
    edges = np.linspace(0.0, float(times[-1]), min(most, len(times)) + 1)
    series: dict[str, Series] = {}
    for name, column in TOTALS.items():
        values = _known(columns, column)
        if values is not None:
            series[name] = _rate(times, values[order][keep], edges)
    for name, column in AMOUNTS.items():
        values = _known(columns, column)
        if values is not None:
            series[name] = _maxima(times, values[order][keep], edges)
    return Timeline(float(edges[1]), series, len(times))


def _columns(text: str) -> dict[str, Series]:
    rows = _rows(text)
    header = [name.strip() for name in next(rows, [])]
    places = {name: place for place, name in enumerate(header) if name in _WANTED}
    found: dict[str, list[Series]] = {name: [np.empty(0)] for name in places}
    while piece := list(islice(rows, PIECE)):  # as text all rows at once would take many times their numbers' memory
        # A supervisor that was killed leaves its last line unfinished: only whole lines count.
        columns = list(zip(*(row for row in piece if len(row) == len(header)), strict=True))
        for name, place in places.items() if columns else ():
            found[name].append(_numbers(columns[place], name))
    return {name: np.concatenate(pieces) for name, pieces in found.items()}


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(io.StringIO(text)) if row and not row[0].startswith("#"))
    except csv.Error as error:
        raise DamagedData(f"samples.csv is no table ({error})", fix="run 'bench verify' on it") from error


def _numbers(cells: Sequence[str], column: str) -> Series:
    try:
        return np.array(list(map(float, cells)), dtype=np.float64)
    except ValueError:
        return np.array([_number(cell, column) for cell in cells], dtype=np.float64)


def _number(cell: str, column: str) -> float:
    try:
        return float(cell) if cell.strip() else math.nan
    except ValueError:
        raise DamagedData(
            f"samples.csv holds {cell[:40]!r} in column {column}", fix="run 'bench verify' on it"
        ) from None


def _known(columns: Mapping[str, Series], name: str) -> Series | None:
    """A column that has a value at all: what a kernel lacks is empty in every line."""
    found = columns.get(name)
    return found if found is not None and np.isfinite(found).any() else None


def _rate(times: Series, totals: Series, edges: Series) -> Series:
    """Growth per second between the edges, from 0 at the start."""
    known = np.isfinite(totals)
    at, grown = times[known], totals[known]
    if at[0] > 0:
        at, grown = np.concatenate([[0.0], at]), np.concatenate([[0.0], grown])
    values = np.diff(np.interp(edges, at, grown)) / np.diff(edges)
    return np.maximum(values, 0.0).astype(np.float64)


def _maxima(times: Series, amounts: Series, edges: Series) -> Series:
    """The largest amount in each step; a step without a sample holds the one before."""
    values = np.full(len(edges) - 1, np.nan)
    known = np.isfinite(amounts)
    steps = np.clip(np.searchsorted(edges, times[known], side="left") - 1, 0, len(values) - 1)
    filled, starts = np.unique(steps, return_index=True)
    values[filled] = np.maximum.reduceat(amounts[known], starts)
    # A step without a sample looks back to the last that had one; before the first there is none.
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[last]
