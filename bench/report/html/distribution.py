"""How the runs of one diagnostic are spread, a line per host, with the ceiling and the timeout (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench import units
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, RED, faint
from bench.report.html.plot import axis, bound_marks, hosts_axis, label, layout, rounded, span
from bench.report.status import STATES, state_of_run
from bench.report.text import plain

POINTS = 3000
"""More points than this are not drawn one by one: a box for each host stays, and the table has them all."""
_COLUMNS = columns(
    "result", "host", ">run", "outcome", ">wall", ">user", ">system", ">throttled", ">anonymous peak", ">minor faults"
)


def distribution(group: str, entries: Sequence[Entry], hosts: Sequence[str]) -> Figure:
    """A strip of all runs over a box per host; runs that did not pass are crosses at the time they were stopped."""
    ceiling_s, ceilings = _bound(entries, "ceiling_s")
    timeout_s, timeouts = _bound(entries, "timeout_s")
    passed = [(entry, run) for entry in entries for run in entry.passed]
    stopped = [
        (entry, run)
        for entry in entries
        for run in entry.record.runs
        if run.outcome != "passed" and run.wall_s is not None
    ]
    walls = [run.wall_s for _, run in passed if run.wall_s is not None]
    shown = span(walls or [run.wall_s or 0.0 for _, run in stopped], (ceiling_s, timeout_s))
    shapes, notes = bound_marks(shown, ceiling_s, timeout_s, vertical=True)
    crowd = len(passed) / max(len(hosts), 1)
    box: dict[str, Any] = {
        "type": "box",
        "orientation": "h",
        "name": "passed",
        "x": rounded([run.wall_s for _, run in passed], 6),
        "y": [label(entry.record.host.id) for entry, _ in passed],
        "boxpoints": "all" if len(passed) <= POINTS else "outliers",
        "jitter": 0.55,
        "pointpos": 0,
        "line": {"color": BLUE, "width": 1.2},
        "fillcolor": faint(BLUE, 0.14),
        "marker": {"color": faint(BLUE, 0.75 if crowd <= 60 else 0.4), "size": 6 if crowd <= 60 else 4},
        "hovertext": [f"{label(entry.record.stamp)}, run {run.index}" for entry, run in passed],
        "hovertemplate": "%{x:.5g} s<br>%{hovertext}<extra></extra>",
        "hoveron": "points",
        "width": 0.56,
        "meta": _meta(passed),
    }
    crosses: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": "did not pass",
        "cliponaxis": False,
        "x": [min(wall, shown[1]) for wall in (run.wall_s or 0.0 for _, run in stopped)],
        "y": [label(entry.record.host.id) for entry, _ in stopped],
        "marker": {"color": RED, "size": 10, "symbol": "x-thin", "line": {"color": RED, "width": 2}},
        "hovertext": [f"{STATES[run.outcome].label} at {units.seconds(run.wall_s)}" for _, run in stopped],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "meta": _meta(stopped),
    }
    spec = {
        "data": [box, crosses],
        "layout": layout(
            xaxis=axis("wall time, s", range=list(shown)),
            yaxis=hosts_axis() | {"categoryorder": "array", "categoryarray": [label(host) for host in hosts]},
            shapes=shapes,
            annotations=notes,
            hovermode="closest",
            margin={"l": 8, "r": 16, "t": 40, "b": 8},
        ),
    }
    return Figure(
        key=anchor("f-runs", group),
        title="Runs per host",
        alt=_alt(passed, hosts, ceiling_s, timeout_s),
        spec=spec,
        table=runs_table(group, entries),
        height=96,
        per_row=44,
        note="Each dot is one run, each box the middle half of a host's runs; a cross is a run that did not pass."
        + ceilings
        + timeouts,
    )


def runs_table(group: str, entries: Sequence[Entry]) -> Table:
    """Every run of the group, newest first."""
    rows = []
    for entry in reversed(entries):
        for run in entry.record.runs:
            state = state_of_run(run.outcome)
            cells = (
                Cell(entry.record.stamp),
                Cell(entry.record.host.id),
                Cell(str(run.index), run.index),
                Cell(state.label, level=state.level),
                Cell(units.seconds(run.wall_s), run.wall_s),
                Cell(units.seconds(run.cpu.user_s), run.cpu.user_s),
                Cell(units.seconds(run.cpu.system_s), run.cpu.system_s),
                Cell(units.seconds(run.cpu.throttled_s), run.cpu.throttled_s),
                Cell(units.size(run.memory.anon_peak_bytes), run.memory.anon_peak_bytes),
                Cell(units.count(run.faults.minor), run.faults.minor),
            )
            rows.append(Row(cells, entry.record.host.id, group, entry.state.code))
    return Table("Every run, the newest first", _COLUMNS, tuple(rows))


def _bound(entries: Sequence[Entry], name: str) -> tuple[float | None, str]:
    """A bound that the newest results of all hosts share, else ``None`` and a sentence that gives them."""
    newest = {entry.record.host.id: getattr(entry.record.diagnostic, name) for entry in entries}
    found = set(newest.values())
    if len(found) < 2:
        return next(iter(found), None), ""
    each = ", ".join(units.seconds(bound) for bound in sorted(found - {None}))
    also = " or none" if None in found else ""
    return None, f" The {name.removesuffix('_s')} is not the same on all hosts, so none is drawn: {each}{also}."


def _meta(pairs: Sequence[tuple[Entry, Any]]) -> dict[str, list[str]]:
    return {
        "host": [plain(entry.record.host.id) for entry, _ in pairs],
        "state": [entry.state.code for entry, _ in pairs],
    }


def _alt(passed: Sequence[Any], hosts: Sequence[str], ceiling_s: float | None, timeout_s: float | None) -> str:
    if not passed:
        return "No run passed. The table has them all."
    walls = sorted(run.wall_s for _, run in passed)
    bounds = f"; ceiling {units.seconds(ceiling_s)}, timeout {units.seconds(timeout_s)}"
    return (
        f"{len(walls)} passed runs on {len(hosts)} host{'s' if len(hosts) != 1 else ''}, "
        f"from {units.seconds(walls[0])} to {units.seconds(walls[-1])}{bounds}. The table has every run."
    )
