"""Which results over time are one series: those that may be compared, in the order of their stamps (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import msgspec

from bench.compare.likeness.differences import differences
from bench.compare.likeness.what_ran import tells
from bench.compare.measures import LABELS, WALL, measures
from bench.compare.reference import barred
from bench.compare.sample import stood_still
from bench.record.schema import Record

Member = tuple[Record, float]
"""A result and its value."""


def alike_over_time(records: Sequence[Record], metric: str = WALL) -> tuple[tuple[Member, ...], ...]:
    """Return the results of each host sorted into series, oldest first, by what ``bench compare`` would pool.

    Each result joins the series to whose newest member it is like (build, limits, setup, state of the host, tests, the
    figure's unit); of several that with the newest. So two builds that take turns are two series. What has no value,
    ran under the profiler or is a side of an experiment is in none. One that tells nothing of its tests is like any,
    but may not join two that are not alike.

    Args:
        records: results of any diagnostics and hosts, in any order.
        metric: the figure whose medians are the values.
    """
    by_host: dict[tuple[str, str], list[Member]] = {}
    for record in sorted(records, key=lambda one: (one.stamp, one.id)):
        value = value_of(record, metric)
        if value is not None and barred(record, record.diagnostic.name) in (None, "no_time"):
            by_host.setdefault((record.diagnostic.name, record.host.id), []).append((record, value))
    return tuple(series for key in sorted(by_host) for series in _sorted(by_host[key], metric))


def _sorted(members: Sequence[Member], metric: str) -> list[tuple[Member, ...]]:
    """The results of one diagnostic on one host by likeness."""
    units = {} if metric in LABELS else {record.id: measures(record)[metric].unit for record, _ in members}
    found: list[list[Member]] = []  # the one that was added to last is the first
    told: dict[int, Record] = {}
    for record, value in members:
        near = (at for at, one in enumerate(found) if units.get(record.id) == units.get(one[-1][0].id))
        at = next((at for at in near if _joins(record, found[at][-1][0], told.get(id(found[at])))), None)
        mine = [] if at is None else found.pop(at)
        found.insert(0, mine)
        mine.append((record, value))
        if tells(record):
            told[id(mine)] = record
    return [tuple(series) for series in reversed(found)]


def value_of(record: Record, metric: str = WALL) -> float | None:
    """Return the median of a figure over a result's passed runs.

    ``None`` if a run has none, or one that no ratio can be made of: a wall time that is none, a count of 0.
    """
    runs = tuple(run for run in record.measured_runs if run.outcome == "passed" and not stood_still(run))
    if metric == WALL:
        values = [run.wall_s for run in runs]
    else:
        measure = measures(msgspec.structs.replace(record, runs=runs)).get(metric)
        values = list(measure.values) if measure is not None else []
    known = [value for value in values if value is not None and math.isfinite(value) and value > 0]
    return median(known) if known and len(known) == len(values) else None


def _joins(record: Record, last: Record, told: Record | None) -> bool:
    """Whether a result is like the last of a series, and like the last of those that tell of their tests."""
    beside = [last] if told is None or told is last else [last, told]
    return all(difference.forces is None for one in beside for difference in differences(one, record))
