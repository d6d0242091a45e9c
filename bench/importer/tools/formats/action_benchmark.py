"""github-action-benchmark's history, ``data.js`` or plain JSON: one figure a benchmark and commit."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from bench.importer.tools.document import parse_document
from bench.importer.tools.fields import Node, Unreadable, moment_of_ms, number_of, read_each, text_of
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


def is_history(document: Any) -> bool:
    """Return whether a JSON document is such a history, as the action keeps it with ``external-data-json-path``."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("entries"), dict)
        and {"lastUpdate", "repoUrl"} <= document.keys()
    )


def parse_data_js(content: Content) -> ToolFile:
    """Read the history. The script is never run: what it sets has to be JSON, which is what the action writes."""
    begin = _BEGINS.match(content.text)
    body = content.text[begin.end() if begin else 0 :].rstrip().rstrip(";")
    try:
        document = Node(parse_document(body) if content.document is None else content.document)
    except ValueError as error:
        why = f"what the script sets is not JSON: {getattr(error, 'msg', 'not text')}"
        raise Unreadable(why, getattr(error, "lineno", 1)) from None
    found: list[ToolBenchmark] = []
    problems: list[Problem] = []
    for suite, entries in document["entries"].items():
        every, said = read_each(entries.each(), lambda entry: (entry, list(entry["benches"].each())), content.name)
        problems += said
        for entry, benches in every:
            made, said = read_each(benches, partial(_benchmark, suite, entry), content.name)
            found += made
            problems += said
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
