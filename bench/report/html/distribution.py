"""How the runs of one diagnostic are spread, a line per host, with the ceiling and the timeout (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from bench import units
from bench.record.schema import Run
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, RED
from bench.report.html.svg.frame import Line, bounds_of, lines_chart, lines_note
from bench.report.html.svg.marks import EMPTY, bar, element, joined, percent, sign
from bench.report.html.svg.scale import Scale, span
from bench.report.presentation import run_columns, warmup_mark
from bench.report.status import STATES, state_of_run

POINTS = 3000
"""More points than this are not drawn one by one: a box for each host stays, and the table has them all."""
_HEIGHT, _BOX = 34, 18
_BOXED = 4
"""Runs of a host from which the middle half of them is a box."""
_GOLDEN = 0.618034
"""Neighbours in this sequence lie far apart, so that equal times are seen as several points."""


def distribution(group: str, entries: Sequence[Entry], hosts: Sequence[str]) -> Figure:
    """Return a strip of all runs over a box per host; a run that did not pass is a cross at the time of its end.

    Args:
        group: what they are results of.
        entries: the results, from the oldest to the newest.
        hosts: the order of the lines.
    """
    ceiling_s, ceilings = _bound(entries, "ceiling_s")
    timeout_s, timeouts = _bound(entries, "timeout_s")
    by_host: dict[str, list[Entry]] = {host: [] for host in hosts}
    for entry in entries:
        by_host[entry.record.host.id].append(entry)
    walls = [wall for entry in entries for wall in entry.walls]
    stopped = [run.wall_s or 0.0 for entry in entries for run in _stopped(entry)]
    scale = span(walls or stopped, (ceiling_s, timeout_s))
    each = len(walls) <= POINTS
    crowded = len(walls) > 60 * len(hosts)
    lines = [Line((host,), _strip(of, scale, each=each, crowded=crowded), host) for host, of in by_host.items()]
    return Figure(
        key=anchor("f-runs", group),
        title="Runs per host",
        alt=_alt(walls, hosts, ceiling_s, timeout_s),
        body=lines_chart(lines, _HEIGHT, scale, "wall time, s", bounds_of(ceiling_s, timeout_s)),
        table=runs_table(entries),
        note="Each dot is one run, each box the middle half of a host's runs if there are four; a cross is a run that "
        "did not pass." + ceilings + timeouts + lines_note(len(hosts)),
    )


def _stopped(entry: Entry) -> list[Run]:
    return [
        run
        for run in entry.record.measured_runs
        if run.outcome != "passed" and run.wall_s is not None and math.isfinite(run.wall_s)
    ]


def _strip(entries: Sequence[Entry], scale: Scale, *, each: bool, crowded: bool) -> Markup:
    """The box of one host, its dots by the verdict of their result, and its crosses."""
    walls = [wall for entry in entries for wall in entry.walls]
    drawn, (low, high) = box(walls, scale) if len(walls) >= _BOXED else (EMPTY, (0.0, 0.0))
    by_state: dict[str, list[Markup]] = {}
    at = 0
    for entry in entries:
        marks = by_state.setdefault(entry.state.code, [])
        for run in entry.passed:
            wall, at = run.wall_s or 0.0, at + 1
            if each or not low <= wall <= high:
                y = _HEIGHT / 2 + ((at * _GOLDEN) % 1.0 - 0.5) * (_BOX - 4)
                said = f"{units.seconds(wall)}, {entry.record.stamp}, run {run.index}"
                size = 2 if crowded else 3
                marks.append(element("circle", title=said, cx=percent(scale.share(wall)), cy=round(y), r=size))
        for run in _stopped(entry):
            said = f"{STATES[run.outcome].label} at {units.seconds(run.wall_s)}, {entry.record.stamp}, run {run.index}"
            marks.append(sign("cross", scale.share(run.wall_s or 0.0), _HEIGHT / 2, said, class_=RED))
    faint = "dots crowded" if crowded else "dots"
    dots = [element("g", *marks, class_=f"{faint} {BLUE}", data_state=state) for state, marks in by_state.items()]
    return joined([drawn, *dots])


def box(walls: Sequence[float], scale: Scale, unit: str = "s") -> tuple[Markup, tuple[float, float]]:
    """Return the middle half, the median, and whiskers to the farthest runs within one and a half of its width (Tukey).

    Args:
        walls: the runs, by their wall times or another figure.
        scale: of the drawing.
        unit: of the figure.

    Returns:
        The marks, and the ends of the whiskers.
    """
    low, middle, high = (float(value) for value in np.percentile(walls, (25, 50, 75)))
    reach = 1.5 * (high - low)
    ends = min(wall for wall in walls if wall >= low - reach), max(wall for wall in walls if wall <= high + reach)
    top, y = (_HEIGHT - _BOX) / 2, _HEIGHT / 2
    first, last = (percent(scale.share(end)) for end in ends)
    at = percent(scale.share(middle))
    drawn = [
        element("line", x1=first, x2=last, y1=y, y2=y),
        bar(scale.share(low), scale.share(high), y=top, height=_BOX),
        element("line", x1=at, x2=at, y1=top, y2=top + _BOX),
    ]
    half = f"{units.figure(low, unit)} to {units.figure(high, unit)}"
    said = f"median {units.figure(middle, unit)}, middle half {half}"
    return element("g", *drawn, title=f"{len(walls)} runs: {said}", class_=f"box {BLUE}"), ends


def runs_table(entries: Sequence[Entry]) -> Table:
    """Return every run of the group, newest first."""
    shown = run_columns([run for entry in entries for run in entry.record.runs])
    heads = columns("result", "host", ">run", "outcome", *(f">{one.name}" for one in shown))
    rows = []
    for entry in reversed(entries):
        for run in entry.record.runs:
            state = state_of_run(run.outcome)
            cells = (
                Cell(entry.record.stamp),
                Cell(entry.record.host.id),
                Cell(str(run.index), run.index),
                Cell(f"{state.label}{warmup_mark(run)}", level=state.level),
                *(Cell(one.text(run), one.read(run)) for one in shown),
            )
            rows.append(Row(cells, entry.record.host.id, state=entry.state.code))
    return Table("Every run, the newest first", heads, tuple(rows))


def _bound(entries: Sequence[Entry], name: str) -> tuple[float | None, str]:
    """A bound that the newest results of all hosts share, else ``None`` and a sentence that gives them."""
    newest = {entry.record.host.id: getattr(entry.record.diagnostic, name) for entry in entries}
    found = set(newest.values())
    if len(found) < 2:
        return next(iter(found), None), ""
    each = ", ".join(units.seconds(bound) for bound in sorted(found - {None}))
    also = " or none" if None in found else ""
    return None, f" The {name.removesuffix('_s')} is not the same on all hosts, so none is drawn: {each}{also}."


def _alt(walls: Sequence[float], hosts: Sequence[str], ceiling_s: float | None, timeout_s: float | None) -> str:
    if not walls:
        return "No run passed. The table has them all."
    bounds = f"; ceiling {units.seconds(ceiling_s)}, timeout {units.seconds(timeout_s)}"
    return (
        f"{units.counted(len(walls), 'passed run')} on {units.counted(len(hosts), 'host')}, "
        f"from {units.seconds(min(walls))} to {units.seconds(max(walls))}{bounds}. The table has every run."
    )
