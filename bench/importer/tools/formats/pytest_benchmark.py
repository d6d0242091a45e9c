"""pytest-benchmark's JSON: the time of each round of a function, all rounds in one process."""

from __future__ import annotations

from typing import Any

from bench.importer.tools.fields import Node, Unreadable, count_of, moment_of, number_of, read_each, text_of
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
from bench.record.schema import HostClass

UNMARKED = "pytest-benchmark lists a test that failed after it was timed without a mark; read as passed"
NO_DATA = "the file has no data: pytest-benchmark saves it with --benchmark-save-data"


def is_pytest_benchmark(document: Any) -> bool:
    """Return whether a JSON document is pytest-benchmark's: benchmarks, and what machine they ran on."""
    return isinstance(document, dict) and isinstance(document.get("benchmarks"), list) and "machine_info" in document


def parse_pytest_benchmark(content: Content) -> ToolFile:
    """Read a report. ``total`` is passed over: it counts each round once, however many iterations it has."""
    document = Node(content.document)
    found, problems = read_each(document["benchmarks"].each(), lambda node: _benchmark(node, document), content.name)
    return ToolFile("pytest-benchmark", text_of(document.get("version")), tuple(found), problems=tuple(problems))


def _benchmark(node: Node, document: Node) -> ToolBenchmark:
    name = text_of(node.get("fullname")) or node["name"].text()
    stats = node["stats"]
    error = node.get("has_error")
    data = stats.get("data")
    time, facts = _time(stats, data)
    machine, commit = document.get("machine_info"), document.get("commit_info")
    extra = node.get("extra_info")
    metrics: dict[str, Series] = {TIME: time}
    if extra is not None:
        numbers = {key: number_of(value) for key, value in extra.items()}
        metrics |= {key: summary(value, "") for key, value in numbers.items() if value is not None and key != TIME}
    failed = error is not None and error.value is True
    run = ToolRun(
        metrics,
        outcome="failed" if failed else "passed",
        inferred=None if failed else UNMARKED,
        signature="pytest-benchmark marks an error" if failed else None,
        started=None,
        facts=facts,
        missing={"started_at": "the file has the time of the whole report alone"},
    )
    params = node.get("params")
    revision = text_of(commit.get("id")) if commit is not None else None
    dirty = commit.get("dirty") if commit is not None else None
    known = revision is not None and revision != "unversioned"
    return ToolBenchmark(
        name,
        (run,),
        node.dumped(),
        host=_host(machine),
        python=text_of(machine.get("python_version")) if machine is not None else None,
        commit=revision if known else None,
        dirty=dirty.value if known and dirty is not None and isinstance(dirty.value, bool) else None,
        params={"benchmark": params.value} if params is not None else {},
        made=moment_of(text_of(document.get("datetime"))),
        timed="one call of the function, the median of the rounds",
    )


def _time(stats: Node, data: Node | None) -> tuple[Series, dict[str, Any]]:
    facts = {key: count for key in ("rounds", "iterations") if (count := count_of(stats.get(key))) is not None}
    if data is not None and data.value:
        values = [item.time() for item in data.each()]
        return series(values, "s"), facts
    middle = stats["median"].time()
    if not facts.get("rounds"):
        raise Unreadable(f"{stats.path}.rounds: missing, or no round was run")
    return summary(middle, "s"), {**facts, "samples": NO_DATA}


def _host(machine: Node | None) -> ToolHost:
    if machine is None:
        return ToolHost()
    cpu = machine.get("cpu")
    return ToolHost(
        HostClass(
            cpu_model=text_of(cpu.get("brand_raw") or cpu.get("brand")) if cpu is not None else None,
            cpu_stepping=count_of(cpu.get("stepping")) if cpu is not None else None,
            threads=count_of(cpu.get("count")) if cpu is not None else None,
            kernel=text_of(machine.get("release")) if text_of(machine.get("system")) == "Linux" else None,
        )
    )
