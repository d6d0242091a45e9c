"""Which test ran when, as a row of bars over a run's timeline (pure)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench import units
from bench.record.schema import Run
from bench.report.html.palette import GREY, RED
from bench.report.html.plot import label, rounded
from bench.report.text import plain

MOST = 60
"""Tests that get a bar each; of more, neighbours that would be thinner than a line share one."""
_THIN = 0.005
_FINE = ("passed", "skipped", "xfailed", "xpassed")


@dataclass(frozen=True, slots=True)
class Phase:
    """One test, or neighbours that share a bar: full ``name``, what sets it apart (``short``), seconds from and to."""

    name: str
    short: str
    start: float
    end: float
    passed: bool = True
    tests: int = 1


def phases(run: Run, end: float) -> tuple[Phase, ...]:
    """Tests laid end to end up to the run's end: a record holds how long each took, not when it began."""
    spans = []
    for test in run.tests:
        parts = [part for part in (test.setup_s, test.call_s, test.teardown_s) if part is not None]
        if parts:
            spans.append((test.node, sum(parts), test.outcome in _FINE))
    at = max(end - sum(length for _, length, _ in spans), 0.0)
    shorts = apart([node.rpartition("::")[2] for node, _, _ in spans])
    placed = []
    for (node, length, passed), short in zip(spans, shorts, strict=True):
        placed.append(Phase(plain(node), short, min(at, end), min(at + length, end), passed))
        at += length
    return tuple(placed if len(placed) <= MOST else _merged(placed, _THIN * end))


def apart(names: Sequence[str]) -> list[str]:
    """What sets each name apart: of ``test_x[cell-01-of-25]`` and so on ``cell-01``."""
    names = [plain(name) for name in names]
    if len(set(names)) < 2:
        return names
    front = _shared(names)
    # Back to where a word begins: a parameter after its bracket, else a part after its underscore.
    front = front[: front.rfind("[") + 1 or front.rfind("_") + 1]
    rest = [name[len(front) :] for name in names]
    back = _shared([name[::-1] for name in rest])[::-1]
    begin = re.search(r"[-_\[\]]", back)
    cut = len(back) - begin.start() if begin else 0
    short = [name[: len(name) - cut] for name in rest]
    return short if all(short) else rest if all(rest) else names


def bars_of(found: Sequence[Phase], axis: str) -> dict[str, Any]:
    """The bars. A bar's text is drawn where it fits, which the drawing library knows once it has a width."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": "tests",
        "x": rounded([phase.end - phase.start for phase in found], 6),
        "base": rounded([phase.start for phase in found], 6),
        "y": [0] * len(found),
        "width": 1,
        "xaxis": "x",
        "yaxis": axis,
        "marker": {"color": [GREY if phase.passed else RED for phase in found], "cornerradius": 0},
        "text": [label(phase.short, 40) for phase in found],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "hovertext": [
            f"{label(phase.name, 120)}, {units.seconds(phase.end - phase.start)}"
            + ("" if phase.passed else ", not passed")
            for phase in found
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def within(found: Sequence[Phase], start: float, end: float) -> str:
    """The tests at work between two times, for a table."""
    there = [phase.short for phase in found if phase.start < end and phase.end > start]
    if len(there) > 2:
        return f"{there[0]} to {there[-1]}"
    return " and ".join(there) or units.NOT_KNOWN


def spoken_tests(found: Sequence[Phase]) -> str:
    """The tests in words."""
    if not found:
        return ""
    if len(found) == 1 and found[0].tests == 1:
        return f"One test, {found[0].name}."
    total = sum(phase.tests for phase in found)
    longest = max(found, key=lambda phase: phase.end - phase.start)
    return (
        f"{total} tests, from {found[0].name} to {found[-1].name}; "
        f"longest {longest.short}, {units.seconds(longest.end - longest.start)}."
    )


def _shared(names: Sequence[str]) -> str:
    """What all begin with: what the first and the last in order do."""
    first, last = min(names), max(names)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def _merged(placed: Sequence[Phase], thin: float) -> Iterable[Phase]:
    for is_thin, group in itertools.groupby(placed, lambda phase: phase.passed and phase.end - phase.start < thin):
        members = list(group)
        while members:
            taken = 1
            while is_thin and taken < len(members) and members[taken].end - members[0].start < 2 * thin:
                taken += 1
            yield _one(members[:taken])
            members = members[taken:]


def _one(members: Sequence[Phase]) -> Phase:
    first, last = members[0], members[-1]
    if len(members) == 1:
        return first
    name, short = f"{len(members)} tests, {first.name} to {last.name}", f"{first.short} to {last.short}"
    return Phase(name, short, first.start, last.end, True, len(members))
