"""The rule: two samples of wall times in, slower, faster, no difference, or not enough to say (pure).

The interval is the hull of two: that of the mean (a bootstrap, no narrower than Welch's) and the exact rank interval.
The second makes the false-alarm rate at most ``ALPHA`` for every kind of noise in which runs are exchangeable, which is
proven, not tuned; the first keeps the interval as wide as the size of the noise asks for, also if it differs between
the sides. A change is called only if each side has ``power.FEWEST`` runs, the hull leaves 0 out *and* the estimate
reaches the least effect, and not if a drift of the runs explains the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.compare.stats import bootstrap, drift, power, rank_interval
from bench.compare.stats.values import ArithmeticFailed, Floats, Interval, logs

CONFIDENCE = 0.99
"""Of the interval that is shown and decided by."""
ALPHA = 0.008
"""Of both intervals: below 1 - ``CONFIDENCE`` with a reserve, and 5 against 5 runs can still meet it (2 / 252)."""
_LARGEST = 700.0
"""A logarithm beyond that is no ratio that a float can hold."""
LEAST_EFFECT = 0.01
"""A change smaller than that is not called, however sure."""
EFFECT = 0.05
"""The change that a comparison has to be able to see before it reports "same"."""

_FAR = 1.5
"""By how much far values may raise the deviation that is planned with: about enough for skewed and two-level noise."""

Outcome = Literal["slower", "faster", "none", "insufficient", "noisy"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What two samples show. Logarithms of the ratio second / first; see :class:`bench.compare.comparison.Comparison`.

    ``interval`` is ``None`` if the samples are too small for any. ``runs_needed`` is the number on each side, ``None``
    if no more are needed or no practical number is enough.
    """

    outcome: Outcome
    estimate: float
    interval: Interval | None
    deviation: float | None
    least: float
    smallest_detectable: float | None
    runs_needed: int | None
    drift: drift.Drift | None = None


def least_effect(aa_noise: float | None) -> float:
    """Return max(1 %, the host's A/A noise), as a ratio minus 1."""
    return max(LEAST_EFFECT, aa_noise or 0.0)


def decide(
    first: Sequence[float],
    second: Sequence[float],
    least: float = LEAST_EFFECT,
    effect: float = EFFECT,
    places: drift.Places | None = None,
) -> Decision:
    """Return what two samples of positive numbers show, one number a run.

    Args:
        first: the reference, at least one value, in the order in which they were measured.
        second: the result, likewise.
        least: changes below that are not called, a ratio minus 1 (0.01 is 1 %).
        effect: the change that must be visible before "none" is reported, a ratio minus 1.
        places: each run's place in one common order, if both samples were measured in one stretch of time.

    Raises:
        DamagedData: a value is not positive and finite.
        ArithmeticFailed: the arithmetic failed, or a ratio is too large to be one.
    """
    if not first or not second:
        raise ArithmeticFailed("a comparison needs at least one run on each side")
    raw_x, raw_y = _sorted(first), _sorted(second)
    x, y = bootstrap.bounded(raw_x, raw_y)
    smallest_call, wanted = math.log1p(least), math.log1p(effect)
    estimate = float(y.mean() - x.mean())
    deviation = bootstrap.pooled_deviation(x, y)
    hull = _hull(x, y, rank_interval.interval(raw_x, raw_y, ALPHA))
    ends = (hull.low, hull.high) if hull is not None else ()
    if max(abs(value) for value in (estimate, *ends)) > _LARGEST:
        raise ArithmeticFailed("the ratio of the values is not finite", "they differ by too many orders")
    inflation = drift.inflation(places)
    detectable = _detectable(deviation, (x.size, y.size), hull, estimate, smallest_call, inflation)
    outcome = _outcome(estimate, hull, smallest_call, wanted, detectable)
    trend = drift.find(first, second, places) if outcome in ("slower", "faster") else None
    if trend is not None and trend.explains:
        outcome = "noisy" if trend.seen else "insufficient"
    needed = None
    if outcome == "insufficient":
        planned = _planned(deviation, raw_x, raw_y)
        needed = _needed(planned, (x.size, y.size), detectable, smallest_call, wanted, inflation)
        outcome = "noisy" if needed is None else outcome
    return Decision(
        outcome,
        estimate,
        hull,
        deviation,
        smallest_call,
        detectable,
        needed,
        trend,
    )


