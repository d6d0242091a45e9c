"""JMH's JSON: samples by fork, and each fork is a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.importer.tools.fields import MAX_SAMPLES, Node, Unreadable, count_of, read_each, text_of
from bench.importer.tools.model import TIME, Content, Series, ToolBenchmark, ToolFile, ToolRun, series, summary
from bench.importer.tools.units import to_si
from bench.record.schema import Better

_KEPT = 20_000
"""So many samples of a histogram are written out one by one."""
_MANY = f"over {_KEPT} samples: the file has them as a histogram, and the value is its median"
_NO_FIGURES = ("NaN", "+INF", "-INF")
"""How JMH writes what JSON has no number for."""
_RATE = "JMH's mode thrpt gives a rate, which is no time"


def is_jmh(document: Any) -> bool:
    """Return whether a JSON document is JMH's: a list of benchmarks with a mode and a primary metric."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(one, dict) and {"benchmark", "mode", "primaryMetric"} <= one.keys() for one in document)
    )


def parse_jmh(content: Content) -> ToolFile:
    """Read a report. A benchmark is told by its name, its mode and its parameters."""
    document = Node(content.document)
    found, problems = read_each(document.each(), _benchmark, content.name)
    version = next((text_of(node.get("jmhVersion")) for node in document.each()), None)
    return ToolFile("JMH", version, tuple(found), problems=tuple(problems))


def _benchmark(node: Node) -> ToolBenchmark:
    params = node.get("params")
    given = {key: value.value for key, value in params.items()} if params is not None else {}
    spelled = ", ".join(f"{key}={value}" for key, value in given.items())
    name = f"{node['benchmark'].text()}.{node['mode'].text()}" + (f"({spelled})" if spelled else "")
    forks = _forks(node["primaryMetric"])
    secondary = node.get("secondaryMetrics")
    others = {key: _others(value) for key, value in secondary.items()} if secondary is not None else {}
    runs = []
    for at, main in enumerate(forks):
        timed = main.unit == "s"
        beside = {key: every[at] for key, every in others.items() if len(every) == len(forks)}
        metrics = {**beside, TIME if timed else "rate": main}
        facts = {"samples": _MANY} if not main.values else {}
        runs.append(ToolRun(metrics, facts=facts, missing={} if timed else {"wall_s": _RATE}))
    return ToolBenchmark(
        name,
        tuple(runs),
        node.dumped(),
        params={"threads": count_of(node.get("threads")) or 1, **({"benchmark": given} if given else {})},
        timed="one operation, the median of a fork's iterations",
    )


def _others(metric: Node) -> list[Series]:
    """The samples of a secondary metric: a fork may have none, and JMH writes what is no figure as ``"NaN"``."""
    if metric.get("rawDataHistogram") is not None:
        return _forks(metric)
    unit = metric["scoreUnit"].text()
    made = []
    for fork in metric["rawData"].each():
        samples = [item.number() for item in fork.each() if item.value not in _NO_FIGURES]
        made.append(series(samples, unit) if samples else summary(None, unit, why="JMH has no figure of this fork"))
    return made


def _forks(metric: Node) -> list[Series]:
    """The samples of each fork, from the raw data or from the histogram that the mode ``sample`` has."""
    unit = metric["scoreUnit"].text()
    better: Better | None = "lower" if to_si(0.0, unit)[1] == "s" else None
    histogram = metric.get("rawDataHistogram")
    if histogram is not None:
        counted = [_counted(fork, unit) for fork in histogram.each()]
        if not counted:
            raise Unreadable(f"{histogram.path}: no fork")
        return counted
    forks = [fork.numbers() for fork in metric["rawData"].each()]
    if not forks or not all(forks):
        raise Unreadable(f"{metric.path}.rawData: a fork without samples")
    return [series(fork, unit, better) for fork in forks]


def _counted(fork: Node, unit: str) -> Series:
    """Samples from pairs of a value and how often it was seen, iteration after iteration."""
    pairs: list[tuple[float, int]] = []
    for pair in (pair for iteration in fork.each() for pair in iteration.each()):
        value, count = pair.numbers()[:2] if len(pair.numbers()) > 1 else (0.0, 0.0)
        if count < 1 or count != int(count):
            raise Unreadable(f"{pair.path}: a value and a count above 0 are expected")
        pairs.append((value, int(count)))
    total = sum(count for _, count in pairs)
    if not total:
        raise Unreadable(f"{fork.path}: a fork without samples")
    if len(pairs) > MAX_SAMPLES:
        raise Unreadable(f"{fork.path}: {len(pairs)} values, over {MAX_SAMPLES}")
    if total <= _KEPT:
        return series([value for value, count in pairs for _ in range(count)], unit)
    middle = _weighted_median(pairs, total)
    converted, si = to_si(middle, unit)
    return Series(converted, si, "lower")


def _weighted_median(pairs: Sequence[tuple[float, int]], total: int) -> float:
    low, high = (total - 1) // 2, total // 2
    found = []
    seen = 0
    for value, count in sorted(pairs):
        found += [value for at in {low, high} if seen <= at < seen + count]
        seen += count
    return median(found)
