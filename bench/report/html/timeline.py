"""A run over time: CPUs in use, memory, throttling, pressure, with the test's phases marked (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import units
from bench.record.schema import Limits, Run
from bench.report.html.model import Cell, Column, Figure, Row, Table
from bench.report.html.palette import BLUE, GREY, ORANGE, RED, TEAL, TERMS, faint
from bench.report.html.plot import axis, label, layout, rounded
from bench.report.samples import Series, Timeline

TABLE_ROWS = 20
_PHASES = 12


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    series: str
    colour: str
    stacked: bool = False
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    lines: tuple[_Line, ...]
    unit: str
    scale: float = 1.0
    limit: float | None = None


def timeline_figure(key: str, host: str, state: str, run: Run, limits: Limits, timeline: Timeline) -> Figure:
    """The panels of one run, one above the other, on one axis of time."""
    panels = [panel for panel in _panels(timeline, run, limits) if panel.lines]
    end = max(run.wall_s or 0.0, float(timeline.steps * timeline.step_s))
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    extra: dict[str, Any] = {}
    gap, count = 0.09, len(panels)
    height = (1.0 - gap * (count - 1)) / count if count else 1.0
    for at, panel in enumerate(panels):
        suffix = "" if at == 0 else str(at + 1)
        top = 1.0 - at * (height + gap)
        extra[f"yaxis{suffix}"] = axis(domain=[max(top - height, 0.0), top], rangemode="tozero", nticks=4, anchor="x")
        notes.append(_title(panel.title, top))
        data += [_trace(line, panel, timeline, suffix) for line in panel.lines]
        if panel.limit is not None:
            bound = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": f"y{suffix}"}
            line = {"color": GREY, "width": 1.2, "dash": "dash"}
            shapes.append(bound | {"y0": panel.limit, "y1": panel.limit, "line": line, "layer": "below"})
    phases = _phases(run, end)
    shapes += [_band(*phase) for phase in phases]
    notes += [_phase_note(*phase) for phase in phases if phase[2] - phase[1] > 0.08 * end]
    spec = {
        "data": data,
        "layout": layout(
            xaxis=axis("seconds since the start", range=[0, end], anchor=f"y{count}" if count > 1 else "y"),
            **extra,
            shapes=shapes,
            annotations=notes,
            hovermode="x unified",
            margin={"l": 8, "r": 12, "t": 40, "b": 8},
        ),
    }
    return Figure(
        key=key,
        title=f"Run {run.index} over time",
        alt=_alt(run, panels, timeline),
        spec=spec,
        table=_table(panels, timeline),
        height=90 + 120 * max(count, 1),
        legend=tuple((line.name, line.colour) for panel in panels for line in panel.lines),
        note=_note(timeline, bool(phases)),
        host=host,
        state=state,
    )


def _panels(timeline: Timeline, run: Run, limits: Limits) -> Iterable[_Panel]:
    have = timeline.series
    if "cpu_user" in have or "cpu_system" in have:
        cpu: tuple[_Line, ...] = (
            _Line("system", "cpu_system", ORANGE, stacked=True),
            _Line("user", "cpu_user", BLUE, stacked=True),
        )
    else:
        cpu = (_Line("CPU", "cpu_total", BLUE, stacked=True),)
    yield _Panel("CPUs in use", _present(cpu, timeline), "", limit=limits.cpus)
    memory = _present((_Line("memory", "memory", GREY, dash="dot"), _Line("anonymous", "anon", TEAL)), timeline)
    most = max((float(np.nanmax(have[line.series])) for line in memory), default=0.0)
    unit, scale = ("GiB", 1024.0**3) if most >= 1024.0**3 else ("MiB", 1024.0**2)
    limit = run.memory.limit_bytes
    near = limit / scale if limit is not None and limit < 1.6 * most else None
    yield _Panel(f"Memory, {unit}", memory, f" {unit}", scale, near)
    throttled = _present((_Line("throttled", "throttled", RED),), timeline)
    yield _Panel("Throttled, % of time", throttled, " %", 0.01)
    pressure = (
        _Line("CPU pressure", "pressure_cpu", TERMS["cpu_wait"]),
        _Line("memory pressure", "pressure_memory", TERMS["memory_pressure"]),
        _Line("I/O pressure", "pressure_io", TERMS["io_pressure"]),
    )
    yield _Panel("Pressure, % of time", _present(pressure, timeline), " %", 0.01)


def _present(lines: Iterable[_Line], timeline: Timeline) -> tuple[_Line, ...]:
    return tuple(line for line in lines if line.series in timeline.series)


def _trace(line: _Line, panel: _Panel, timeline: Timeline, suffix: str) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "name": line.name,
        "x0": rounded([timeline.step_s / 2])[0],
        "dx": rounded([timeline.step_s], 6)[0],
        "y": rounded((timeline.series[line.series] / panel.scale).tolist(), 3),
        "xaxis": "x",
        "yaxis": f"y{suffix}",
        "line": {"color": line.colour, "width": 1.4, "dash": line.dash},
        "hovertemplate": f"%{{y:.3g}}{panel.unit}<extra>{line.name}</extra>",
    }
    if line.stacked:
        # Stacked areas are steps: each value is the mean over its step, not a point between two others.
        trace |= {"stackgroup": "cpu", "fillcolor": faint(line.colour, 0.35)}
        trace["line"] = trace["line"] | {"shape": "hvh", "width": 0.8}
    return trace


def _phases(run: Run, end: float) -> list[tuple[str, float, float, int]]:
    """Tests laid end to end up to the run's end: a record holds how long each took, not when it began."""
    spans = []
    for test in run.tests:
        parts = [part for part in (test.setup_s, test.call_s, test.teardown_s) if part is not None]
        if parts:
            spans.append((test.node.rpartition("::")[2], sum(parts)))
    at = max(end - sum(length for _, length in spans), 0.0)
    placed = []
    for number, (name, length) in enumerate(spans):
        placed.append((name, at, min(at + length, end), number))
        at += length
    kept = sorted(placed, key=lambda phase: phase[1] - phase[2])[:_PHASES]
    return sorted(kept, key=lambda phase: phase[1])


