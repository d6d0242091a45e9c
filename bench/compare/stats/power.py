"""What could these runs have shown, and how many would be needed (pure)?

Normal theory on logarithms with the efficiency of ranks, checked against simulation in ``benchmarks/statistics``.
"""

from __future__ import annotations

import math
from functools import lru_cache

from bench.compare.stats import drift, rank_interval
from bench.compare.stats.quantiles import chi_squared_exceeded, student_quantile

FEWEST = 5
"""Runs that each side must have before anything is called. Fewer cannot show how much they scatter: two noisy runs lie
on one side of a quiet history by luck every second time."""
POWER = 0.95
ASSURANCE = 0.90
"""The plan takes the upper bound of the standard deviation at this level, since few runs know it badly (Browne 1995,
Stat. Med. 14:1933)."""
MOST_RUNS = 100
"""More runs than that nobody makes: the host is called noisy instead."""
_RANK_EFFICIENCY = 3 / math.pi
"""Asymptotic efficiency of ranks against means for normal noise (Hodges & Lehmann 1956, Ann. Math. Stat. 27:324)."""


def possible(n: int, m: int, alpha: float) -> bool:
    """Return whether these runs can show any change at all.

    Args:
        n: runs of the reference.
        m: runs of the result.
        alpha: the chance of missing of the interval.
    """
    return min(n, m) >= FEWEST and rank_interval.possible(n, m, alpha)


def upper_deviation(deviation: float, freedom: int) -> float:
    """Return the standard deviation that the true one does not exceed with probability ``ASSURANCE``."""
    return deviation * math.sqrt(freedom / chi_squared_exceeded(freedom, ASSURANCE))


def smallest_detectable(
    deviation: float, n: int, m: int, alpha: float, least: float, inflation: float = 1.0
) -> float | None:
    """Return the smallest change, as a logarithm, that ``n`` and ``m`` runs show with probability ``POWER``.

    Args:
        deviation: standard deviation of a run, in logarithms.
        n: runs of the reference.
        m: runs of the result.
        alpha: the chance of missing of the interval.
        least: the least effect, in logarithms.
        inflation: of the difference's variance by taking out a drift (:func:`bench.compare.stats.drift.inflation`).

    Returns:
        ``None`` if so few runs can show nothing at all.
    """
    if not possible(n, m, alpha):
        return None
    seen, shown = _quantiles(n + m - 2, alpha)
    plain = deviation * math.sqrt(1 / n + 1 / m)
    error = plain / math.sqrt(_RANK_EFFICIENCY)
    needed = max((seen + shown) * error, least + shown * error)
    if inflation <= 1:
        return needed
    return max(needed, sum(_quantiles(n + m - 3, drift.STILL)) * plain * math.sqrt(inflation))


def with_reach(reach: float, deviation: float, n: int, m: int) -> float:
    """Return the change, as a logarithm, of which such an interval leaves 0 out with probability ``POWER``.

    Both the estimate and the half width vary from one set of runs to the next, the second by about 1 / sqrt(2 freedom).

    Args:
        reach: half the interval's width, a logarithm.
        deviation: standard deviation of a run, in logarithms.
        n: runs of the reference.
        m: runs of the result.
    """
    freedom = max(n + m - 2, 1)
    error = deviation * math.sqrt((1 / n + 1 / m) / _RANK_EFFICIENCY)
    return reach + _quantiles(freedom, 0.01)[1] * math.hypot(error, reach / math.sqrt(2 * freedom))


def runs_needed(
    deviation: float | None, freedom: int, alpha: float, least: float, effect: float, inflation: float = 1.0
) -> int | None:
    """Return the runs on each side that show a change with probability ``POWER``; ``None``: more than ``MOST_RUNS``.

    Args:
        deviation: standard deviation of a run, in logarithms, as estimated. Without one (no side has two runs) it is
            the number below which no change can be shown.
        freedom: degrees of freedom of that estimate.
        alpha: as in :func:`smallest_detectable`, and so ``least`` and ``inflation``.
        least: the least effect, in logarithms.
        effect: the change, in logarithms.
        inflation: of the difference's variance by taking out a drift.
    """
    if deviation is None:
        return next(runs for runs in range(FEWEST, MOST_RUNS) if possible(runs, runs, alpha))
    bound = upper_deviation(deviation, freedom)
    for runs in range(FEWEST, MOST_RUNS + 1):
        smallest = smallest_detectable(bound, runs, runs, alpha, least, inflation)
        if smallest is not None and smallest <= effect:
            return runs
    return None


@lru_cache(maxsize=4096)
def _quantiles(freedom: int, alpha: float) -> tuple[float, float]:
    return student_quantile(freedom, 1 - alpha / 2), student_quantile(freedom, POWER)
