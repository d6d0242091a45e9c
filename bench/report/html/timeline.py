"""A run over time: CPUs in use, memory, throttling, pressure, with the tests above them (pure)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import units
from bench.record.schema import Limits, Run
from bench.report.html.model import Cell, Column, Figure, Row, Table
from bench.report.html.palette import BLUE, GREY, ORANGE, RED, TEAL, TERMS, faint
from bench.report.html.plot import axis, layout, rounded
from bench.report.html.test_bars import Phase, bars_of, phases, phases_legend, placing, spoken_tests, within
from bench.report.timeline import Series, Timeline

TABLE_ROWS = 20
# Heights in pixels: the row of tests, what stands above each panel, a panel with it.
_ROW, _TITLE, _PANEL = 18, 24, 120


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
    """The tests of one run and its panels, one above the other, on one axis of time."""
    panels = [panel for panel in _panels(timeline, run, limits) if panel.lines]
    end = max(run.wall_s or 0.0, float(timeline.steps * timeline.step_s))
    tests = phases(run, end)
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    extra: dict[str, Any] = {}
    count = len(panels)
    row = _ROW + _TITLE if tests else 0
    inner = row + max(count, 1) * _PANEL
    for at, panel in enumerate(panels):
        suffix = "" if at == 0 else str(at + 1)
        top = 1.0 - (row + at * _PANEL) / inner
        low = max(top - (_PANEL - _TITLE) / inner, 0.0)
        extra[f"yaxis{suffix}"] = axis(domain=[low, top], rangemode="tozero", nticks=4, anchor="x", ticklabelstandoff=6)
        notes.append(_title(panel.title, top))
        data += [_trace(line, panel, timeline, suffix) for line in panel.lines]
        if panel.limit is not None:
            bound = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": f"y{suffix}"}
            line = {"color": GREY, "width": 1.2, "dash": "dash"}
            shapes.append(bound | {"y0": panel.limit, "y1": panel.limit, "line": line, "layer": "below"})
            notes.append(_limit_note(panel, suffix))
    if tests:
        suffix = str(count + 1) if count else ""
        extra[f"yaxis{suffix}"] = axis(
            domain=[1.0 - _ROW / inner, 1.0], range=[-0.5, 0.5], showgrid=False, showticklabels=False, anchor="x"
        )
        notes.append(_title("Tests", 1.0))
        data.append(bars_of(tests, f"y{suffix}"))
    spec = {
        "data": data,
        "layout": layout(
            xaxis=axis("seconds since the start", range=[0, end], anchor=f"y{count}" if count > 1 else "y"),
            **extra,
            shapes=shapes,
            annotations=notes,
            hovermode="x unified",
            uniformtext={"minsize": 11, "mode": "hide"},
            margin={"l": 8, "r": 12, "t": 26, "b": 8},
        ),
    }
    return Figure(
        key=key,
        title=f"Run {run.index} over time",
        alt=_alt(run, panels, timeline, tests),
        spec=spec,
        table=_table(panels, timeline, tests),
        height=inner + 66,
        legend=(*phases_legend(tests), *((line.name, line.colour) for panel in panels for line in panel.lines)),
        note=_note(timeline, placing(run)),
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


def _limit_note(panel: _Panel, suffix: str) -> dict[str, Any]:
    """The name of a dashed line, on it and at its right end."""
    at = {"x": 1, "xref": "paper", "xanchor": "right", "y": panel.limit, "yref": f"y{suffix}", "yanchor": "bottom"}
    return at | {"text": f"limit {panel.limit:.4g}{panel.unit}", "showarrow": False, "font": {"size": 12}}


def _title(text: str, top: float) -> dict[str, Any]:
    at = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": top, "yanchor": "bottom"}
    return at | {"text": text, "showarrow": False, "font": {"size": 12}}


def _table(panels: Sequence[_Panel], timeline: Timeline, tests: Sequence[Phase]) -> Table:
    """The same lines over at most :data:`TABLE_ROWS` equal parts of the run."""
    lines = [(panel, line) for panel in panels for line in panel.lines]
    columns = [Column("from", figures=True)] + [Column(line.name, figures=True) for _, line in lines]
    columns += [Column("tests")] if tests else []
    edges = np.linspace(0, timeline.steps, min(TABLE_ROWS, timeline.steps) + 1).astype(int)
    made = [_parts(timeline.series[line.series], edges, most=panel.scale > 1.0) for panel, line in lines]
    rows = []
    for at, (first, after) in enumerate(itertools.pairwise((edges * timeline.step_s).tolist())):
        cells = [Cell(units.seconds(first), first)]
        for (panel, _), values in zip(lines, made, strict=True):
            value = values[at]
            shown = units.NOT_KNOWN if value is None else f"{value / panel.scale:.3g}{panel.unit}"
            cells.append(Cell(shown, value))
        if tests:
            cells.append(Cell(within(tests, first, after)))
        rows.append(Row(tuple(cells)))
    return Table("The same over equal parts of the run", tuple(columns), tuple(rows))


def _parts(values: Series, edges: NDArray[np.int_], *, most: bool) -> list[float | None]:
    """The largest value between the edges, or the mean; ``None`` where none is known."""
    starts, known = edges[:-1], np.isfinite(values)
    counts = np.add.reduceat(known.astype(np.int_), starts)
    if most:
        found = np.maximum.reduceat(np.where(known, values, -np.inf), starts)
    else:
        found = np.add.reduceat(np.where(known, values, 0.0), starts) / np.maximum(counts, 1)
    return [value if count else None for value, count in zip(found.tolist(), counts.tolist(), strict=True)]


def _alt(run: Run, panels: Sequence[_Panel], timeline: Timeline, tests: Sequence[Phase]) -> str:
    said = [f"Run {run.index}, {units.seconds(run.wall_s)}."]
    for panel in panels:
        for line in panel.lines:
            values = timeline.series[line.series] / panel.scale
            if np.isfinite(values).any():
                said.append(f"{panel.title}, {line.name}: at most {np.nanmax(values):.3g}{panel.unit}.")
        if panel.limit is not None:
            said.append(f"{panel.title}, limit: {panel.limit:.4g}{panel.unit}.")
    return " ".join([*said, *([names] if (names := spoken_tests(tests)) else [])])


def _note(timeline: Timeline, placed: str) -> str:
    note = f"{timeline.sampled} samples, drawn in steps of {units.seconds(timeline.step_s)}"
    note += ": rates are means over a step, memory is its largest sample."
    return f"{note} {placed}" if placed else note
