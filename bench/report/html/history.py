"""The results of one diagnostic on one host over time, with the band in which the next is expected (pure)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import units
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, GREY, ORANGE, RED, faint
from bench.report.html.plot import axis, bound_marks, label, layout, rounded, span
from bench.report.trend import Band, bands, breaks, next_band

LEAST = 2
"""Results of a host that make a history."""
_COLUMNS = columns("result", "verdict", ">runs", ">median wall", ">expected between")


def history(group: str, host: str, entries: Sequence[Entry]) -> Figure:
    """Median wall time of each result, oldest first, and the interval that those before it predicted."""
    measured = [entry for entry in entries if entry.wall_s is not None]
    medians = [entry.wall_s or 0.0 for entry in measured]
    expected, broken = bands(measured), breaks(measured)
    newest = entries[-1].record.diagnostic
    ahead = next_band(measured)
    shown = span(_reach(medians, [*expected, ahead]), (newest.ceiling_s,))
    shapes, notes = bound_marks(shown, newest.ceiling_s, None, vertical=False)
    times = [_time(entry.record.stamp) for entry in measured]
    shapes += [_break(*times[at - 1 : at + 1]) for at, what in enumerate(broken) if what]
    spec = {
        "data": [*_band(times, [*expected, ahead]), _line(measured, medians, times, expected)],
        "layout": layout(
            xaxis=axis(type="date", nticks=4, showgrid=False),
            yaxis=axis("wall time, s", range=list(shown), nticks=5),
            shapes=shapes,
            annotations=notes,
            hovermode="closest",
        ),
    }
    return Figure(
        key=anchor("f-history", f"{group} {host}"),
        title=host,
        alt=_alt(medians, expected, ahead, broken),
        spec=spec,
        table=_table(group, measured, expected, broken),
        height=220,
        host=host,
        group=group,
    )


def _reach(medians: Sequence[float], expected: Sequence[Band | None]) -> list[float]:
    """The axis: all medians, and of a band no more than twice their spread beyond, since few results predict widely."""
    low, high = min(medians), max(medians)
    more = 2 * max(high - low, 0.01 * high)
    edges = [edge for band in expected if band for edge in (band.low_s, band.high_s)]
    return [*medians, *(min(max(edge, low - more), high + more) for edge in edges)]


def _line(
    measured: Sequence[Entry], medians: Sequence[float], times: Sequence[datetime], expected: Sequence[Band | None]
) -> dict[str, Any]:
    outside = [
        band is not None and not band.low_s <= wall <= band.high_s for wall, band in zip(medians, expected, strict=True)
    ]
    bad = [entry.state.level == "bad" for entry in measured]
    colours = [RED if worst else ORANGE if out else BLUE for worst, out in zip(bad, outside, strict=True)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "median of a result",
        "x": [_drawn(time) for time in times],
        "y": rounded(medians, 6),
        "line": {"color": faint(BLUE, 0.6), "width": 1.2},
        "marker": {
            "color": colours,
            "size": 8,
            "symbol": [
                "x" if worst else "diamond" if out else "circle" for worst, out in zip(bad, outside, strict=True)
            ],
        },
        "hovertext": [f"{label(entry.state.label)}, {len(entry.walls)} runs" for entry in measured],
        "hovertemplate": "%{y:.5g} s<br>%{x|%Y-%m-%d %H:%M}<br>%{hovertext}<extra></extra>",
        "meta": {"state": [entry.state.code for entry in measured]},
    }


def _band(times: Sequence[datetime], expected: Sequence[Band | None]) -> list[dict[str, Any]]:
    """Two edges an unbroken stretch, the lower filled up to the upper: each band a step up to the result it is for.

    The last one is for a result that is not there yet.
    """
    steps = [*times, times[-1] + max((times[-1] - times[0]) * 0.06, timedelta(minutes=1))]
    known = [index for index, band in enumerate(expected) if band is not None]
    stretches = [list(group) for _, group in itertools.groupby(enumerate(known), lambda pair: pair[1] - pair[0])]
    return [edge for stretch in stretches for edge in _edges([at for _, at in stretch], steps, expected)]


def _edges(at: Sequence[int], steps: Sequence[datetime], expected: Sequence[Band | None]) -> list[dict[str, Any]]:
    known = [band for index in (at[0], *at) if (band := expected[index]) is not None]
    edge: dict[str, Any] = {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
    edge |= {"x": [_drawn(steps[index]) for index in (at[0] - 1, *at)]}
    edge |= {"line": {"width": 0, "color": GREY, "shape": "vh"}}
    upper = edge | {"y": rounded([band.high_s for band in known], 6)}
    lower = edge | {"y": rounded([band.low_s for band in known], 6), "fill": "tonexty", "fillcolor": faint(GREY, 0.18)}
    return [upper, lower]


def _break(before: datetime, after: datetime) -> dict[str, Any]:
    """A line half-way between two results that are not alike."""
    at = _drawn(before + (after - before) / 2)
    line = {"color": GREY, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "layer": "below", "line": line}


def _table(
    group: str, measured: Sequence[Entry], expected: Sequence[Band | None], broken: Sequence[Sequence[str]]
) -> Table:
    rows = []
    for entry, band, what in reversed(list(zip(measured, expected, broken, strict=True))):
        said = f"{units.seconds(band.low_s)} and {units.seconds(band.high_s)}" if band else "too few before it"
        if what:
            said = f"not like the one before: {', '.join(what)}"
        cells = (
            Cell(entry.record.stamp),
            Cell(entry.state.label, level=entry.state.level),
            Cell(str(len(entry.walls)), len(entry.walls)),
            Cell(units.seconds(entry.wall_s), entry.wall_s),
            Cell(said, band.low_s if band else None),
        )
        rows.append(Row(cells, entry.record.host.id, group, entry.state.code))
    return Table("Results over time, the newest first", _COLUMNS, tuple(rows))


def _alt(
    medians: Sequence[float], expected: Sequence[Band | None], ahead: Band | None, broken: Sequence[Sequence[str]]
) -> str:
    said = f"{len(medians)} results, the newest {units.seconds(medians[-1])}"
    band = expected[-1]
    if band is None:
        said += "; too few before it to expect anything."
    else:
        inside = "inside" if band.low_s <= medians[-1] <= band.high_s else "outside"
        said += f", {inside} the expected {units.seconds(band.low_s)} to {units.seconds(band.high_s)}."
    if count := sum(map(bool, broken)):
        last = max(at for at, what in enumerate(broken) if what)
        said += f" {count} break{'s' if count > 1 else ''}, the last {len(broken) - last} results back: "
        said += f"{', '.join(broken[last])}."
    if ahead is not None:
        said += f" The next is expected between {units.seconds(ahead.low_s)} and {units.seconds(ahead.high_s)}."
    return said


def _time(stamp: str) -> datetime:
    """A stamp as a time; what is no stamp is drawn at the year 1970."""
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _drawn(time: datetime) -> str:
    """A time as plotly reads a date, in UTC whatever the reader's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S")