def _band(_name: str, start: float, end: float, number: int) -> dict[str, Any]:
    at = {"type": "rect", "x0": start, "x1": end, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return at | {"fillcolor": faint(GREY, 0.13 if number % 2 else 0.07), "line": {"width": 0}}


def _phase_note(name: str, start: float, end: float, _number: int) -> dict[str, Any]:
    at = {"x": (start + end) / 2, "y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 18, "showarrow": False}
    return at | {"text": label(name, 28), "font": {"size": 12}}


def _title(text: str, top: float) -> dict[str, Any]:
    at = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": top, "yanchor": "bottom"}
    return at | {"text": text, "showarrow": False, "font": {"size": 12}}


def _table(panels: Sequence[_Panel], timeline: Timeline) -> Table:
    """The same lines over at most :data:`TABLE_ROWS` equal parts of the run."""
    lines = [(panel, line) for panel in panels for line in panel.lines]
    columns = [Column("from", figures=True)] + [Column(line.name, figures=True) for _, line in lines]
    rows = []
    for part in np.array_split(np.arange(timeline.steps), min(TABLE_ROWS, timeline.steps)):
        start = float(part[0] * timeline.step_s)
        cells = [Cell(units.seconds(start), start)]
        for panel, line in lines:
            values: Series = timeline.series[line.series][part]
            value = float(np.nanmax(values) if panel.scale > 1.0 else np.nanmean(values)) if values.size else None
            shown = units.NOT_KNOWN if value is None or np.isnan(value) else f"{value / panel.scale:.3g}{panel.unit}"
            cells.append(Cell(shown, value))
        rows.append(Row(tuple(cells)))
    return Table("The same over equal parts of the run", tuple(columns), tuple(rows))


def _alt(run: Run, panels: Sequence[_Panel], timeline: Timeline) -> str:
    said = [f"Run {run.index}, {units.seconds(run.wall_s)}."]
    for panel in panels:
        for line in panel.lines:
            values = timeline.series[line.series] / panel.scale
            if np.isfinite(values).any():
                said.append(f"{panel.title}, {line.name}: at most {np.nanmax(values):.3g}{panel.unit}.")
    return " ".join(said)


def _note(timeline: Timeline, phases: bool) -> str:
    note = f"{timeline.sampled} samples, drawn in steps of {units.seconds(timeline.step_s)}"
    note += ": rates are means over a step, memory is its largest sample."
    if phases:
        note += " Shaded: the tests, laid end to end up to the run's end, since only their durations are recorded."
    return note
