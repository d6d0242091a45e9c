"""The rule: two samples of wall times in, slower, faster, no difference, or not enough to say (pure).

The interval is the hull of two: the percentile-t bootstrap and the exact rank interval. The second makes the
false-alarm rate at most ``ALPHA`` for every kind of noise in which runs are exchangeable, which is proven, not tuned;
the first keeps the interval as wide as the size of the noise asks for. A change is called only where the hull leaves
0 out *and* the estimate reaches the least effect, and not where the runs drift and that drift explains the
difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.compare import bootstrap, drift, power, ranks
from bench.compare.sample import Floats, logs

CONFIDENCE = 0.99
"""Of the interval that is shown and decided by."""
ALPHA = 0.008
"""Of both intervals: below 1 - ``CONFIDENCE`` with a reserve, and 5 against 5 runs can still meet it (2 / 252)."""
LEAST_EFFECT = 0.01
"""A change smaller than that is not called, however sure."""
EFFECT = 0.05
"""The change that a comparison has to be able to see before it says "same"."""

Outcome = Literal["slower", "faster", "none", "insufficient", "noisy"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What two samples say. Logarithms of the ratio second / first; see :class:`bench.compare.verdict.Comparison`.

    ``low`` and ``high`` are ``None`` where the samples are too small for any interval.
    """

    outcome: Outcome
    estimate: float
    low: float | None
    high: float | None
    deviation: float | None
    least: float
    smallest_detectable: float | None
    runs_needed: int | None
    drift: drift.Drift | None = None


def least_effect(aa_noise: float | None) -> float:
    """max(1 %, the host's A/A noise), as a ratio minus 1."""
    return max(LEAST_EFFECT, aa_noise or 0.0)


def decide(
    first: Sequence[float],
    second: Sequence[float],
    least: float = LEAST_EFFECT,
    effect: float = EFFECT,
    places: drift.Places | None = None,
) -> Decision:
    """Compare two samples of positive numbers, one a run.

    Args:
        first: the reference, at least one value, in the order in which they were measured.
        second: what is judged, likewise.
        least: changes below that ratio are not called (0.01 is 1 %).
        effect: the change that must be visible before "none" is said.
        places: each run's place in one common order, where both samples were measured in one stretch of time.

    Raises:
        DamagedData: a value is not positive and finite.
        ArithmeticFailed: the arithmetic failed.
    """
    if not first or not second:
        raise bootstrap.ArithmeticFailed("a comparison needs at least one run on each side")
    raw_x, raw_y = logs(first), logs(second)
    x, y = bootstrap.bounded(raw_x, raw_y)
    smallest_call, wanted = math.log1p(least), math.log1p(effect)
    estimate = float(y.mean() - x.mean())
    deviation = bootstrap.pooled_deviation(x, y)
    hull = _hull(x, y, ranks.interval(raw_x, raw_y, ALPHA))
    low, high = hull if hull is not None else (None, None)
    detectable = _detectable(deviation, (x.size, y.size), hull, estimate, smallest_call)
    needed = power.runs_needed(deviation, ALPHA, smallest_call, wanted)
    if needed is not None and detectable is not None and detectable > wanted:
        # Noise that is not normal widens the interval beyond the plan: scale by what was seen.
        needed = max(needed, math.ceil(min(x.size, y.size) * (detectable / wanted) ** 2))
    outcome = _outcome(estimate, low, high, smallest_call, wanted)
    if outcome == "insufficient":
        if hull is not None and needed is not None:
            needed = max(needed, min(x.size, y.size) + 1)
        if needed is None or needed > power.MOST_RUNS:
            outcome, needed = "noisy", None
    trend = drift.find(first, second, places) if outcome in ("slower", "faster") else None
    if trend is not None and trend.explains:
        outcome = "noisy"
    return Decision(outcome, estimate, low, high, deviation, smallest_call, detectable, needed, trend)


def alarm(
    first: Sequence[float],
    second: Sequence[float],
    least: float = LEAST_EFFECT,
    places: drift.Places | None = None,
) -> bool:
    """Whether :func:`decide` says slower or faster; asks the cheap questions first, for simulations."""
    raw_x, raw_y = logs(first), logs(second)
    x, y = bootstrap.bounded(raw_x, raw_y)
    if abs(float(y.mean() - x.mean())) < math.log1p(least):
        return False
    exact = ranks.interval(raw_x, raw_y, ALPHA)
    if exact is None or exact[0] <= 0 <= exact[1]:
        return False
    trend = drift.find(first, second, places)
    if trend is not None and trend.explains:
        return False
    hull = _hull(x, y, exact)
    return hull is not None and not hull[0] <= 0 <= hull[1]


def _detectable(
    deviation: float | None,
    sizes: tuple[int, int],
    hull: tuple[float, float] | None,
    estimate: float,
    least: float,
) -> float | None:
    """The larger of what the plan promises and what the interval's width allows, as a logarithm."""
    if deviation is None or hull is None:
        return None
    planned = power.smallest_detectable(deviation, *sizes, ALPHA, least)
    reach = max(hull[1] - estimate, estimate - hull[0])
    return None if planned is None else max(planned, power.with_reach(reach, deviation, *sizes))


def _hull(x: Floats, y: Floats, exact: tuple[float, float] | None) -> tuple[float, float] | None:
    if exact is None:
        return None
    studentised = bootstrap.percentile_t(x, y, ALPHA) or exact
    return min(exact[0], studentised[0]), max(exact[1], studentised[1])


def _outcome(estimate: float, low: float | None, high: float | None, least: float, effect: float) -> Outcome:
    if low is None or high is None:
        return "insufficient"
    if not low <= 0 <= high and abs(estimate) >= least:
        return "slower" if estimate > 0 else "faster"
    if least > effect:
        return "noisy"
    return "none" if -effect <= low and high <= effect else "insufficient"
