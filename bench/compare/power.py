"""What could these runs have shown, and how many would be needed (pure)?

Normal theory on logarithms with the efficiency of ranks, checked against simulation in ``benchmarks/statistics``.
"""

from __future__ import annotations

import math
from functools import lru_cache

from scipy import special

from bench.compare import ranks

POWER = 0.95
MOST_RUNS = 100
"""More runs than that nobody makes: the host is called noisy instead."""
_RANK_EFFICIENCY = 3 / math.pi
"""Asymptotic efficiency of ranks against means for normal noise (Hodges & Lehmann 1956, Ann. Math. Stat. 27:324)."""


def smallest_detectable(deviation: float, n: int, m: int, alpha: float, least: float) -> float | None:
    """The smallest change, as a logarithm, that ``n`` and ``m`` runs show with probability ``POWER``.

    Args:
        deviation: standard deviation of a run, in logarithms.
        n: runs of the reference.
        m: runs of what is judged.
        alpha: the chance of missing of the interval.
        least: the least effect, in logarithms.

    Returns:
        ``None`` where so few runs can show nothing at all.
    """
    if not ranks.possible(n, m, alpha):
        return None
    seen, shown = _quantiles(n + m - 2, alpha)
    error = deviation * math.sqrt((1 / n + 1 / m) / _RANK_EFFICIENCY)
    return max((seen + shown) * error, least + shown * error)


def with_reach(reach: float, deviation: float, n: int, m: int) -> float:
    """The change, as a logarithm, that an interval of that half width leaves 0 out of with probability ``POWER``.

    Both the estimate and the half width vary from one set of runs to the next, the second by about 1 / sqrt(2 freedom).
    """
    freedom = max(n + m - 2, 1)
    error = deviation * math.sqrt((1 / n + 1 / m) / _RANK_EFFICIENCY)
    return reach + _quantiles(freedom, 0.01)[1] * math.hypot(error, reach / math.sqrt(2 * freedom))


def runs_needed(deviation: float | None, alpha: float, least: float, effect: float) -> int | None:
    """Runs on each side that show a change of ``effect`` with probability ``POWER``; ``None``: more than ``MOST_RUNS``.

    Without a deviation (no side has two runs) it is the number below which no interval exists.
    """
    for runs in range(2, MOST_RUNS + 1):
        smallest = smallest_detectable(deviation or 0.0, runs, runs, alpha, least if deviation is not None else 0.0)
        if smallest is not None and smallest <= effect:
            return runs
    return None


@lru_cache(maxsize=4096)
def _quantiles(freedom: int, alpha: float) -> tuple[float, float]:
    return float(special.stdtrit(freedom, 1 - alpha / 2)), float(special.stdtrit(freedom, POWER))
