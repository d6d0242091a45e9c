"""Which numbers of a record may be compared: the wall times of the runs that passed (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from bench.errors import DamagedData, NotComparable
from bench.record.schema import Record, Run

DISTURBANCES = frozenset(
    {"cpu_steal", "host_loaded", "frequency_changed", "swapping", "thermal", "calibration_drifted"}
)
"""Warnings that say the host may have changed a wall time. Throttling is not one: it is the run's own limit."""

STOPPED = frozenset({"frozen", "suspended"})
"""Warnings that say that a run stood still for a while: its wall time is not that of its work, and nobody judges it."""


def stood_still(run: Run) -> bool:
    """Whether a run was stopped from outside for a part of its wall time."""
    return any(warning.code in STOPPED for warning in run.warnings)


def passed_runs(record: Record) -> tuple[Run, ...]:
    """The runs that passed and whose wall time is known and its own, in order of their index.

    Raises:
        DamagedData: a wall time that is not a positive, finite number.
    """
    kept = []
    for position, run in enumerate(record.runs):
        if run.outcome != "passed" or run.wall_s is None or stood_still(run):
            continue
        if not (math.isfinite(run.wall_s) and run.wall_s > 0):
            raise DamagedData(
                f"runs[{position}].wall_s of {record.id} is {run.wall_s!r}",
                "a wall time is a positive number of seconds",
                "run 'bench verify' on the bundle",
            )
        kept.append(run)
    return tuple(sorted(kept, key=lambda run: (run.started_at or "", run.index)))


def walls(record: Record) -> tuple[float, ...]:
    """Wall times in seconds of the runs that passed, in the order in which they ran."""
    return tuple(run.wall_s for run in passed_runs(record) if run.wall_s is not None)


def disturbed_share(record: Record) -> float:
    """The share of the passed runs that carry a warning about the host, 0 to 1."""
    runs = passed_runs(record)
    disturbed = sum(any(warning.code in DISTURBANCES for warning in run.warnings) for run in runs)
    return disturbed / len(runs) if runs else 0.0


def pool(records: Sequence[Record]) -> Record:
    """Several results of the same diagnostic as one, the newest with the runs of all.

    The caller has seen to it that they are alike (:func:`bench.compare.differences.differences`).

    Raises:
        NotComparable: no record, or records of different diagnostics.
    """
    if not records:
        raise NotComparable("there is no result to compare", fix="name a bundle or a folder that holds bundles")
    names = sorted({record.diagnostic.name for record in records})
    if len(names) > 1:
        raise NotComparable(f"results of different diagnostics cannot be pooled: {', '.join(names)}")
    ordered = sorted(records, key=lambda record: record.stamp)
    if len(ordered) == 1:
        return ordered[0]
    runs = tuple(run for record in ordered for run in record.runs)
    numbered = tuple(msgspec.structs.replace(run, index=index) for index, run in enumerate(runs))
    return msgspec.structs.replace(ordered[-1], runs=numbered)


def took_turns(places: tuple[Sequence[float], Sequence[float]] | None) -> bool:
    """Whether two sets of runs alternated, so that whatever befell the host befell both (see :func:`common_places`)."""
    if places is None or min(map(len, places)) < 2:
        return False
    middles = [sum(side) / len(side) for side in places]
    return abs(middles[0] - middles[1]) <= 1


REST_S = 60.0
"""A pause longer than this, and than two of the runs, lets a host come to rest."""
MOST_REST_S = 300.0
"""Between two sessions that followed one another that much is enough, however long the runs: nothing ran meanwhile."""
_OVERLAP = 0.1
"""Share of the shorter run by which two runs may overlap: a clock can be set. More of it is two hosts at once."""


def common_places(a: Record, b: Record) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Each run's place in the common order of both, where all of them were one stretch of time on one host.

    ``None`` where a start is not known, where two runs overlap, as those of two machines at once do, or where the host
    came to rest somewhere between the runs.
    """
    spans = (_spans(a), _spans(b))
    if not spans[0] or not spans[1]:
        return None
    order = sorted((*span, which, index) for which, side in enumerate(spans) for index, span in enumerate(side))
    rest = max(REST_S, 2 * max(end - start for start, end, _, _ in order))
    changes = sum(one[2] != two[2] for one, two in pairwise(order))
    for (start, end, which, _), (following, until, then, _) in pairwise(order):
        if end - following > _OVERLAP * min(end - start, until - following) + _resolution(start, following):
            return None
        # Between runs in turns a third variant may have run; between one session and the next the host was idle.
        enough = min(rest, MOST_REST_S) if changes == 1 and which != then else rest
        if following - end > enough:
            return None
    place = {(which, index): float(position) for position, (_, _, which, index) in enumerate(order)}
    first, second = (tuple(place[which, index] for index in range(len(side))) for which, side in enumerate(spans))
    return first, second


def _resolution(*moments: float) -> float:
    """How coarsely the moments were read, in seconds: some evidence keeps whole ones."""
    return 1.0 if all(moment.is_integer() for moment in moments) else 0.0


def _spans(record: Record) -> list[tuple[float, float]]:
    """Start and end of each passed run, in seconds since the epoch; empty where one is not known."""
    spans = []
    for run in passed_runs(record):
        if run.started_at is None or run.wall_s is None:
            return []
        try:
            moment = datetime.fromisoformat(run.started_at)
        except ValueError:
            return []
        start = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        spans.append((start, start + run.wall_s))
    return spans
