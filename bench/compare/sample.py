"""A result, or several pooled, read once: the numbers that a comparison asks for (pure)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from bench.errors import DamagedData, NotComparable
from bench.record.schema import Outcome, Record, Run
from bench.times import parse_moment

DISTURBANCES = frozenset(
    {"cpu_steal", "host_loaded", "frequency_changed", "swapping", "thermal", "calibration_drifted"}
)
"""Warnings that the host may have changed a wall time. Throttling is not one: it is the run's own limit."""
FAILURES: tuple[Outcome, ...] = ("failed", "timed_out", "oom_killed")
"""How the test itself ends without passing. Being interrupted, or not measured, is no failure."""
_NOT_PASSED: tuple[Outcome, ...] = (*FAILURES, "interrupted", "not_measured")

STOPPED = frozenset({"frozen", "suspended"})
"""Warnings that a run stood still for a while: its wall time is not that of its work, and nobody judges it."""


def stood_still(run: Run) -> bool:
    """Return whether a run was stopped from outside for a part of its wall time."""
    return any(warning.code in STOPPED for warning in run.warnings)


@dataclass(frozen=True, slots=True)
class Sample:
    """The runs of one record, or of several that are alike.

    Attributes:
        records: what was read, oldest first, at least one.
        runs: the runs that passed and have a wall time of their own, in the order in which they ran.
        walls: their wall times in seconds.
        spans: start and end of each of them in seconds since the epoch; empty if one is not known.
        disturbed: the share of them that carry a warning about the host, 0 to 1.
        total: how many runs there are, whatever their outcome.
        not_passed: how many runs ended otherwise than passed, by outcome, failures first.
        stopped: how many runs passed but stood still for a while (:func:`stood_still`); they are not in ``runs``.
        times_s: the wall times that a ceiling is held against; a run stopped at its timeout took that long at least,
            and one that stood still took nobody knows how long.
    """

    records: tuple[Record, ...]
    runs: tuple[Run, ...]
    walls: tuple[float, ...]
    spans: tuple[tuple[float, float], ...]
    disturbed: float
    total: int
    not_passed: dict[str, int]
    stopped: int
    times_s: tuple[float, ...]

    @property
    def newest(self) -> Record:
        """The record that names the sample: the only one, or the newest of several."""
        return self.records[-1]

    @property
    def failures(self) -> int:
        """How many runs failed of their own (:func:`failed`)."""
        return failed(self.not_passed)

    @property
    def failed_share(self) -> Fraction:
        """The share of failures among the runs that came to an end of their own, 0 to 1."""
        passed = self.total - sum(self.not_passed.values())
        return Fraction(self.failures, self.failures + passed) if self.failures else Fraction(0)

    @property
    def cpu_s(self) -> tuple[float, ...]:
        """CPU seconds of each run in ``runs``; empty if one is not known."""
        known = tuple(run.cpu.total_s for run in self.runs if run.cpu.total_s is not None)
        return known if len(known) == len(self.runs) else ()


Result = Record | Sequence[Record] | Sample
"""What is compared: one record, several of a kind whose runs are pooled, or either as it was read."""


def sample_of(result: Result) -> Sample:
    """Return what was read of a result: of several records the runs of all. A sample is returned as it is.

    The caller has seen to it that the records are alike (:func:`bench.compare.likeness.differences.differences`).

    Raises:
        NotComparable: no record, or records of different diagnostics.
        DamagedData: a wall time that is not a positive, finite number.
    """
    if isinstance(result, Sample):
        return result
    records = (result,) if isinstance(result, Record) else tuple(sorted(result, key=lambda record: record.stamp))
    if not records:
        raise NotComparable("there is no result to compare", fix="name a bundle or a folder that holds bundles")
    names = sorted({record.diagnostic.name for record in records})
    if len(names) > 1:
        raise NotComparable(f"results of different diagnostics cannot be pooled: {', '.join(names)}")
    every = [run for record in records for run in record.measured_runs]
    passed = [(run, wall) for record in records for run, wall in sorted(_passed(record), key=lambda one: one[0].index)]
    passed.sort(key=lambda one: one[0].started_at or "")
    runs, walls = tuple(run for run, _ in passed), tuple(wall for _, wall in passed)
    counts = Counter(run.outcome for run in every)
    disturbed = sum(any(warning.code in DISTURBANCES for warning in run.warnings) for run in runs)
    return Sample(
        records=records,
        runs=runs,
        walls=walls,
        spans=_spans(runs, walls),
        disturbed=disturbed / len(runs) if runs else 0.0,
        total=len(every),
        not_passed={outcome: counts[outcome] for outcome in _NOT_PASSED if counts[outcome]},
        stopped=sum(run.outcome == "passed" and stood_still(run) for run in every),
        times_s=tuple(
            run.wall_s
            for run in every
            if run.outcome in ("passed", "timed_out") and run.wall_s is not None and not stood_still(run)
        ),
    )


def failed(ended: Mapping[str, int]) -> int:
    """Return how many of the runs that are counted by outcome are failures of the test itself."""
    return sum(ended.get(outcome, 0) for outcome in FAILURES)


def has_time(record: Record) -> bool:
    """Return whether a run of the record passed and has a wall time of its own, damaged or not."""
    return any(
        run.outcome == "passed" and run.wall_s is not None and not stood_still(run) for run in record.measured_runs
    )


def _passed(record: Record) -> Iterator[tuple[Run, float]]:
    for position, run in enumerate(record.runs):
        if run.outcome != "passed" or run.wall_s is None or stood_still(run) or run.warmup is True:
            continue
        if not (math.isfinite(run.wall_s) and run.wall_s > 0):
            raise DamagedData(
                f"runs[{position}].wall_s of {record.id} is {run.wall_s!r}",
                "a wall time is a positive number of seconds",
                "run 'bench verify' on the bundle",
            )
        yield run, run.wall_s


def _spans(runs: Sequence[Run], walls: Sequence[float]) -> tuple[tuple[float, float], ...]:
    spans = []
    for run, wall in zip(runs, walls, strict=True):
        moment = parse_moment(run.started_at)
        if moment is None:
            return ()
        start = moment.timestamp()
        spans.append((start, start + wall))
    return tuple(spans)


def took_turns(places: tuple[Sequence[float], Sequence[float]] | None) -> bool:
    """Return whether two sets of runs alternated, so that both met whatever befell the host (:func:`common_places`)."""
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


def common_places(a: Sample, b: Sample) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return each run's place in the common order of both sides, if all were one stretch of time on one host.

    ``None`` if a start is not known, if two runs overlap, as those of two machines at once do, or if the host came to
    rest somewhere between the runs.
    """
    sides = (a.spans, b.spans)
    if not sides[0] or not sides[1]:
        return None
    order = sorted((*span, which, index) for which, side in enumerate(sides) for index, span in enumerate(side))
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
    first, second = (tuple(place[which, index] for index in range(len(side))) for which, side in enumerate(sides))
    return first, second


def _resolution(*moments: float) -> float:
    """Return how coarsely the moments were read, in seconds: some evidence keeps whole ones."""
    return 1.0 if all(moment.is_integer() for moment in moments) else 0.0
