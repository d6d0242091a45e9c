"""Where the wall time went, host beside host: stacked bars of the terms that ``bench.compare`` worked out (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bench import units
from bench.compare.explain.breakdown import MEANING, NAMES, Budget
from bench.record.schema import Experiment
from bench.report.entry import Entry
from bench.report.html.model import Cell, Figure, Row, Table, anchor, columns
from bench.report.html.palette import TERMS
from bench.report.html.svg.frame import Line, lines_chart, lines_note
from bench.report.html.svg.marks import EMPTY, bar, fit_class, joined, percent, text
from bench.report.html.svg.scale import Scale, from_zero
from bench.report.status import spoken
from bench.report.trend import time_spent

_HEIGHT, _BAR = 34, 22
_TOP = (_HEIGHT - _BAR) / 2


def breakdown(group: str, newest: Sequence[Entry], hosts: Sequence[str], *, sides: bool = False) -> Figure | None:
    """Return a bar for the newest result of each host; ``None`` if nothing can be explained.

    Args:
        group: what they are results of.
        newest: one entry a host.
        hosts: the order of the bars.
        sides: whether they are both sides of an experiment.
    """
    spent = [(entry, found) for entry in newest if (found := time_spent(entry)) is not None]
    if not spent:
        return None
    used = [name for name in NAMES if any(found.seconds(name) > 0 for _, found in spent)]
    scale = from_zero([found.wall_s for _, found in spent])
    order = {host: at for at, host in enumerate(hosts)}
    lines = [
        Line((_name(entry, sides=sides),), _bars(found, used, scale), entry.record.host.id, state=entry.state.code)
        for entry, found in sorted(spent, key=lambda pair: order.get(pair[0].record.host.id, len(order)))
    ]
    return Figure(
        key=anchor("f-went", group),
        title="Where the wall time went",
        alt=_alt(spent, sides=sides),
        body=lines_chart(lines, _HEIGHT, scale, "wall time, s"),
        table=_table(spent, sides=sides),
        legend=tuple((spoken(name), TERMS[name]) for name in used),
        note=_note(len(lines), sides=sides),
    )


def _bars(found: Budget, used: Sequence[str], scale: Scale) -> Markup:
    """A bar a term, end to end, with its share if that fits."""
    made: list[Markup] = []
    at = 0.0
    for name in used:
        seconds = found.seconds(name)
        if seconds <= 0:
            continue
        start, end = scale.share(at), scale.share(at + seconds)
        at += seconds
        share = seconds / found.wall_s if found.wall_s else 0.0
        said = f"{spoken(name)}: {units.seconds(seconds)}, {units.percent(share)}. {MEANING[name]}"
        made.append(bar(start, end, said, y=_TOP, height=_BAR, class_=f"bar {TERMS[name]}"))
        made.append(_share(units.percent(share, 0), start, end))
    return joined(made)


def _share(said: str, start: float, end: float) -> Markup:
    fits = fit_class(said, end - start)
    if fits is None:
        return EMPTY
    return text(said, x=percent((start + end) / 2), y=_HEIGHT / 2 + 4, class_=f"inside {fits}")


def _table(spent: Sequence[tuple[Entry, Budget]], *, sides: bool) -> Table:
    heads = columns("side" if sides else "host", ">wall", ">efficiency", *(f">{spoken(name)}" for name in NAMES))
    rows = []
    for entry, found in spent:
        cells = [Cell(_name(entry, sides=sides)), Cell(units.seconds(found.wall_s), found.wall_s)]
        cells.append(Cell(units.percent(found.efficiency, 0), found.efficiency))
        for name in NAMES:
            unknown = name in found.unknown
            seconds = found.seconds(name)
            cells.append(Cell(units.NOT_KNOWN if unknown else units.seconds(seconds), None if unknown else seconds))
        rows.append(Row(tuple(cells), entry.record.host.id, state=entry.state.code))
    note = "Efficiency is CPU time over wall time times the CPUs given. – was not measured and is in another term."
    return Table("Where the wall time went", heads, tuple(rows), note)


def _note(lines: int, *, sides: bool) -> str:
    what = "Each side" if sides else "The newest measured result of each host"
    return (
        f"{what}, mean of its passed runs. Waiting overlaps and is bounded, not measured: the table's last column is "
        f"what no counter explains.{lines_note(lines)}"
    )


def _name(entry: Entry, *, sides: bool) -> str:
    told = entry.record.experiment
    return told.side if sides and isinstance(told, Experiment) else entry.record.host.id


def _alt(spent: Sequence[tuple[Entry, Budget]], *, sides: bool) -> str:
    said = []
    for entry, found in spent[:6]:
        largest = sorted(found.terms, key=lambda term: -term.seconds)[:2]
        parts = " and ".join(
            f"{spoken(term.name)} {units.percent(term.seconds / found.wall_s if found.wall_s else None, 0)}"
            for term in largest
        )
        said.append(f"{_name(entry, sides=sides)}: {parts} of {units.seconds(found.wall_s)}.")
    if len(spent) > len(said):
        said.append(f"{len(spent) - len(said)} more hosts are in the table.")
    return " ".join(said)
