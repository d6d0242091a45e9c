"""``bench history``: every result of a diagnostic over time, a table per host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.text import Text

from bench import units
from bench.compare.history.changes import Series, worst_first
from bench.record.schema import Experiment
from bench.report.changes import range_text, size_text, too_few_text, word_of
from bench.report.entry import Entry
from bench.report.presentation import time_text
from bench.report.terminal.cells import bullets, day, sparkline, state, table, text
from bench.report.terminal.narrow import Whole
from bench.report.trend import WINDOW, Band, bands

SPARK = 40
"""Results that the line of small bars shows."""
SHOWN = 30
"""Results that a table shows."""
NEEDED = SHOWN + max(WINDOW, SPARK)
"""Results of a host and group that a history is made of: each that is shown has those before it that predict it."""
NONE: Mapping[tuple[str, str], int] = MappingProxyType({})


def history_view(
    entries: Sequence[Entry], older: Mapping[tuple[str, str], int] = NONE, *, most: int = SHOWN
) -> RenderableType:
    """Return a table of experiments per host, and one per host and group, oldest first, with the band in which each
    result was expected.

    Args:
        entries: results of one diagnostic, any order; of each group the newest ``NEEDED`` will do.
        older: how many more of a group there are (:attr:`bench.report.entry.Entry.key`).
        most: the newest results that each table shows; what is left out is said.
    """
    if not entries:
        return Text("no result here", style="dim")
    parts, entries = _experiments(entries, most)
    keys = sorted({entry.key for entry in entries})
    for key in keys:
        members = sorted((entry for entry in entries if entry.key == key), key=lambda entry: entry.record.stamp)
        parts += _host(key, members, most, older.get(key, 0))
    return Group(*parts)


def changes_view(series: Sequence[Series]) -> RenderableType:
    """Return the changes of level, the worst first, and what is not known of any.

    Args:
        series: of one diagnostic, any number of hosts.
    """
    found = worst_first([change for one in series for change in one.changes])
    parts: list[RenderableType] = []
    if found:
        made = table("since (UTC)", "host", "change", "levels", "commits", ">p")
        for change in found:
            word, style = word_of(change), {True: "bold red", False: "green", None: "yellow"}[change.worse]
            levels = " to ".join(
                units.figure(level, change.unit) for level in (change.level_before, change.level_after)
            )
            made.add_row(
                day(change.after.stamp),
                text(", ".join((change.host, *change.setup))),
                Whole.assemble((word, style), f", {size_text(change)}"),
                text(levels),
                text(range_text(change)),
                f"{change.p_value:.3f}",
            )
        parts.append(made)
    steady = [one for one in series if one.enough and not one.changes]
    if steady:
        held = units.counted(sum(one.results for one in steady), "result")
        parts.append(Text(f"no change of level in {len(steady)} series of {held}", style="dim"))
    short = [text(too_few_text(one)) for one in series if one.current and not one.enough]
    return Group(*parts, *([bullets(short)] if short else []), Text())


def _experiments(entries: Sequence[Entry], most: int) -> tuple[list[RenderableType], list[Entry]]:
    """A table per host of the newest experiments, a row for both sides, and the entries that are in none."""
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.stamp):
        if isinstance(entry.record.experiment, Experiment):
            found.setdefault(entry.record.experiment.id, []).append(entry)
    if not found:
        return [], list(entries)
    from bench.report.experiments import with_experiments  # it brings the statistics

    told = list(found.values())
    sides = with_experiments([entry for members in told[-most:] for entry in members])
    by_host: dict[str, list[Entry]] = {}
    for entry in sides:
        if entry.base is not None:
            by_host.setdefault(entry.record.host.id, []).append(entry)
    parts = [part for host in sorted(by_host) for part in _table_of(host, by_host[host])]
    if len(told) > most:
        parts += [Text(f"{len(told) - most} older experiments are not shown", style="dim"), Text()]
    plain = [entry for entry in entries if not isinstance(entry.record.experiment, Experiment)]
    return parts, [*plain, *(entry for entry in sides if entry.base is None)]


def _table_of(host: str, experiments: Sequence[Entry]) -> list[RenderableType]:
    name = experiments[-1].record.diagnostic.name
    made = table("=head", "base → head, change", "verdict")
    for entry in experiments:
        shown = Whole.assemble(text(" → ".join(entry.sides)), "\n", text(entry.decision), f"\n{time_text(entry)}")
        made.add_row(text(entry.record.stamp), shown, state(entry.state))
    return [Whole.assemble(text(name, "bold"), ": experiments on ", text(host, "bold")), made, Text()]


def _host(key: tuple[str, str], members: Sequence[Entry], most: int, older: int) -> list[RenderableType]:
    group, host = key
    measured = [entry for entry in members if entry.wall_s is not None]
    walls = [entry.wall_s for entry in measured if entry.wall_s is not None]
    expected = dict(zip((id(entry) for entry in measured), bands(measured), strict=True))
    ceiling = members[-1].record.diagnostic.ceiling_s
    head = Whole.assemble(
        text(group, "bold"), " on ", text(host, "bold"), f", ceiling {units.seconds(ceiling)}" if ceiling else ""
    )
    parts: list[RenderableType] = [head]
    if len(walls) > 1:
        parts.append(Whole.assemble((sparkline(walls[-SPARK:]), "cyan"), _range(walls[-SPARK:])))
    made = table("=result", ">runs", ">median", ">expected", "verdict")
    for entry in members[-most:]:
        made.add_row(
            text(entry.record.stamp),
            str(len(entry.record.measured_runs)),
            _wall(entry),
            _band(expected.get(id(entry)), entry.wall_s),
            state(entry.state),
        )
    parts.append(made)
    parts += [text(entry.undecided, "dim") for entry in members[-most:] if entry.undecided]
    older += max(len(members) - most, 0)
    if older:
        parts.append(Text(f"{older} older results are not shown", style="dim"))
    return [*parts, Text()]


def _wall(entry: Entry) -> Text:
    """The median wall time; if older evidence has none, pytest's own time, called that."""
    run = entry.typical
    if entry.wall_s is None and run is not None and run.outcome == "passed" and run.pytest_s is not None:
        return Text(f"{units.seconds(run.pytest_s)} in pytest", style="dim")
    return Text(units.seconds(entry.wall_s))


def _range(walls: Sequence[float]) -> Text:
    return Text(f"  from 0 up: {units.seconds(min(walls))} to {units.seconds(max(walls))}", style="dim")


def _band(band: Band | None, wall_s: float | None) -> Text:
    if band is None or wall_s is None:
        return Text(units.NOT_KNOWN, style="dim")
    inside = band.low_s <= wall_s <= band.high_s
    return Text(units.between(band.low_s, band.high_s, "–"), style="" if inside else "yellow")
