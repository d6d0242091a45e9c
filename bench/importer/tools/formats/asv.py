"""asv's results, a file for each commit and environment: samples pooled over the processes of a benchmark."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.importer.tools.document import parse_document
from bench.importer.tools.fields import Node, Unreadable, count_of, moment_of_ms, number_of, text_of
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
from bench.record.redact import allowed_environ
from bench.record.schema import Better, HostClass
from bench.record.storage.manifest import Problem

COMPANIONS = ("benchmarks.json", "machine.json")
"""Files of an asv folder that hold what its results do not: units, and the machine."""
FAILED = "asv writes null for a benchmark that failed"
SKIPPED = "asv writes NaN for a benchmark that skipped itself (NotImplementedError)"
NO_SAMPLES = "asv keeps samples with --record-samples alone"
QUICK = "a single call, as with --quick, which writes over what a full run had found"
_MANY = 100_000
_PYTHON = re.compile(r"\d+(?:\.\d+)*")
_TYPES: Mapping[str, tuple[str, str, Better]] = {
    "time": (TIME, "s", "lower"),
    "mem": ("memory_bytes", "bytes", "lower"),
    "peakmem": ("peak_memory_bytes", "bytes", "lower"),
}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One benchmark with one choice of its parameters: its name, its result, and its row by column."""

    name: str
    result: Any
    row: Mapping[str, Any]
    path: str


def is_asv(document: Any) -> bool:
    """Return whether a JSON document holds asv's results of a commit."""
    return isinstance(document, dict) and {"results", "commit_hash", "params"} <= document.keys()


def parse_asv(content: Content) -> ToolFile:
    """Read the results of one commit in one environment; the columns are those that the file names."""
    document = Node(content.document)
    if document.get("version") is not None and document["version"].value != 2:
        raise Unreadable(f"version: {document['version'].value!r:.20} of asv's results is not read, only 2")
    columns = [column.text() for column in document["result_columns"].each()]
    units = _json(content.beside("../benchmarks.json"))
    host = _host(
        {**_json(content.beside("machine.json")), **{key: value.value for key, value in document["params"].items()}}
    )
    found: list[ToolBenchmark] = []
    skipped: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for name, node in document["results"].items():
        try:
            for cell in _cells(name, node, columns):
                if isinstance(cell.result, float) and math.isnan(cell.result):
                    skipped.append((cell.name, SKIPPED))
                    continue
                about = units.get(name)
                found.append(_benchmark(cell, name, document, host, about if isinstance(about, dict) else {}))
        except Unreadable as error:
            problems.append(error.problem(content.name))
    return ToolFile("asv", None, tuple(found), tuple(skipped), tuple(problems))


def _cells(name: str, node: Node, columns: list[str]) -> Iterator[_Cell]:
    """Each choice of parameters. A row that is cut off behind lacks its last columns; a failure may be a bare null."""
    if node.value is None:
        yield _Cell(name, None, {}, node.path)
        return
    cells = [item.value for item in node.each()]
    row = dict(itertools.zip_longest(columns, cells[: len(columns)]))
    params = row.get("params") or []
    choices = list(itertools.islice(itertools.product(*params), _MANY + 1)) if params else [()]
    if len(choices) > _MANY:
        raise Unreadable(f"{node.path}: over {_MANY} choices of parameters")
    results = row.get("result")
    if results is None:
        results = [None] * len(choices)
    if not isinstance(results, list) or len(results) > len(choices):
        raise Unreadable(f"{node.path}: as many results as choices of parameters are expected, {len(choices)}")
    shared = ("params", "version", "started_at", "duration", "profile")
    for at, choice in enumerate(choices):
        own = {
            key: value if key in shared else value[at] if isinstance(value, list) and at < len(value) else None
            for key, value in row.items()
        }
        label = f"{name}({', '.join(map(str, choice))})" if choice else name
        yield _Cell(label, results[at] if at < len(results) else None, own, f"{node.path}[0][{at}]")


def _benchmark(cell: _Cell, name: str, document: Node, host: ToolHost, about: Mapping[str, Any]) -> ToolBenchmark:
    kind = str(about.get("type") or _kind(name))
    metric, unit, better = _TYPES.get({"memory": "mem", "peakmemory": "peakmem"}.get(kind, kind), ("value", "", "none"))
    unit = unit or str(about.get("unit") or "")
    started = moment_of_ms(number_of(Node(cell.row.get("started_at"))))
    python = text_of(document.get("python"))
    needs = document.get("requirements")
    run = _run(cell, metric, unit, better)
    return ToolBenchmark(
        cell.name,
        (replace(run, started=started),),
        Node({"name": cell.name, "result": cell.result, **cell.row}).dumped(),
        host=host,
        python=python if python is not None and _PYTHON.fullmatch(python) else None,
        packages={key: text_of(value) or "" for key, value in needs.items()} if needs is not None else {},
        commit=text_of(document.get("commit_hash")),
        params={"version": cell.row["version"]} if isinstance(cell.row.get("version"), str) else {},
        environ=_environ(document.get("env_vars")),
        made=started or moment_of_ms(number_of(document.get("date"))),
        timed="one call, the median of the samples of all its processes",
    )


def _environ(given: Node | None) -> dict[str, str]:
    """Variables that the user's matrix sets."""
    found = {key: str(value.value) for key, value in given.items()} if given is not None else {}
    return allowed_environ(found, found)


def _run(cell: _Cell, metric: str, unit: str, better: Better) -> ToolRun:
    if cell.result is None:
        return ToolRun(
            {metric: summary(None, unit, better, FAILED)}, "failed", signature=FAILED, missing={"wall_s": FAILED}
        )
    value = Node(cell.result, cell.path).number()
    samples = cell.row.get("samples")
    missing = {} if metric == TIME else {"wall_s": "the benchmark measures no time"}
    facts: dict[str, Any] = {
        key: count
        for key in ("stats_number", "stats_repeat")
        if (count := count_of(Node(cell.row.get(key)))) is not None
    }
    if facts.get("stats_repeat") == 1:
        facts["quick"] = QUICK
    found: Series
    if isinstance(samples, list) and samples:
        found = series(Node(samples, f"{cell.path}.samples").numbers(), unit, better)
    else:
        found = summary(value, unit, better)
        if metric == TIME:
            facts["samples"] = NO_SAMPLES
    return ToolRun({metric: found}, facts=facts, missing=missing)


def _kind(name: str) -> str:
    """The kind of a benchmark by its name, as asv tells it: ``time_``, ``mem_``, ``peakmem_``, ``track_``."""
    last = name.rpartition(".")[2]
    match = re.match(r"(?:Time|Mem|Peakmem|Track|time|timeraw|mem|peakmem|track)(?=_|[A-Z])", last)
    return match[0].lower().replace("timeraw", "time") if match is not None else "track"


def _host(about: Mapping[str, Any]) -> ToolHost:
    given = Node(dict(about))
    ram = re.match(r"(\d{1,15})", str(about.get("ram") or ""))
    threads = re.fullmatch(r"\d{1,6}", str(about.get("num_cpu") or ""))
    kernel = re.fullmatch(r"Linux (\S+)", text_of(given.get("os")) or "")
    return ToolHost(
        HostClass(
            cpu_model=text_of(given.get("cpu")),
            threads=int(threads[0]) if threads else None,
            memory_bytes=int(ram[1]) * 1024 if ram else None,
            kernel=kernel[1] if kernel else None,
        )
    )


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = parse_document(text) if text is not None else {}
    except (ValueError, Unreadable):
        return {}
    return found if isinstance(found, dict) else {}
