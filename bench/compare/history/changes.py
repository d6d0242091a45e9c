"""Where the level of a series of results changed, between which commits, by how much and how surely (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from bench.compare.history.series import Member, alike_over_time
from bench.compare.likeness.configuration import setup_of
from bench.compare.measures import WALL, measures
from bench.compare.stats.keeping import kept
from bench.compare.stats.values import FEWEST, Found, Step
from bench.record.schema import Better, Record


class Point(msgspec.Struct, frozen=True):
    """A result beside a change, with the commit of what it measured, if that is known."""

    id: str
    stamp: str
    commit: str | None = None
    dirty: bool | None = None


class Level(msgspec.Struct, frozen=True):
    """Results between two changes. ``centre`` is their geometric mean, far ones drawn in, in the figure's unit."""

    first: Point
    last: Point
    results: int
    centre: float


class Change(msgspec.Struct, frozen=True):
    """A change of level: what changed it came after ``before`` and not after ``after``.

    ``ratio`` is after / before with its 99 % interval. ``p_value`` is the chance that a series without any change has
    a border as sharp as this: all changes of a series together are false with a chance of 1 % at most. ``worse`` is
    ``None`` if nobody told which direction is better; ``newest`` if no other change came after it.
    """

    diagnostic: str
    setup: tuple[str, ...]
    host: str
    metric: str
    unit: str
    better: Better
    before: Point
    after: Point
    level_before: float
    level_after: float
    results_before: int
    results_after: int
    ratio: float
    ratio_low: float
    ratio_high: float
    p_value: float
    worse: bool | None
    newest: bool

    @property
    def same_commit(self) -> bool:
        """Whether the change is none of the code's: both sides measured one commit, without changes of its own."""
        one, two = self.before, self.after
        return one.commit is not None and one.commit == two.commit and not (one.dirty or two.dirty)


class Series(msgspec.Struct, frozen=True):
    """Results of one diagnostic on one host that may be compared, with their levels and the changes between them.

    ``enough`` says whether there are so many that a change can be seen; ``current`` if it has the newest result of its
    diagnostic, setup and host.
    """

    diagnostic: str
    setup: tuple[str, ...]
    host: str
    metric: str
    unit: str
    better: Better
    results: int
    enough: bool
    current: bool
    levels: tuple[Level, ...]
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """The diagnostic, and how it ran if not as usual."""
        return f"{self.diagnostic} ({', '.join(self.setup)})" if self.setup else self.diagnostic

    @property
    def newest(self) -> Point:
        """The newest result."""
        return self.levels[-1].last


def changes_of(records: Sequence[Record], metric: str = WALL) -> tuple[Change, ...]:
    """Return every change of level of any number of results, the worst first.

    Args:
        records: results of any diagnostics and hosts, in any order.
        metric: the figure that is looked at (:func:`bench.compare.measures.measures`).

    Raises:
        ArithmeticFailed: the arithmetic failed.
    """
    return worst_first([change for series in series_of(records, metric) for change in series.changes])


def worst_first(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return changes by what they cost: the largest for the worse first, the largest for the better last."""
    return tuple(sorted(changes, key=lambda one: (-_cost(one), one.diagnostic, one.setup, one.host, one.after.stamp)))


def series_of(records: Sequence[Record], metric: str = WALL) -> tuple[Series, ...]:
    """Return the series of any number of results, by diagnostic and host; the one with the newest result is the last.

    Args:
        records: results of any diagnostics and hosts, in any order.
        metric: the figure that is looked at.

    Raises:
        ArithmeticFailed: the arithmetic failed.
    """
    found = alike_over_time(records, metric)
    setups = [(setup_of(series[-1][0]), series[-1][0]) for series in found]
    newest = {(setup, record.diagnostic.name, record.host.id): record.id for setup, record in setups}
    current = set(newest.values())
    return tuple(
        _series(series, metric, setup, current=record.id in current)
        for series, (setup, record) in zip(found, setups, strict=True)
    )


def _series(members: Sequence[Member], metric: str, setup: tuple[str, ...], *, current: bool) -> Series:
    newest = members[-1][0]
    measure = measures(newest)[metric]
    found = _found([value for _, value in members])
    ends = [found.skipped, *(step.at for step in found.steps), len(members)]
    levels = tuple(
        Level(_point(members[start]), _point(members[end - 1]), end - start, centre)
        for (start, end), centre in zip(pairwise(ends), found.centres, strict=True)
    )
    plain = Series(
        newest.diagnostic.name,
        setup,
        newest.host.id,
        metric,
        measure.unit,
        measure.better,
        len(members),
        len(members) >= FEWEST,
        current,
        levels,
        (),
    )
    return msgspec.structs.replace(plain, changes=tuple(_changes(plain, found.steps)))


def _found(values: Sequence[float]) -> Found:
    """What the values show: of a series that was asked before, numpy need not be read for it."""

    def work() -> Found:
        from bench.compare.stats.changes import find

        return find(values)

    return kept("levels", Found, work, values)


def _changes(series: Series, steps: Sequence[Step]) -> list[Change]:
    made = []
    for step, (before, after) in zip(steps, pairwise(series.levels), strict=True):
        made.append(
            Change(
                series.diagnostic,
                series.setup,
                series.host,
                series.metric,
                series.unit,
                series.better,
                before.last,
                after.first,
                before.centre,
                after.centre,
                before.results,
                after.results,
                math.exp(step.estimate),
                math.exp(step.interval.low),
                math.exp(step.interval.high),
                step.p_value,
                None if series.better == "none" else (step.estimate > 0) == (series.better == "lower"),
                step is steps[-1],
            )
        )
    return made


def _point(member: Member) -> Point:
    record = member[0]
    source = record.diagnostic.source
    return Point(record.id, record.stamp, source.commit, source.dirty)


def _cost(change: Change) -> float:
    """How much worse, as a logarithm; below 0 if better, 0 if nobody told which direction that is."""
    if change.worse is None:
        return 0.0
    return abs(math.log(change.ratio)) * (1 if change.worse else -1)
