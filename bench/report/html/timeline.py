"""A run over time: CPUs in use, memory, throttling, pressure, with the tests above them (pure)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from bench import units
from bench.record.schema import Limits, Run
from bench.report.html.model import Cell, Column, Figure, Row, Table
from bench.report.html.palette import BLUE, GREY, ORANGE, RED, TEAL, TERMS
from bench.report.html.svg.frame import Bound, Ticks, panel, upright
from bench.report.html.svg.marks import FINE, bar, element, grid_heights, joined, line_path, steps_path, stretched
from bench.report.html.svg.scale import Scale, from_zero
from bench.report.html.test_bars import Phase, drawn_tests, phases, phases_legend, placing, spoken_tests, within
from bench.report.timeline import Series, Timeline

TABLE_ROWS = 20
_FEW_ROWS = 10
_HEIGHT = 92
"""Of a panel, in pixels."""
_FLAT = 5e-4
"""A share of time that stays below this is a line on the axis: said, not drawn."""


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    series: str
    colour: str
    stacked: bool = False
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    lines: tuple[_Line, ...]
    unit: str
    scale: float = 1.0
    limit: float | None = None
    flat: tuple[str, ...] = ()

    def values(self, line: _Line, timeline: Timeline) -> Series:
        """Return a line's values in the panel's unit."""
        return timeline.series[line.series] / self.scale


def timeline_figure(key: str, run: Run, limits: Limits, timeline: Timeline) -> Figure:
    """Return the tests of one run and its panels, one above the other, on one axis of time.

    Args:
        key: the figure's id in the page.
        run: what was measured.
        limits: of the engine, which are drawn as bounds.
        timeline: the run's samples.
    """
    every = list(_panels(timeline, run, limits))
    panels = [one for one in every if one.lines]
    sampled_s = float(timeline.steps * timeline.step_s)
    end = max(run.wall_s, sampled_s) if run.wall_s is not None and math.isfinite(run.wall_s) else sampled_s
    tests = phases(run, end)
    table = _table(panels, timeline, tests)
    return Figure(
        key=key,
        title=f"Run {run.index} over time",
        alt=_alt(run, panels, timeline, tests),
        body=_body(panels, timeline, tests, table, end),
        table=table,
        legend=(*phases_legend(tests), *((line.name, line.colour) for one in panels for line in one.lines)),
        note=_note(timeline, placing(run), [name for one in every for name in one.flat]),
    )


def _body(panels: Sequence[_Panel], timeline: Timeline, tests: Sequence[Phase], table: Table, end: float) -> Markup:
    along = Scale(0.0, end)
    ticks = [(along.share(at), said) for at, said in along.ticks()]
    titled = Markup('<p class="panel-title">{}</p>{}')
    row = titled.format("Tests", drawn_tests(tests, end)) if tests else Markup()
    if not panels:
        return row
    made = [titled.format(one.title, _panel(one, timeline, end, ticks if one is panels[-1] else ())) for one in panels]
    lines = (upright(share, class_="grid") for share, _ in ticks)
    behind = element("svg", *_parts_named(table, timeline, along), *lines, class_="parts")
    title = Markup('<p class="axis-title">seconds since the start</p>')
    return joined([row, Markup('<div class="panels">{}{}</div>').format(behind, joined(made)), title])


def _parts_named(table: Table, timeline: Timeline, along: Scale) -> Iterator[Markup]:
    """What each line of the table has but its tests, which have bars: for a reader who points at that part."""
    starts = [float(row.cells[0].order or 0.0) for row in table.rows]
    for row, (first, after) in zip(
        table.rows, itertools.pairwise([*starts, timeline.steps * timeline.step_s]), strict=True
    ):
        pairs = zip(table.columns, row.cells, strict=True)
        said = ", ".join(
            f"{column.label} {cell.text}" for column, cell in pairs if column.figures and cell.text != units.NOT_KNOWN
        )
        yield bar(along.share(first), along.share(after), said)


def _panel(one: _Panel, timeline: Timeline, end: float, along: Ticks) -> Markup:
    """The lines of a panel, or its areas upon one another."""
    series = [one.values(line, timeline) for line in one.lines]
    heights = np.nansum(series, axis=0) if one.lines[0].stacked else np.array(series)
    most = float(np.nanmax(heights)) if np.isfinite(heights).any() else 0.0
    scale = from_zero([most, *([one.limit] if one.limit is not None else [])])
    drawn: list[Markup] = []
    total = np.zeros(timeline.steps)
    for line, values in zip(one.lines, series, strict=True):
        if line.stacked:
            # Each value is the mean over its step, not a point between two others. The highest area lies behind.
            total = total + np.nan_to_num(values)
            path = steps_path(grid_heights(total, scale.high, _HEIGHT), _HEIGHT * FINE)
            drawn.insert(0, element("path", d=path, class_=f"area {line.colour}"))
        else:
            path = line_path(grid_heights(values, scale.high, _HEIGHT))
            drawn.append(element("path", d=path, class_=f"line {line.colour}{' dotted' if line.dotted else ''}"))
    bounds = [Bound(one.limit, f"limit {one.limit:.4g}{one.unit}", dashed=True)] if one.limit is not None else []
    wide = stretched(end / timeline.step_s, _HEIGHT, *drawn)
    return panel(_HEIGHT, scale, wide, along, bounds)


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
    memory = _present((_Line("memory", "memory", GREY, dotted=True), _Line("anonymous", "anon", TEAL)), timeline)
    most = max((float(np.nanmax(have[line.series])) for line in memory), default=0.0)
    unit, scale = ("GiB", 1024.0**3) if most >= 1024.0**3 else ("MiB", 1024.0**2)
    limit = run.memory.limit_bytes
    near = limit / scale if limit is not None and limit < 1.6 * most else None
    yield _Panel(f"Memory, {unit}", memory, f" {unit}", scale, near)
    yield _shares("Throttled, % of time", (_Line("throttled", "throttled", RED),), timeline)
    pressure = (
        _Line("CPU pressure", "pressure_cpu", TERMS["cpu_wait"]),
        _Line("memory pressure", "pressure_memory", TERMS["memory_pressure"]),
        _Line("I/O pressure", "pressure_io", TERMS["io_pressure"]),
    )
    yield _shares("Pressure, % of time", pressure, timeline)


def _shares(title: str, lines: Iterable[_Line], timeline: Timeline) -> _Panel:
    """A panel of those shares of time that can be told from none."""
    present = _present(lines, timeline)
    seen = tuple(line for line in present if float(np.nanmax(timeline.series[line.series])) >= _FLAT)
    return _Panel(title, seen, " %", 0.01, flat=tuple(line.name for line in present if line not in seen))


def _present(lines: Iterable[_Line], timeline: Timeline) -> tuple[_Line, ...]:
    return tuple(line for line in lines if line.series in timeline.series)


def _table(panels: Sequence[_Panel], timeline: Timeline, tests: Sequence[Phase]) -> Table:
    """The same lines over at most :data:`TABLE_ROWS` equal parts of the run."""
    lines = [(one, line) for one in panels for line in one.lines]
    columns = [Column("from", figures=True)] + [Column(line.name, figures=True) for _, line in lines]
    columns += [Column("tests")] if tests else []
    parts = min(max(timeline.steps // 3, _FEW_ROWS), TABLE_ROWS, timeline.steps)
    edges = np.linspace(0, timeline.steps, parts + 1).astype(int)
    made = [_parts(timeline.series[line.series], edges, most=one.scale > 1.0) for one, line in lines]
    rows = []
    for at, (first, after) in enumerate(itertools.pairwise((edges * timeline.step_s).tolist())):
        cells = [Cell(units.seconds(first), first)]
        for (one, _), values in zip(lines, made, strict=True):
            value = values[at]
            shown = units.NOT_KNOWN if value is None else f"{value / one.scale:.3g}{one.unit}"
            cells.append(Cell(shown, value))
        if tests:
            cells.append(Cell(within(tests, first, after)))
        rows.append(Row(tuple(cells)))
    return Table("The same over equal parts of the run", tuple(columns), tuple(rows))


def _parts(values: Series, edges: NDArray[np.int_], *, most: bool) -> list[float | None]:
    """The largest value between the edges, or the mean; ``None`` if none is known."""
    starts, known = edges[:-1], np.isfinite(values)
    counts = np.add.reduceat(known.astype(np.int_), starts)
    if most:
        found = np.maximum.reduceat(np.where(known, values, -np.inf), starts)
    else:
        found = np.add.reduceat(np.where(known, values, 0.0), starts) / np.maximum(counts, 1)
    return [value if count else None for value, count in zip(found.tolist(), counts.tolist(), strict=True)]


def _alt(run: Run, panels: Sequence[_Panel], timeline: Timeline, tests: Sequence[Phase]) -> str:
    said = [f"Run {run.index}, {units.seconds(run.wall_s)}."]
    for one in panels:
        for line in one.lines:
            values = one.values(line, timeline)
            if np.isfinite(values).any():
                said.append(f"{one.title}, {line.name}: at most {np.nanmax(values):.3g}{one.unit}.")
        if one.limit is not None:
            said.append(f"{one.title}, limit: {one.limit:.4g}{one.unit}.")
    return " ".join([*said, *([names] if (names := spoken_tests(tests)) else [])])


def _note(timeline: Timeline, placed: str, flat: Sequence[str]) -> str:
    note = f"{timeline.sampled} samples, drawn in steps of {units.seconds(timeline.step_s)}"
    note += ": rates are means over a step, memory is its largest sample."
    if flat:
        note += f" Not drawn, since under 0.1 % of the time all along: {', '.join(flat)}."
    return f"{note} {placed}" if placed else note
