"""A change of level in words, the same in the terminal, on the page and in a feed (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from bench import units
from bench.compare.history.changes import Change, Point, Series, series_of
from bench.compare.stats.values import FEWEST
from bench.errors import BenchError
from bench.record.schema import Record
from bench.report.presentation import stamp_text

_SHORT = 10
"""Digits of a commit that are shown."""


def shown_series(records: Sequence[Record]) -> tuple[Series, ...]:
    """Return the series of results for a report; none if there is no arithmetic for them, as of damaged ones."""
    try:
        return series_of(records)
    except BenchError:
        return ()  # a report shows damaged results too; `verify` is what names the damage


def size_text(change: Change) -> str:
    """Return how large a change is, with its interval: ``+5.1 % (+3.8 % to +6.4 %)``."""
    return units.with_interval(change.ratio - 1, change.ratio_low - 1, change.ratio_high - 1)


def word_of(change: Change) -> str:
    """Return ``worse`` or ``better``; ``more`` or ``less`` if nobody told which direction is better."""
    if change.worse is None:
        return "more" if change.ratio > 1 else "less"
    return "worse" if change.worse else "better"


def range_text(change: Change) -> str:
    """Return between which commits a change came, or by which results if a commit is not known."""
    if change.same_commit:
        return f"not the code: {_commit(change.before)} before and after"
    return f"{_commit(change.before)} to {_commit(change.after)}"


def sentence(change: Change) -> str:
    """Return all of a change in one sentence."""
    name = f"{change.diagnostic} ({', '.join(change.setup)})" if change.setup else change.diagnostic
    levels = " to ".join(units.figure(level, change.unit) for level in (change.level_before, change.level_after))
    when = stamp_text(change.after.stamp, "%Y-%m-%d %H:%M")
    return (
        f"{name} on {change.host}: {change.metric} {word_of(change)} since {when} UTC, {size_text(change)}, {levels}, "
        f"{range_text(change)}, p = {change.p_value:.3f}"
    )


def too_few_text(series: Series) -> str:
    """Return that a series is too short to show a change."""
    held = units.counted(series.results, "result")
    return f"{series.name} on {series.host}: {held} of like kind; {FEWEST} are the fewest that can show a change"


def _commit(point: Point) -> str:
    if point.commit is None:
        return f"result {point.stamp}"
    return point.commit[:_SHORT] + (" with changes" if point.dirty else "")
