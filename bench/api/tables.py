"""Runs, tests and metrics of results as columns, the names of which are those of ``bench query`` (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bench.errors import UsageError
from bench.record.schema import Record, Run

TableName = Literal["runs", "tests", "metrics"]
Kind = Literal["text", "whole", "real"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name with the unit, the kind of its values, and those; ``None`` is a value that is not known."""

    name: str
    kind: Kind
    values: list[Any] = field(default_factory=list)


_OF_RESULT: Mapping[str, Callable[[Record], Any]] = {
    "id": lambda record: record.id,
    "host": lambda record: record.host.id,
    "diagnostic": lambda record: record.diagnostic.name,
    "stamp": lambda record: record.stamp,
    "variant": lambda record: record.variant,
    "engine": lambda record: record.engine.name,
    "status": lambda record: record.verdict.status,
}
_OF_RUN: Mapping[str, tuple[Kind, Callable[[Run], Any]]] = {
    "run": ("whole", lambda run: run.index),
    "outcome": ("text", lambda run: run.outcome),
    "started_at": ("text", lambda run: run.started_at),
    "wall_s": ("real", lambda run: run.wall_s),
    "pytest_s": ("real", lambda run: run.pytest_s),
    "cpu_user_s": ("real", lambda run: run.cpu.user_s),
    "cpu_system_s": ("real", lambda run: run.cpu.system_s),
    "cpu_total_s": ("real", lambda run: run.cpu.total_s),
    "cpu_throttled_s": ("real", lambda run: run.cpu.throttled_s),
    "memory_peak_bytes": ("whole", lambda run: run.memory.peak_bytes),
    "memory_anon_peak_bytes": ("whole", lambda run: run.memory.anon_peak_bytes),
    "memory_max_rss_bytes": ("whole", lambda run: run.memory.max_rss_bytes),
    "faults_minor": ("whole", lambda run: run.faults.minor),
    "faults_major": ("whole", lambda run: run.faults.major),
    "context_switches_voluntary": ("whole", lambda run: run.context_switches.voluntary),
    "context_switches_involuntary": ("whole", lambda run: run.context_switches.involuntary),
    "io_read_bytes": ("whole", lambda run: run.io.read_bytes),
    "io_write_bytes": ("whole", lambda run: run.io.write_bytes),
    "pids_peak": ("whole", lambda run: run.pids_peak),
}
_OF_TEST: Mapping[str, Kind] = {
    "run": "whole",
    "node": "text",
    "outcome": "text",
    "setup_s": "real",
    "call_s": "real",
    "teardown_s": "real",
    "attempts": "whole",
}
_OF_METRIC: Mapping[str, Kind] = {"run": "whole", "metric": "text", "value": "real", "unit": "text", "better": "text"}


def columns_of(records: Iterable[Record], of: TableName) -> list[Column]:
    """Return a table's columns, all of one length.

    Args:
        records: the results, in the order of the rows.
        of: which table.

    Raises:
        UsageError: there is no such table.
    """
    if of not in get_args(TableName):
        raise UsageError(f"there is no table {of!r}", fix=f"there are {', '.join(get_args(TableName))}")
    if of == "runs":
        kinds: Mapping[str, Kind] = {name: kind for name, (kind, _) in _OF_RUN.items()}
    else:
        kinds = _OF_TEST if of == "tests" else _OF_METRIC
    result = [Column(name, "text") for name in _OF_RESULT]
    own = [Column(name, kind) for name, kind in kinds.items()]
    for record in records:
        known = [read(record) for read in _OF_RESULT.values()]
        for run in record.measured_runs:
            for row in _rows(run, of):
                for column, value in zip((*result, *own), (*known, *row), strict=True):
                    column.values.append(value)
    return [*result, *own]


def _rows(run: Run, of: TableName) -> Iterator[list[Any]]:
    if of == "runs":
        yield [read(run) for _, read in _OF_RUN.values()]
    elif of == "tests":
        for test in run.tests:
            yield [run.index, *(getattr(test, name) for name in _OF_TEST if name != "run")]
    else:
        for name, metric in run.metrics.items():
            yield [run.index, name, metric.value, metric.unit, metric.better]
