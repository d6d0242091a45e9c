"""What a tool's file holds, whatever tool wrote it: benchmarks, their runs, and the samples of each (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from bench.importer.tools.units import better_of, to_si
from bench.record.schema import Better, HostClass, HostState, Outcome
from bench.record.storage.manifest import Problem

TIME = "time_s"
"""The metric whose median stands as a run's time."""


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity in one process: its value, and the samples whose median that is. Units are SI as far as they can be.

    ``why`` is why there is no value.
    """

    value: float | None
    unit: str
    better: Better
    values: tuple[float, ...] = ()
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One process of a benchmark. ``missing`` gives reasons by path within the run."""

    metrics: Mapping[str, Series] = field(default_factory=dict)
    outcome: Outcome = "passed"
    exit_code: int | None = None
    signal: int | None = None
    started: datetime | None = None
    user_s: float | None = None
    system_s: float | None = None
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    peak_bytes: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None
    signature: str | None = None
    inferred: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolHost:
    """The machine as far as a file describes it; its name is left out."""

    class_: HostClass = field(default_factory=HostClass)
    state: HostState = field(default_factory=HostState)


@dataclass(frozen=True, slots=True)
class ToolBenchmark:
    """One benchmark. ``original`` is its part of the file, ``suffix`` is its form.

    ``made`` is when it ran; if it has no time zone the file does not say which. ``params`` are what makes it another
    measurement. ``timed`` says what a run's time is.
    """

    name: str
    runs: tuple[ToolRun, ...]
    original: str
    suffix: str = ".json"
    host: ToolHost = field(default_factory=ToolHost)
    python: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    made: datetime | None = None
    timed: str = "one operation, the median of its samples"


@dataclass(frozen=True, slots=True)
class ToolFile:
    """What a file holds. ``skipped`` are benchmarks that the tool left out itself, with the reason.

    ``problems`` are parts that could not be read; the rest was.
    """

    tool: str
    version: str | None
    benchmarks: tuple[ToolBenchmark, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """A file as a parser gets it: its text, its parsed JSON if it is some, and the texts of its neighbours by name.

    A neighbour is a file of the same folder, or of the one above (``../benchmarks.json``).
    """

    name: str
    text: str
    document: Any = None
    beside: Callable[[str], str | None] = lambda _: None


def series(values: Sequence[float], unit: str, better: Better | None = None) -> Series:
    """Return samples of one process in SI units, with their median.

    Args:
        values: at least one.
        unit: the tool's unit.
        better: the direction of improvement; by default that of the unit.
    """
    made = [to_si(value, unit) for value in values]
    found = tuple(value for value, _ in made)
    si = to_si(0.0, unit)[1]
    return Series(median(found), si, better or better_of(si), found)


def summary(value: float | None, unit: str, better: Better | None = None, why: str | None = None) -> Series:
    """Return a figure of which the file keeps no samples.

    Args:
        value: the tool's own figure; ``None`` if there is none.
        unit: the tool's unit.
        better: the direction of improvement; by default that of the unit.
        why: why there is no value.
    """
    converted, si = to_si(value or 0.0, unit)
    return Series(None if value is None else converted, si, better or better_of(si), (), why)
