"""The only door to the arithmetic: what ``bench.compare`` works out, as a report shows it (pure)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.explain.breakdown import NAMES, Budget, budget, explainable
from bench.compare.explain.findings import Finding, findings
from bench.compare.likeness.differences import differences
from bench.compare.likeness.what_ran import tells, unlike_tests
from bench.compare.stats.prediction import predict
from bench.errors import BenchError
from bench.report.entry import Entry

WINDOW = 30
"""Results before one that its band is made from: the newest, since machines and code drift over a year."""
DRAWN = 90
"""Results of a host that get a band, from the newest backwards."""


@dataclass(frozen=True, slots=True)
class Band:
    """Where a result's median wall time was expected, in seconds."""

    low_s: float
    high_s: float


def bands(entries: Sequence[Entry]) -> list[Band | None]:
    """Return for each result the interval that the medians of those before it predict; ``None`` if they are too few.

    Only like predicts like: what lies before another build, another state of the host or other variables is left out.

    Args:
        entries: results of one group on one host, oldest first, each with a passed run.
    """
    medians, starts = [entry.wall_s for entry in entries], _starts(entries)
    first = max(len(medians) - DRAWN, 0)
    return [_band(medians[max(at - WINDOW, starts[at]) : at]) if at >= first else None for at in range(len(medians))]


def next_band(entries: Sequence[Entry]) -> Band | None:
    """Return where the median of one more result like the last is expected."""
    start = _starts(entries)[-1] if entries else 0
    return _band([entry.wall_s for entry in entries[max(len(entries) - WINDOW, start) :]])


def breaks(entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    """Return for each result what is no longer as it was at the one before, if that forbids to compare their times.

    Args:
        entries: as in :func:`bands`.
    """
    found: list[tuple[str, ...]] = [()] * min(len(entries), 1)
    told = entries[0].record if entries else None
    for before, entry in itertools.pairwise(entries):
        forced = tuple(one.name for one in differences(before.record, entry.record) if one.forces is not None)
        if not forced and told is not None and told is not before.record:
            # One that tells nothing of its tests is like any: it may not join two that are not alike.
            forced = tuple(name for name, *_ in unlike_tests(told, entry.record))
        if forced or tells(entry.record):
            told = entry.record
        found.append(forced)
    return found


def _starts(entries: Sequence[Entry]) -> list[int]:
    """For each result the first of the unbroken line that it stands in."""
    starts: list[int] = []
    for at, broken in enumerate(breaks(entries)):
        starts.append(at if broken or not starts else starts[-1])
    return starts


def _band(before: Sequence[float | None]) -> Band | None:
    found = predict([wall for wall in before if wall is not None])
    return Band(found.interval.low, found.interval.high) if found is not None else None


def time_spent(entry: Entry) -> Budget | None:
    """Return where the wall time of a result went; ``None`` if no run passed or nothing was counted."""
    try:
        spent = budget(explainable(entry.record))
    except BenchError:
        # A report shows damaged results too; `verify` is what names the damage.
        return None
    return spent if spent is not None and len(spent.unknown) < len(NAMES) - 1 else None


def stands_out(entry: Entry) -> tuple[Finding, ...]:
    """Return what is worth knowing of a result; empty if nothing was measured."""
    spent = time_spent(entry)
    return findings(explainable(entry.record), spent) if spent is not None else ()
