"""SQL over all results: records flattened into six tables of an in-memory DuckDB that reaches no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bench.errors import UsageError
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

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

_GROUPS: Mapping[str, type[msgspec.Struct]] = {
    "cpu": Cpu,
    "memory": Memory,
    "faults": Faults,
    "context_switches": ContextSwitches,
    "io": Io,
}


def rows_of(sql: str, records: Sequence[Record]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return column names and rows that a query over records yields.

    Tables: ``results`` (one row a bundle), ``runs``, ``tests``, ``metrics``, ``warnings``, ``work``; nested keys are
    joined with ``_`` (``cpu_user_s``), and each table has the result's ``id``.

    Raises:
        UsageError: the query is wrong, in DuckDB's words.
    """
    import duckdb  # here, since no other verb that is loaded with `query` needs it

    with duckdb.connect(":memory:") as connection:
        for name, rows in tables(records).items():
            _load(connection, name, rows)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            done = connection.execute(sql)
            return [column[0] for column in done.description or []], done.fetchall()
        except duckdb.Error as error:
            raise UsageError("the query failed", " ".join(str(error).split())) from None


def tables(records: Iterable[Record]) -> dict[str, list[Row]]:
    """Return records as rows of flat columns, by table."""
    made: dict[str, list[Row]] = {"results": [], "runs": [], "tests": [], "metrics": [], "warnings": [], "work": []}
    for record in records:
        document: Mapping[str, Any] = msgspec.to_builtins(record)
        key = {
            "id": record.id,
            "stamp": record.stamp,
            "diagnostic": record.diagnostic.name,
            "host": record.host.id,
            "variant": record.variant,
        }
        made["results"].append(
            {
                **key,
                "outcome": record.outcome,
                "status": record.verdict.status,
                **_flat("", document["diagnostic"], skip=("source", "params", "name")),
                **_flat("class", document["host"]["class"]),
                **_flat("before", document["host"]["before"]),
                "engine": record.engine.name,
                "engine_version": record.engine.version,
                "cgroup_version": record.engine.cgroup_version,
                **_flat("limit", document["engine"]["limits"]),
                "fingerprint": record.image.fingerprint if record.image else None,
            }
        )
        for run in (one for one in document["runs"] if one.get("warmup") is not True):  # that is not judged
            own = {name: value for name, value in run.items() if not isinstance(value, (dict, list, tuple))}
            groups = [_flat(name, run[name]) for name in _GROUPS]
            made["runs"].append({**key, **own, **{name: value for group in groups for name, value in group.items()}})
            at = {**key, "run": run["index"]}
            made["tests"] += [{**at, **test} for test in run["tests"]]
            made["metrics"] += [
                {**at, "metric": name, **_flat("", metric, skip=("values",)), "samples": metric.get("values")}
                for name, metric in run["metrics"].items()
            ]
            made["work"] += [{**at, **row} for row in _work(run.get("work"))]
            made["warnings"] += [{**at, **warning} for warning in run["warnings"]]
    return made


def _work(work: Mapping[str, Any] | None) -> Iterator[Row]:
    """One row a counter of a counting run: ``total``, ``operator`` or ``module``; ``repeats`` if two runs are known."""
    if not work:
        return
    torch, python, cuda = work["torch"] or {}, work["python"] or {}, work["cuda"] or {}
    totals = {f"torch.{name}": torch.get(name) for name in ("elements", "bytes", "flops")}
    totals |= {"torch.calls": sum(torch["calls"].values()) if torch else None, "python.calls": python.get("calls")}
    totals |= {f"cuda.{name}": value for name, value in cuda.items()}
    totals |= {f"kernel.{name}": value for name, value in work["kernel"].items()}
    totals |= {name: work[name] for name in ("instructions", "branches")}
    parts = (
        ("total", "", totals),
        ("operator", "torch.calls.", torch.get("calls", {})),
        ("module", "python.modules.", python.get("modules", {})),
    )
    for part, path, counters in parts:
        for name, value in counters.items():
            known = work["counted"] > 1 and value is not None
            repeats = not any(one == path + name or one.startswith(f"{path}{name}.") for one in work["varies"])
            yield {"part": part, "name": name, "value": value, "repeats": repeats if known else None}


def _flat(prefix: str, values: Mapping[str, Any], skip: tuple[str, ...] = ()) -> Row:
    return {f"{prefix}_{name}" if prefix else name: value for name, value in values.items() if name not in skip}


def _load(connection: duckdb.DuckDBPyConnection, name: str, rows: list[Row]) -> None:
    """Create a table with every column of the schema, also those that no row fills, and those that only rows have."""
    types = dict(_COLUMNS[name])
    for row in rows:
        for column, value in row.items():
            types.setdefault(column, "DOUBLE" if isinstance(value, (int, float)) else "VARCHAR")
    listed = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    connection.execute(f"CREATE TABLE {name} ({listed})")
    if rows:
        marks = ", ".join("?" * len(types))
        values = [[row.get(column) for column in types] for row in rows]
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)  # noqa: S608, our own names


def _columns(struct: type[msgspec.Struct], prefix: str = "", skip: tuple[str, ...] = ()) -> dict[str, str]:
    """Column and DuckDB type of each plain field of a part of the record."""
    return {
        f"{prefix}_{field.encode_name}" if prefix else field.encode_name: _type(str(field.type))
        for field in msgspec.structs.fields(struct)
        if field.encode_name not in skip and not _NESTED.search(str(field.type))
    }


def _type(hint: str) -> str:
    return next((kind for word, kind in _TYPES.items() if re.search(rf"\b{word}\b", hint)), "VARCHAR")


_NESTED = re.compile(r"schema\.|dict|tuple")
_TYPES = {"bool": "BOOLEAN", "float": "DOUBLE", "int": "BIGINT"}
_KEY = dict.fromkeys(("id", "stamp", "diagnostic", "host", "variant"), "VARCHAR")
_AT = {**_KEY, "run": "BIGINT"}
_COLUMNS: dict[str, dict[str, str]] = {
    "results": {
        **_KEY,
        "outcome": "VARCHAR",
        "status": "VARCHAR",
        **_columns(Diagnostic, skip=("name",)),
        **_columns(HostClass, "class"),
        **_columns(HostState, "before"),
        "engine": "VARCHAR",
        "engine_version": "VARCHAR",
        "cgroup_version": "BIGINT",
        **_columns(Limits, "limit"),
        "fingerprint": "VARCHAR",
    },
    "runs": {
        **_KEY,
        **_columns(Run),
        **{name: kind for group, struct in _GROUPS.items() for name, kind in _columns(struct, group).items()},
    },
    "tests": {**_AT, **_columns(TestResult)},
    "metrics": {**_AT, "metric": "VARCHAR", **_columns(Metric), "samples": "DOUBLE[]"},
    "warnings": {**_AT, **_columns(Warning_)},
    "work": {**_AT, "part": "VARCHAR", "name": "VARCHAR", "value": "BIGINT", "repeats": "BOOLEAN"},
}
