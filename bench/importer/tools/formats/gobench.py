"""Go's benchmark text, also as ``go test -json``: repeated lines are samples of one process (``-count``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.importer.tools.document import parse_document
from bench.importer.tools.fields import MAX_SAMPLES, Unreadable, figure_of
from bench.importer.tools.model import TIME, Content, Series, ToolBenchmark, ToolFile, ToolHost, ToolRun, series
from bench.record.schema import HostClass
from bench.record.storage.manifest import Problem

_LINE = re.compile(r"(?P<name>Benchmark\S*)\s+(?P<n>\d+)\s+(?P<pairs>\S+ \S.*|\S+\s+\S+.*)", re.ASCII)
_CONFIG = re.compile(r"(?P<key>goos|goarch|pkg|cpu): (?P<value>\S.*)")
_ENDED = re.compile(r"--- (?P<how>FAIL|SKIP): (?P<name>Benchmark\S*)")
_PROCS = re.compile(r"-(?P<procs>\d{1,6})$")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_ALONE = re.compile(r"\d+\s+[\d.]+ ns/op\b.*", re.ASCII)
"""The figures of a benchmark that printed something: its name stands in an earlier line."""
_NAMES = {"ns/op": TIME, "B/op": "bytes_per_op", "allocs/op": "allocs_per_op"}
NO_TIME = "the benchmark reports no ns/op"


@dataclass(slots=True)
class _Process:
    """One test binary, as its header lines begin it."""

    config: dict[str, str] = field(default_factory=dict)
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def is_gobench(text: str) -> bool:
    """Return whether a text holds results of Go's benchmarks: such a line, and a header or a unit of Go's."""
    plain = _plain(text[:1_000_000])
    lines = plain.splitlines()
    known = any(_CONFIG.fullmatch(line) for line in lines[:2000])
    return any(_LINE.fullmatch(line.strip()) and (known or " ns/op" in line or "\tns/op" in line) for line in lines)


def parse_gobench(content: Content) -> ToolFile:
    """Read the text. A figure is known by its unit, never by its place: a benchmark may report ``ns/op`` itself."""
    processes, problems = _processes(content.text, content.name)
    if _is_events(content.text):  # the lines that are counted are those of the tests
        problems = [replace(problem, line=None) for problem in problems]
    procs = _common_procs([name for process in processes for name in process.samples])
    names: dict[str, list[tuple[_Process, str]]] = {}
    skipped = []
    for process in processes:
        package = process.config.get("pkg")
        for raw in dict.fromkeys([*process.samples, *process.failed]):
            short = _PROCS.sub("", raw) if procs is not None else raw
            names.setdefault(f"{package}.{short}" if package else short, []).append((process, raw))
        skipped += [(name, "skipped by itself") for name in process.skipped]
    found = [_benchmark(name, where, procs) for name, where in names.items()]
    if problems and not found and not skipped:
        raise Unreadable(problems[0].reason, problems[0].line)
    return ToolFile("Go", None, tuple(found), tuple(skipped), tuple(problems))


def _processes(text: str, file: str) -> tuple[list[_Process], list[Problem]]:
    found = [_Process()]
    problems: list[Problem] = []
    total = 0
    for number, line in enumerate(_plain(text).splitlines(), 1):
        stripped = line.strip()
        if (config := _CONFIG.fullmatch(stripped)) is not None:
            here = found[-1]
            if here.samples or here.failed or config["key"] in here.config:
                # A header after results is the next package's, or the same one's run again.
                found.append(_Process({key: value for key, value in here.config.items() if key != "pkg"}))
                if config["key"] == "goos":
                    found[-1].config.clear()
            found[-1].config[config["key"]] = config["value"]
        elif (ended := _ENDED.match(stripped)) is not None:
            if ended["how"] == "FAIL":
                found[-1].failed[ended["name"]] = f"{ended['name']} failed"
            else:
                found[-1].skipped.append(ended["name"])
        elif (match := _LINE.fullmatch(stripped)) is not None:
            if (total := total + 1) > MAX_SAMPLES:
                raise Unreadable(f"over {MAX_SAMPLES} results", number)
            try:
                _take(found[-1], match, stripped, number)
            except Unreadable as error:
                problems.append(error.problem(file))
        elif _ALONE.fullmatch(stripped) is not None:
            problems.append(Problem(file, "figures without a name: the benchmark printed something after it", number))
    return found, problems


def _take(process: _Process, match: re.Match[str], line: str, number: int) -> None:
    words = match["pairs"].split()
    if len(words) % 2:
        raise Unreadable("cut off: a figure without its unit", number)
    read = []
    for value, unit in zip(words[::2], words[1::2], strict=True):
        if _NUMBER.fullmatch(value) is None:
            raise Unreadable(f"{value!r:.40} is no figure", number)
        read.append((unit, figure_of(value, number)))
    process.lines.setdefault(match["name"], []).append(line)
    figures = process.samples.setdefault(match["name"], {})
    for unit, figure in read:
        figures.setdefault(unit, []).append(figure)


def _benchmark(name: str, where: Sequence[tuple[_Process, str]], procs: int | None) -> ToolBenchmark:
    runs, lines = [], []
    for process, raw in where:
        metrics: dict[str, Series] = {}
        for unit, values in process.samples.get(raw, {}).items():
            metrics[_NAMES.get(unit, unit)] = series(values, unit, "lower" if unit == "allocs/op" else None)
        failed = process.failed.get(raw) or process.failed.get(_PROCS.sub("", raw))
        runs.append(
            ToolRun(
                metrics,
                outcome="failed" if failed else "passed",
                signature=failed,
                missing={} if TIME in metrics else {"wall_s": NO_TIME},
            )
        )
        lines += [f"{key}: {value}" for key, value in process.config.items()] + process.lines.get(raw, [])
    config = where[0][0].config
    return ToolBenchmark(
        name,
        tuple(runs),
        "\n".join(lines) + "\n",
        ".txt",
        host=ToolHost(HostClass(cpu_model=config.get("cpu"))),
        params={"gomaxprocs": procs} if procs is not None else {},
        timed="one operation, the median of the repeated lines of a process",
    )


def _common_procs(names: Sequence[str]) -> int | None:
    """The number of processors that Go puts behind each name unless it is 1; ``None`` if not all have the same."""
    found = {match["procs"] if (match := _PROCS.search(name)) is not None else None for name in names}
    return int(number) if len(found) == 1 and (number := found.pop()) is not None else None


def _is_events(text: str) -> bool:
    return text.lstrip().startswith('{"')


def _plain(text: str) -> str:
    """The text that the tests wrote, out of ``go test -json`` if it is that: events may cut a line in two."""
    if not _is_events(text):
        return text
    parts = []
    for line in text.splitlines():
        try:
            event = parse_document(line)
        except (ValueError, Unreadable):
            continue
        if isinstance(event, dict) and event.get("Action") == "output" and isinstance(event.get("Output"), str):
            parts.append(event["Output"])
    return "".join(parts)
