"""What other benchmark tools write: files that the tools themselves made, and those that could only be made by hand.

The files in ``tests/unit/importer/tools/files`` are of the tool and version in their names, run for a few seconds on small
benchmarks; names of machines, paths and users were replaced. JMH and github-action-benchmark could not be had: their files
below are made by hand after the tools' sources and published outputs.
"""

import json
from pathlib import Path

from bench.importer.tools.known import recognise
from bench.importer.tools.model import Content

FILES = Path(__file__).parents[1] / "unit/importer/tools/files"

JMH = [
    {
        "jmhVersion": "1.37",
        "benchmark": "org.example.Lists.add",
        "mode": mode,
        "threads": 1,
        "forks": 2,
        "jdkVersion": "17.0.15",
        "vmName": "OpenJDK 64-Bit Server VM",
        "warmupIterations": 1,
        "measurementIterations": 2,
        "params": {"size": size},
        "primaryMetric": {
            "score": 2.5,
            "scoreError": "NaN",
            "scoreConfidence": ["NaN", "NaN"],
            "scorePercentiles": {"0.0": 2.0, "50.0": 2.5, "100.0": 4.0},
            "scoreUnit": unit,
            **raw,
        },
        "secondaryMetrics": {
            "gc.alloc.rate.norm": {"scoreUnit": "B/op", "rawData": [[24.0, 26.0], []]},
            "gc.time": {"scoreUnit": "ms", "rawData": [[3.0, "NaN"], ["NaN", "+INF"]]},
        },
    }
    for mode, size, unit, raw in (
        ("avgt", "10", "us/op", {"rawData": [[2.0, 2.5], [2.25, 4.0]]}),
        ("avgt", "20", "us/op", {"rawData": [[3.0, 3.5], [3.25, 5.0]]}),
        ("thrpt", "10", "ops/us", {"rawData": [[0.5, 0.4], [0.45, 0.25]]}),
        (
            "sample",
            "10",
            "us/op",
            {"rawDataHistogram": [[[[2.0, 3], [9.0, 1]], [[2.5, 2]]], [[[4.0, 1]], [[6.0, 30_000]]]]},
        ),
    )
]
"""A report of JMH 1.37: two forks of two iterations, and of what was measured beside them not always a figure."""

CRITERION = FILES / "criterion-0.3.6"
"""What criterion left under ``target/criterion``, which is the folder to import."""


def _entry(commit: str, date: int, tool: str, benches: list[dict[str, object]]) -> dict[str, object]:
    return {
        "commit": {
            "author": {"email": "someone@example.org", "name": "Some One", "username": "someone"},
            "committer": {"email": "noreply@example.org", "name": "Example", "username": "web-flow"},
            "distinct": True,
            "id": commit * 40,
            "message": "x",
            "timestamp": "2024-05-07T10:00:02-07:00",
            "tree_id": commit * 40,
            "url": f"https://example.org/x/commit/{commit * 40}",
        },
        "date": date,
        "tool": tool,
        "benches": benches,
    }


HISTORY = {
    "lastUpdate": 1715109731333,
    "repoUrl": "https://example.org/x",
    "entries": {
        "Rust": [
            _entry("a", 1715100000000, "cargo", [{"name": "fib", "value": 135, "range": "± 24", "unit": "ns/iter"}]),
            _entry("b", 1715109730566, "cargo", [{"name": "fib", "value": 150, "range": "± 3", "unit": "ns/iter"}]),
        ],
        "Python": [
            _entry(
                "a",
                1715100000000,
                "pytest",
                [{"name": "t.py::test_x", "value": 190.5, "unit": "iter/sec", "range": "stddev: 1"}],
            )
        ],
        "Java": [
            _entry("a", 1715100000000, "jmh", [{"name": "add", "value": 2.5, "unit": "ops/us", "extra": "forks: 2"}])
        ],
        "Own": [_entry("a", 1715100000000, "customBiggerIsBetter", [{"name": "load", "value": 50, "unit": "Percent"}])],
    },
}
DATA_JS = f"window.BENCHMARK_DATA = {json.dumps(HISTORY, indent=2)}"
"""A history as github-action-benchmark 1.20 writes it."""


def read_file(name: str) -> str:
    """The text of a file that a tool made."""
    return (FILES / name).read_text()


def parsed(text: str, name: str = "made.by", beside=lambda _: None):
    """What the tool's parser finds in a text; it has to be known."""
    known = recognise(Content(name, text, beside=beside))
    assert known is not None, name
    return known.parse(known.content)


def parsed_file(name: str):
    """What the tool's parser finds in a file that a tool made."""
    path = FILES / name

    def beside(other: str) -> str | None:
        near = path.parent / other
        return near.read_text() if near.is_file() else None

    return parsed(path.read_text(), name, beside)
