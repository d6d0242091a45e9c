"""Records as rows of six flat tables (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from bench.record.index.counters import counters
from bench.record.schema import (
    ContextSwitches,
    Cpu,
    Diagnostic,
    Faults,
    HostClass,
    HostState,
    Io,
    Limits,
    Memory,
    Metric,
    Record,
    Run,
    TestResult,
    Warning_,
)

AT = "_at"
"""The column that holds the number of the result, which no query sees."""
LIST = "DOUBLE[]"
MOST = 2**63
"""No count of a column reaches it."""
_NESTED = re.compile(r"bench\.|dict|tuple")
_TYPES = {"bool": "BOOLEAN", "float": "DOUBLE", "int": "BIGINT"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, DuckDB's type, and the path of its value in a part of a record."""

    name: str
    kind: str
    path: str


def _columns(struct: type[msgspec.Struct], path: str = "", prefix: str = "", skip: str = "") -> tuple[Column, ...]:
    """The columns of each plain field of a part of the record."""
    return tuple(
        Column(
            f"{prefix}_{field.encode_name}" if prefix else field.encode_name,
            next((kind for word, kind in _TYPES.items() if re.search(rf"\b{word}\b", str(field.type))), "VARCHAR"),
            f"{path}.{field.name}" if path else field.name,
        )
        for field in msgspec.structs.fields(struct)
        if field.encode_name not in skip.split() and not _NESTED.search(str(field.type))
    )


def _text(name: str, path: str) -> Column:
    return Column(name, "VARCHAR", path)


KEY = (
    _text("id", "id"),
    _text("stamp", "stamp"),
    _text("diagnostic", "diagnostic.name"),
    _text("host", "host.id"),
    _text("variant", "variant"),
)
_RESULT = (
    *KEY,
    _text("outcome", "outcome"),
    _text("status", "verdict.status"),
    *_columns(Diagnostic, "diagnostic", skip="name"),
    *_columns(HostClass, "host.class_", "class"),
    *_columns(HostState, "host.before", "before"),
    _text("engine", "engine.name"),
    _text("engine_version", "engine.version"),
    Column("cgroup_version", "BIGINT", "engine.cgroup_version"),
    *_columns(Limits, "engine.limits", "limit"),
)
_GROUPS: Mapping[str, type[msgspec.Struct]] = {
    "cpu": Cpu,
    "memory": Memory,
    "faults": Faults,
    "context_switches": ContextSwitches,
    "io": Io,
}
_WARMUP = Column("warmup", "BOOLEAN", "")
"""Whether the run only warmed up: true or false, where the record has the key only if it did."""
_OF_RUN = (
    *_columns(Run, skip="warmup"),
    *(column for group, struct in _GROUPS.items() for column in _columns(struct, group, group)),
)
_AT_RUN = (Column("run", "BIGINT", "index"), _WARMUP)
_METRIC = _text("metric", "")
_COUNTER = (_text("part", ""), _text("name", ""), Column("value", "BIGINT", ""), Column("repeats", "BOOLEAN", ""))
COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "results": (*_RESULT, _text("fingerprint", "")),
    "runs": (*KEY, _WARMUP, *_OF_RUN),
    "tests": (*KEY, *_AT_RUN, *_columns(TestResult)),
    "metrics": (*KEY, *_AT_RUN, _METRIC, *_columns(Metric, skip="values"), Column("samples", LIST, "")),
    "warnings": (*KEY, *_AT_RUN, *_columns(Warning_)),
    "work": (*KEY, *_AT_RUN, *_COUNTER),
}
"""The columns of each table, in order."""


def _getter(columns: Iterable[Column]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(column.path for column in columns))


_key_of, _result_of, _run_of = _getter(KEY), _getter(_RESULT), _getter(_OF_RUN)
_test_of, _warning_of = (_getter(_columns(struct)) for struct in (TestResult, Warning_))
_metric_of = _getter(_columns(Metric, skip="values"))


class Rows:
    """Rows of the tables, gathered record by record."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}

    def __len__(self) -> int:
        """How many rows there are in all tables."""
        return sum(map(len, self._rows.values()))

    def add(self, at: int, record: Record) -> None:
        """Add a record's rows under its number."""
        key = (at, *_key_of(record))
        fingerprint = record.image.fingerprint if record.image is not None else None
        rows = self._rows
        rows["results"].append((at, *_result_of(record), fingerprint))
        for run in record.runs:
            warmup = run.warmup is True
            rows["runs"].append((*key, warmup, *_run_of(run)))
            here = (*key, run.index, warmup)
            rows["tests"] += [(*here, *_test_of(test)) for test in run.tests]
            rows["metrics"] += [
                (*here, name, *_metric_of(metric), metric.values or None) for name, metric in run.metrics.items()
            ]
            rows["work"] += [(*here, *counter) for counter in counters(run.work)]
            rows["warnings"] += [(*here, *_warning_of(warning)) for warning in run.warnings]

    def take(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of each table that has some, and begin anew."""
        taken = {name: rows for name, rows in self._rows.items() if rows}
        self._rows = {name: [] for name in COLUMNS}
        return taken


def beyond(record: Record) -> str | None:
    """Return which count of a record no column can hold, as a clause; it is null there. ``None`` if all fit."""
    counts = [column for column in _RESULT if column.kind == "BIGINT"]
    runs = [column for column in _OF_RUN if column.kind == "BIGINT"]
    parts = [("", record, counts), *((f"runs[{at}].", run, runs) for at, run in enumerate(record.runs))]
    for where, part, columns in parts:
        for column in columns:
            value = attrgetter(column.path)(part)
            if value is not None and not -MOST <= value < MOST:
                return f"{where}{column.path.replace('class_', 'class')} is larger than a count can be"
    return None
