"""The results of one diagnostic on one host over time, with the band in which the next is expected (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from bench import units
from bench.compare.history.changes import Series, worst_first
from bench.names import stamp_time
from bench.report.changes import range_text, shown_series, size_text, word_of
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import BLUE, GREY, ORANGE, RED
from bench.report.html.svg.frame import bounds_of, panel, upright
from bench.report.html.svg.marks import FINE, element, joined, sign, stretched
from bench.report.html.svg.scale import Scale, moment, over_time, span, time_ticks
from bench.report.presentation import stamp_text
from bench.report.trend import Band, bands, breaks, next_band

LEAST = 2
"""Results of a host that make a history."""
_NOTE = (
    "An orange line is a level. Found by E-divisive: the chance of a false change in a series of like results is 1 % "
    "in all; p is that of this one. A change of the host that no record shows is one of level, too."
)
_HEIGHT = 130
_WIDE = 2000
"""Units of a path's grid along the drawing."""
_COLUMNS = columns("result", "verdict", ">runs", ">median wall", ">expected between")
_CHANGES = columns("since", "host", "change", ">with 99 % interval", ">level before", ">level after", "commits", ">p")
_LEVELS = {True: "bad", False: "good", None: "caution"}


def history(group: str, host: str, entries: Sequence[Entry]) -> Figure:
    """Return the median wall time of each result, oldest first, and the interval that those before it predicted.

    Args:
        group: what they are results of.
        host: the host's id.
        entries: the results, from the oldest to the newest.
    """
    measured = [entry for entry in entries if entry.wall_s is not None]
    medians = [entry.wall_s or 0.0 for entry in measured]
    expected, broken = bands(measured), breaks(measured)
    newest = entries[-1].record.diagnostic
    ahead = next_band(measured)
    stepped = [one for one in shown_series([entry.record for entry in entries]) if one.changes]
    scale = span(_reach(medians, [*expected, ahead]), (newest.ceiling_s,))
    times = [_time(entry.record.stamp) for entry in measured]
    along = over_time(times)
    ticks = [(along.share(at), said) for at, said in time_ticks(along)]
    marks = joined(
        [
            *(upright(share, class_="grid") for share, _ in ticks),
            stretched(_WIDE, _HEIGHT, *_bands(times, [*expected, ahead], along, scale)),
            *(_break(times[at - 1], times[at], along) for at, what in enumerate(broken) if what),
            stretched(_WIDE, _HEIGHT, *_steps(stepped, along, scale)),
            *_points(measured, times, expected, (along, scale)),
        ]
    )
    return Figure(
        key=anchor("f-history", f"{group} {host}"),
        title=host,
        alt=_alt(medians, expected, ahead, broken) + _said(stepped),
        body=_body(panel(_HEIGHT, scale, marks, ticks, bounds_of(newest.ceiling_s, None)), times),
        table=_table(measured, expected, broken),
        host=host,
        group=group,
    )


def changes_table(entries: Sequence[Entry]) -> Table | None:
    """Return the changes of level of results, the worst first; ``None`` if there are none.

    Args:
        entries: of one group, any number of hosts.
    """
    found = shown_series([entry.record for entry in entries])
    rows = [
        Row(
            (
                Cell(stamp_text(change.after.stamp, "%Y-%m-%d %H:%M"), change.after.stamp),
                Cell(change.host),
                Cell(word_of(change), level=_LEVELS[change.worse]),
                Cell(size_text(change), change.ratio),
                Cell(units.figure(change.level_before, change.unit), change.level_before),
                Cell(units.figure(change.level_after, change.unit), change.level_after),
                Cell(range_text(change)),
                Cell(f"{change.p_value:.3f}", change.p_value),
            ),
            change.host,
        )
        for change in worst_first([change for one in found for change in one.changes])
    ]
    return Table("Changes of level, the worst first", _CHANGES, tuple(rows), _NOTE) if rows else None


def _steps(series: Sequence[Series], along: Scale, scale: Scale) -> Iterator[Markup]:
    """A line at each level of the series that have changes, from its first result to its last."""
    for level in (level for one in series for level in one.levels):
        left, right = (round(_WIDE * along.share(moment(_time(end.stamp)))) for end in (level.first, level.last))
        y = round(_HEIGHT * FINE * (1.0 - scale.share(level.centre)))
        said = f"level of {units.counted(level.results, 'result')}: {units.seconds(level.centre)}"
        yield element("path", title=said, d=f"M{left} {y}h{right - left}", class_=f"line {ORANGE}")


def _said(series: Sequence[Series]) -> str:
    changes = [change for one in series for change in one.changes]
    if not changes:
        return ""
    last = max(changes, key=lambda one: one.after.stamp)
    return (
        f" {units.counted(len(changes), 'change')} of level, the newest {word_of(last)} by {size_text(last)} "
        f"({range_text(last)})."
    )


