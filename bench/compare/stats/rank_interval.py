"""An interval for a shift that holds whatever the noise looks like: the rank-sum test, inverted (pure).

If two samples differ by a shift alone, every order of the pooled values is equally likely once the shift is taken
out. The interval from the ordered pairwise differences therefore covers the shift with at least the stated
probability for normal, skewed, two-level or outlier-ridden noise alike and for unequal sizes (Hodges & Lehmann 1963,
Ann. Math. Stat. 34:598; Hollander, Wolfe & Chicken 2014, Nonparametric Statistical Methods, section 4.3). Ties widen
it, never narrow it.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from bench.compare.stats.quantiles import normal_quantile
from bench.compare.stats.values import Floats, Interval

EXACT_PAIRS = 2_500
"""Up to so many pairs the distribution is counted exactly; beyond, the normal approximation is good to many digits."""


@lru_cache(maxsize=4096)
def cut(n: int, m: int, alpha: float) -> int:
    """Return how many pairwise differences lie outside the interval on each side; 0 means that no interval is possible.

    The largest ``c`` with P(U < c) <= alpha / 2 under exchangeability.

    Args:
        n: values of the first sample.
        m: values of the second.
        alpha: the chance of missing, both sides together.
    """
    if not possible(n, m, alpha):
        return 0
    if n * m > EXACT_PAIRS:
        spread = math.sqrt(n * m * (n + m + 1) / 12)
        return max(0, math.floor(n * m / 2 + normal_quantile(alpha / 2) * spread))
    allowed = alpha / 2 * math.comb(n + m, n)
    total = 0
    for outside, ways in enumerate(_orders(min(n, m), max(n, m))):
        total += ways
        if total > allowed:
            return outside
    return 0


def interval(x: Floats, y: Floats, alpha: float) -> Interval | None:
    """Return the interval for ``y - x`` of confidence ``1 - alpha`` or more; ``None`` if the samples are too small.

    Args:
        x: shape (n,), the reference, in logarithms.
        y: shape (m,).
        alpha: the chance of missing the shift, both sides together.
    """
    outside = cut(x.size, y.size, alpha)
    if outside == 0:
        return None
    pairs = np.sort(np.subtract.outer(y, x), axis=None)
    return Interval(float(pairs[outside - 1]), float(pairs[-outside]))


def possible(n: int, m: int, alpha: float) -> bool:
    """Return whether two samples have an interval at all.

    Args:
        n: values of the first sample.
        m: values of the second.
        alpha: the chance of missing, both sides together.
    """
    return n > 0 and m > 0 and math.comb(n + m, m) * alpha / 2 >= 1


@lru_cache(maxsize=4096)
def _orders(n: int, m: int) -> tuple[int, ...]:
    """In how many orders of ``n`` and ``m`` values U is 0, 1, 2 … up to half of ``n * m`` (the Gaussian binomial)."""
    half = n * m // 2
    ways = [1] + [0] * half
    for i in range(1, n + 1):
        for k in range(half, m + i - 1, -1):
            ways[k] -= ways[k - m - i]
        for k in range(i, half + 1):
            ways[k] += ways[k - i]
    return tuple(ways)
