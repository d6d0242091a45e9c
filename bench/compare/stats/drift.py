"""Do the runs drift, and would that drift explain the difference (pure)?

A machine that warms up makes each run slower than the one before. Runs are then not exchangeable: five runs and
thirty, or a session right after another, differ with nothing changed in the code. Taking a straight line out
(analysis of covariance) tells the two apart, at a price: a step and a line look alike when one session follows the
other. The price is paid only if that can have happened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.compare.stats.quantiles import student_below
from bench.compare.stats.values import EQUAL, Floats, logs

SUSPECT = 0.20
"""Two-sided level at which a slope counts as drift if both sessions began afresh."""
STILL = 0.014
"""Two-sided level at which the difference must stand with the drift taken out: 0.7 % in the direction that was seen."""
FEWEST = 6
"""Runs in both samples together that a slope needs."""

Places = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Drift:
    """A common slope of both samples, as a logarithm a run, and its two-sided p-value.

    ``explains``: with the slope taken out the difference does not stand; ``seen`` that the runs themselves
    drift the way that would explain it. Back to back the one is possible without the other: few runs cannot rule a
    drift out.
    """

    slope: float
    p_value: float
    explains: bool
    seen: bool = True


def find(first: Sequence[float], second: Sequence[float], places: Places | None = None) -> Drift | None:
    """Return the drift that may explain the difference of two samples; ``None`` if none can.

    Args:
        first: wall times of the reference, in the order in which they ran.
        second: likewise of the result.
        places: each run's place in one common order, if both sessions were one stretch of time, back to back or
            interleaved. ``None``: each session began afresh, and only samples of unequal size can differ by drift.

    In one stretch the slope is always taken out. Its own significance is not asked for: a slope too small to be
    significant can make a difference that is.
    """
    x, y = logs(first), logs(second)
    n, m = x.size, y.size
    if n + m < FEWEST or min(n, m) < 2 or (places is None and n == m):
        return None
    at = places or (range(n), range(m))
    place_x, place_y = (np.asarray(one, dtype=np.float64) for one in at)
    steps = np.concatenate([place_x - place_x.mean(), place_y - place_y.mean()])
    values = np.concatenate([x - x.mean(), y - y.mean()])
    spread = float(steps @ steps)
    slope = float(steps @ values) / spread
    rest: Floats = values - slope * steps
    freedom = n + m - 3
    variance = float(rest @ rest) / freedom
    error = math.sqrt(variance / spread)
    p_value = _two_sided(slope, error, freedom)
    if places is None and p_value > SUSPECT:
        return None
    difference = float(y.mean() - x.mean())
    if places is None:
        return Drift(slope, p_value, not _leads(x, y, difference))
    gap = float(place_y.mean() - place_x.mean())
    left = difference - slope * gap
    error_left = math.sqrt(variance * (1 / n + 1 / m + gap**2 / spread))
    stands = left * difference > 0 and _two_sided(left, error_left, freedom) <= STILL
    return Drift(slope, p_value, not stands, p_value <= SUSPECT and slope * gap * difference > 0)


def inflation(places: Places | None) -> float:
    """Return by how much taking a drift out raises the variance of the difference, 1 if none is taken out.

    About 4 for sessions back to back, whatever their number of runs; hardly above 1 for interleaved ones.
    """
    if places is None:
        return 1.0
    place_x, place_y = (np.asarray(one, dtype=np.float64) for one in places)
    n, m = place_x.size, place_y.size
    spread = float(((place_x - place_x.mean()) ** 2).sum() + ((place_y - place_y.mean()) ** 2).sum())
    if n + m < FEWEST or min(n, m) < 2 or spread == 0:
        return 1.0
    return 1 + float(place_y.mean() - place_x.mean()) ** 2 / spread / (1 / n + 1 / m)


def _leads(x: Floats, y: Floats, difference: float) -> bool:
    """Whether the difference stands between the first runs of both, as many as the shorter session has.

    A warm-up comes to rest: a straight line through the longer session would not describe it.
    """
    size = min(x.size, y.size)
    lead_x, lead_y = x[:size], y[:size]
    left = float(lead_y.mean() - lead_x.mean())
    error = math.sqrt((float(lead_x.var(ddof=1)) + float(lead_y.var(ddof=1))) / size)
    return left * difference > 0 and _two_sided(left, error, 2 * size - 2) <= STILL


def _two_sided(value: float, error: float, freedom: int) -> float:
    if error <= EQUAL:
        return 1.0 if abs(value) <= EQUAL else 0.0
    return 2 * student_below(freedom, -abs(value) / error)