def _reach(medians: Sequence[float], expected: Sequence[Band | None]) -> list[float]:
    """The axis: all medians, and of a band no more than twice their spread beyond, since few results predict widely."""
    low, high = min(medians), max(medians)
    more = 2 * max(high - low, 0.01 * high)
    edges = [edge for band in expected if band for edge in (band.low_s, band.high_s)]
    return [*medians, *(min(max(edge, low - more), high + more) for edge in edges)]


def _body(drawn: Markup, times: Sequence[datetime]) -> Markup:
    days = [f"{time:%Y-%m-%d}" for time in (min(times), max(times))]
    when = days[0] if days[0] == days[1] else " to ".join(days)
    return Markup('<p class="panel-title">wall time, s</p>{}<p class="axis-title">{}, UTC</p>').format(drawn, when)


def _points(
    measured: Sequence[Entry], times: Sequence[datetime], expected: Sequence[Band | None], scales: tuple[Scale, Scale]
) -> list[Markup]:
    """A line through all medians, and a sign for each: what it is, when and by how many runs."""
    along, scale = scales
    places = [
        (along.share(moment(time)), 1.0 - scale.share(entry.wall_s or 0.0))
        for entry, time in zip(measured, times, strict=True)
    ]
    line = "M" + "L".join(f"{_WIDE * x:.0f} {_HEIGHT * FINE * y:.0f}" for x, y in places)
    made = [stretched(_WIDE, _HEIGHT, element("path", d=line, class_=f"line {BLUE}"))]
    for entry, time, band, (x, y) in zip(measured, times, expected, places, strict=True):
        outside = band is not None and not band.low_s <= (entry.wall_s or 0.0) <= band.high_s
        kind, colour = ("diamond", ORANGE) if outside else ("dot", BLUE)
        if entry.state.level == "bad":
            kind, colour = "cross", RED
        said = f"{units.seconds(entry.wall_s)}, {time:%Y-%m-%d %H:%M}, {entry.state.label}, "
        said += units.counted(len(entry.walls), "run")
        made.append(sign(kind, x, _HEIGHT * y, said, class_=f"mark {colour}"))
    return made


def _bands(times: Sequence[datetime], expected: Sequence[Band | None], along: Scale, scale: Scale) -> Iterator[Markup]:
    """A block up to each result that something was expected of, as high as its band, from the result before it.

    The last one is for a result that is not there yet.
    """
    ends = [*(along.share(moment(time)) for time in times), 1.0]
    for before, end, band in zip([0.0, *ends], ends, expected, strict=False):
        if band is not None:
            left, right = (round(_WIDE * share) for share in (before, end))
            top, bottom = (round(_HEIGHT * FINE * (1.0 - scale.share(edge))) for edge in (band.high_s, band.low_s))
            said = f"expected: {units.between(band.low_s, band.high_s)}"
            block = {"x": left, "y": top, "width": right - left, "height": max(bottom - top, 1)}
            yield element("rect", title=said, class_=f"band {GREY}", **block)


def _break(before: datetime, after: datetime, along: Scale) -> Markup:
    """A line half-way between two results that are not alike."""
    return upright(along.share(moment(before + (after - before) / 2)), class_="break")


def _table(measured: Sequence[Entry], expected: Sequence[Band | None], broken: Sequence[Sequence[str]]) -> Table:
    rows = []
    for entry, band, what in reversed(list(zip(measured, expected, broken, strict=True))):
        said = units.between(band.low_s, band.high_s, "and") if band else "too few before it"
        if what:
            said = f"not like the one before: {', '.join(what)}"
        cells = (
            Cell(entry.record.stamp),
            Cell(entry.state.label, level=entry.state.level),
            Cell(str(len(entry.walls)), len(entry.walls)),
            Cell(units.seconds(entry.wall_s), entry.wall_s),
            Cell(said, band.low_s if band else None),
        )
        rows.append(Row(cells, entry.record.host.id, state=entry.state.code))
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
        wide = units.too_wide(band.low_s, band.high_s)
        ends = f"{units.seconds(band.low_s)} to {units.seconds(band.high_s)}"
        said += "; those before it scatter too much to expect anything." if wide else f", {inside} the expected {ends}."
    if count := sum(map(bool, broken)):
        last = max(at for at, what in enumerate(broken) if what)
        said += f" {units.counted(count, 'break')}, the last {len(broken) - last} results back: "
        said += f"{', '.join(broken[last])}."
    if ahead is not None and not units.too_wide(ahead.low_s, ahead.high_s):
        said += f" The next is expected between {units.seconds(ahead.low_s)} and {units.seconds(ahead.high_s)}."
    return said


def _time(stamp: str) -> datetime:
    """A stamp as a time; what is no stamp is drawn at the year 1970."""
    return stamp_time(stamp) or datetime(1970, 1, 1, tzinfo=UTC)
