"""github-action-benchmark's ``data.js``: a history with one figure a benchmark and commit."""

from __future__ import annotations

import json
import re
from typing import Any

from bench.importer.tools.fields import Node, Unreadable, moment_of_ms, number_of, text_of
from bench.importer.tools.model import TIME, Content, ToolBenchmark, ToolFile, ToolRun, summary
from bench.importer.tools.units import to_si
from bench.record.schema import Better
from bench.record.storage.manifest import Problem

ONE_FIGURE = "github-action-benchmark keeps one figure a commit, and no sample"
_BEGINS = re.compile(r"\s*window\.BENCHMARK_DATA\s*=\s*")
_HIGHER = ("customBiggerIsBetter", "pytest", "benchmarkjs")
_LOWER = ("customSmallerIsBetter", "cargo", "go", "googlecpp", "catch2", "julia", "benchmarkdotnet", "benchmarkluau")
"""Of ``jmh`` the unit decides: the action takes less for better there, also of operations a second."""


def is_data_js(text: str) -> bool:
    """Return whether a text is such a history: a script that sets one variable."""
    return _BEGINS.match(text[:4096]) is not None


def parse_data_js(content: Content) -> ToolFile:
    """Read the history. The script is never run: what it sets has to be JSON, which is what the action writes."""
    begin = _BEGINS.match(content.text)
    body = content.text[begin.end() if begin else 0 :].rstrip().rstrip(";")
    try:
        document = Node(json.loads(body))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise Unreadable(
            f"what the script sets is not JSON: {getattr(error, 'msg', 'nested too deep')}", line
        ) from None
    found: list[ToolBenchmark] = []
    problems: list[Problem] = []
    for suite, entries in document["entries"].items():
        for entry in entries.each():
            for bench in entry["benches"].each():
                try:
                    found.append(_benchmark(suite, entry, bench))
                except Unreadable as error:
                    problems.append(error.problem(content.name))
    return ToolFile("github-action-benchmark", None, tuple(found), problems=tuple(problems))


def _benchmark(suite: str, entry: Node, bench: Node) -> ToolBenchmark:
    commit = entry.get("commit")
    unit = bench["unit"].text()
    tool = text_of(entry.get("tool"))
    figure = summary(bench["value"].number(), unit, _better(entry, tool, unit))
    timed = figure.unit == "s"
    about: dict[str, Any] = {"samples": ONE_FIGURE}
    about |= {key: text for key in ("range", "extra") if (text := text_of(bench.get(key))) is not None}
    missing = (
        {} if timed else {"wall_s": f"the figure is in {unit}, which is no time" if unit else "the figure has no unit"}
    )
    run = ToolRun({TIME if timed else "value": figure}, facts=about, missing=missing)
    made = moment_of_ms(number_of(entry.get("date")))
    if made is None:
        raise Unreadable(f"{entry.path}.date: no moment in milliseconds")
    return ToolBenchmark(
        f"{suite}: {bench['name'].text()}",
        (run,),
        bench.dumped(),
        commit=text_of(commit.get("id")) if commit is not None else None,
        params={"made_by": tool} if tool is not None else {},
        made=made,
        timed="the one figure that was kept of each commit",
    )


def _better(entry: Node, tool: str | None, unit: str) -> Better | None:
    flag = entry.get("bigger_is_better")
    if flag is not None and isinstance(flag.value, bool):
        return "higher" if flag.value else "lower"
    if tool in _HIGHER:
        return "higher"
    if tool in _LOWER:
        return "lower"
    return None if to_si(0.0, unit)[1] != unit else "none"