def alarm(
    first: Sequence[float],
    second: Sequence[float],
    least: float = LEAST_EFFECT,
    places: drift.Places | None = None,
) -> bool:
    """Return whether :func:`decide` reports slower or faster; asks the cheap questions first, for simulations.

    Args:
        first: the reference, at least one value, in the order in which they were measured.
        second: the result, likewise.
        least: changes below that are not called, a ratio minus 1.
        places: each run's place in one common order, if both samples were measured in one stretch of time.

    Raises:
        DamagedData: a value is not positive and finite.
        ArithmeticFailed: the arithmetic failed.
    """
    raw_x, raw_y = _sorted(first), _sorted(second)
    x, y = bootstrap.bounded(raw_x, raw_y)
    if not power.possible(x.size, y.size, ALPHA) or abs(float(y.mean() - x.mean())) < math.log1p(least):
        return False
    exact = rank_interval.interval(raw_x, raw_y, ALPHA)
    if exact is None or exact.holds(0):
        return False
    if abs(float(y.mean() - x.mean())) <= bootstrap.student_reach(x, y, ALPHA):
        return False
    trend = drift.find(first, second, places)
    if trend is not None and trend.explains:
        return False
    hull = _hull(x, y, exact)
    return hull is not None and not hull.holds(0)


def _sorted(values: Sequence[float]) -> Floats:
    """Logarithms in ascending order: which run came first may not decide, but through a drift."""
    return np.sort(logs(values))


def _detectable(
    deviation: float | None,
    sizes: tuple[int, int],
    hull: Interval | None,
    estimate: float,
    least: float,
    inflation: float,
) -> float | None:
    """The larger of what the plan promises and what the interval's width allows, as a logarithm."""
    if deviation is None or hull is None:
        return None
    planned = power.smallest_detectable(deviation, *sizes, ALPHA, least, inflation)
    if planned is None:
        return None
    reach = max(hull.high - estimate, estimate - hull.low)
    detectable = max(planned, power.with_reach(reach, deviation, *sizes))
    return detectable if detectable <= _LARGEST else None


def _planned(deviation: float | None, raw_x: Floats, raw_y: Floats) -> float | None:
    """The deviation to plan with: ranks see the far values that were drawn in, up to a point."""
    raw = bootstrap.pooled_deviation(raw_x, raw_y)
    return None if deviation is None or raw is None else min(raw, _FAR * deviation)


def _needed(
    deviation: float | None,
    sizes: tuple[int, int],
    detectable: float | None,
    least: float,
    wanted: float,
    inflation: float,
) -> int | None:
    """Runs on each side, by the plan and, if noise that is not normal widens the interval, by what was seen.

    More than there are: the runs that there are did not do.
    """
    needed = power.runs_needed(deviation, sum(sizes) - 2, ALPHA, least, wanted, inflation)
    if needed is None:
        return None
    if detectable is not None:
        even = 2 / (1 / sizes[0] + 1 / sizes[1])
        needed = max(needed, min(sizes) + 1, math.ceil(even * min(detectable / wanted, power.MOST_RUNS) ** 2))
    return needed if needed <= power.MOST_RUNS else None


def _hull(x: Floats, y: Floats, exact: Interval | None) -> Interval | None:
    if exact is None or min(x.size, y.size) < power.FEWEST:
        return None
    mean = bootstrap.interval(x, y, ALPHA)
    return None if mean is None else Interval(min(exact.low, mean.low), max(exact.high, mean.high))


def _outcome(estimate: float, hull: Interval | None, least: float, effect: float, detectable: float | None) -> Outcome:
    """Return what the interval shows. "None" also asks that a change of ``effect`` would have been called."""
    if hull is None:
        return "insufficient"
    if not hull.holds(0) and abs(estimate) >= least:
        return "slower" if estimate > 0 else "faster"
    if least > effect:
        return "noisy"
    seen = detectable is not None and detectable <= effect
    return "none" if seen and -effect <= hull.low and hull.high <= effect else "insufficient"
