"""Google Benchmark's JSON: a row for each repetition, all in one process, and rows of aggregates beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bench.importer.tools.fields import Node, Unreadable, count_of, moment_of, number_of, text_of
from bench.importer.tools.model import (
    TIME,
    Content,
    Series,
    ToolBenchmark,
    ToolFile,
    ToolHost,
    ToolRun,
    series,
    summary,
)
from bench.importer.tools.units import better_of, to_si
from bench.record.schema import HostClass, HostState
from bench.record.storage.manifest import Problem

_OWN = frozenset(
    (
        *("name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "label"),
        *("repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "aggregate_name"),
        *(
            "aggregate_unit",
            "error_occurred",
            "error_message",
            "skipped",
            "skip_message",
            "big_o",
            "rms",
            "complexity_n",
        ),
    )
)
_AGGREGATE = re.compile(r"_(?:mean|median|stddev|cv|BigO|RMS|min|max)$")
_CURVE = re.compile(r"_(?:BigO|RMS)$")
_RATES = {"bytes_per_second": "bytes/s", "items_per_second": "1/s"}


def is_google_benchmark(document: Any) -> bool:
    """Return whether a JSON document is Google Benchmark's: a context of the machine, and rows with a time unit."""
    if not isinstance(document, dict) or not isinstance(document.get("context"), dict):
        return False
    rows = document.get("benchmarks")
    return isinstance(rows, list) and ("num_cpus" in document["context"] or "library_build_type" in document["context"])


def parse_google_benchmark(content: Content) -> ToolFile:
    """Read a report. Aggregates count only if there are no rows to take them from; ``cv`` is never a time."""
    document = Node(content.document)
    context = document["context"]
    groups: dict[str, list[Node]] = {}
    problems: list[Problem] = []
    for row in document["benchmarks"].each():
        try:
            name = text_of(row.get("run_name")) or _AGGREGATE.sub("", row["name"].text())
            groups.setdefault(name, []).append(row)
        except Unreadable as error:
            problems.append(error.problem(content.name))
    found, skipped = [], []
    for name, rows in groups.items():
        try:
            if (why := _skipped(rows)) is not None:
                skipped.append((name, why))
            else:
                found.append(_benchmark(name, rows, context))
        except Unreadable as error:
            problems.append(error.problem(content.name))
    version = text_of(context.get("library_version"))
    return ToolFile("Google Benchmark", version, tuple(found), tuple(skipped), tuple(problems))


def _skipped(rows: Sequence[Node]) -> str | None:
    """Why rows are no measurement of a benchmark: it skipped itself, or they are the curve through several of them."""
    for row in rows:
        flag = row.get("skipped")
        if flag is not None and flag.value is True:
            return text_of(row.get("skip_message")) or "skipped"
    curve = all(
        text_of(row.get("aggregate_name")) in ("BigO", "RMS") or _CURVE.search(row["name"].text()) for row in rows
    )
    return "the curve through several benchmarks, no measurement" if curve else None


def _benchmark(name: str, rows: Sequence[Node], context: Node) -> ToolBenchmark:
    single = [row for row in rows if not _is_aggregate(row)]
    bad = next((row for row in rows if (flag := row.get("error_occurred")) is not None and flag.value is True), None)
    threads = next((count for row in rows if (count := count_of(row.get("threads"))) is not None), 1)
    facts = {"iterations": [row.value.get("iterations") for row in single]} if single else {}
    if bad is not None:
        why = text_of(bad.get("error_message")) or "the benchmark reports an error"
        said = "an errored benchmark has no time: Google Benchmark writes 0 for it"
        run = ToolRun({TIME: summary(None, "s", why=said)}, outcome="failed", signature=why, missing={"wall_s": said})
    else:
        run = ToolRun(_metrics(single) if single else _aggregated(rows), facts=facts)
    return ToolBenchmark(
        name,
        (run,),
        Node([row.value for row in rows]).dumped(),
        host=_host(context),
        params={"threads": threads},
        made=moment_of(text_of(context.get("date"))),
        timed="one iteration, the median of the repetitions",
    )


def _is_aggregate(row: Node) -> bool:
    kind = text_of(row.get("run_type"))
    return kind == "aggregate" if kind is not None else _AGGREGATE.search(row["name"].text()) is not None


def _metrics(rows: Sequence[Node]) -> dict[str, Series]:
    """The rows' figures, each in the unit of its own row."""
    metrics = {}
    for name, key in ((TIME, "real_time"), ("cpu_time_s", "cpu_time")):
        values = [to_si(row[key].time(), row["time_unit"].text())[0] for row in rows]
        metrics[name] = series(values, "s")
    for key in _counters(rows[0]):
        samples = [number for row in rows if (number := number_of(row.get(key))) is not None]
        metrics.setdefault(key, series(samples, _RATES.get(key, ""), better_of(_RATES.get(key, ""))))
    return metrics


def _counters(row: Node) -> list[str]:
    return [key for key, value in row.items() if key not in _OWN and number_of(value) is not None]


def _aggregated(rows: Sequence[Node]) -> dict[str, Series]:
    for wanted in ("median", "mean"):
        for row in rows:
            if text_of(row.get("aggregate_name")) == wanted or row["name"].text().endswith(f"_{wanted}"):
                unit = row["time_unit"].text()
                times = {
                    TIME: summary(row["real_time"].time(), unit),
                    "cpu_time_s": summary(row["cpu_time"].time(), unit),
                }
                own = {key: summary(number_of(row.get(key)), _RATES.get(key, "")) for key in _counters(row)}
                return {**own, **times}
    raise Unreadable(f"{rows[0].path}: neither a single row nor a median or mean of them")


def _host(context: Node) -> ToolHost:
    load = context.get("load_avg")
    first = load.value[0] if load is not None and isinstance(load.value, list) and load.value else None
    return ToolHost(
        HostClass(threads=count_of(context.get("num_cpus"))),
        HostState(load=number_of(Node(first)) if first is not None else None),
    )
