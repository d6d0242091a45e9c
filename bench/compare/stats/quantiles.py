"""Quantiles and tails of the distributions that the rules use (pure).

"DLMF" is the NIST Digital Library of Mathematical Functions. What has no value (no degrees of freedom, a probability
that is none) is not a number, which the rules answer with an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from statistics import NormalDist

_PRECISION = 1e-15
_STEPS = 100
"""Of Newton's method, which takes fewer than ten."""
_LAST_STEP = 1e-9
"""Each has the square of the error of the one before."""
_ASYMPTOTIC = 100.0
_HALF_RATIO = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144)


def normal_quantile(probability: float) -> float:
    """Return the value below which a standard normal variable lies with that probability (AS 241; Wichura 1988)."""
    return NormalDist().inv_cdf(probability)


def student_below(freedom: float, value: float) -> float:
    """Return the probability that Student's t with ``freedom`` degrees lies below the value."""
    if not freedom > 0 or math.isnan(value):
        return math.nan
    centre, tails = _student(freedom, abs(value))
    return tails / 2 if value < 0 else (1 + centre) / 2


@lru_cache(maxsize=1024)  # a history asks for each of its results, of nearly as many before it
def student_quantile(freedom: float, probability: float) -> float:
    """Return the value below which Student's t with ``freedom`` degrees lies with that probability.

    Newton's method on logarithms: of the value, and of the probability that |t| is above it (or below, whichever is
    the smaller). That curve is concave, since log |t| has a log-concave density, so that no start leads astray.
    """
    if not (freedom > 0 and 0 <= probability <= 1):
        return math.nan
    if probability in {0.5, 0, 1}:
        return {0.5: 0.0, 0: -math.inf, 1: math.inf}[probability]
    tails = 2 * min(probability, 1 - probability)
    centre = 1 - tails
    side = int(tails <= centre)

    def curve(value: float) -> tuple[float, float]:
        share = _student(freedom, value)[side]
        slope = 2 * value * _student_density(freedom, value) / share
        return math.log(share / (centre, tails)[side]), -slope if side else slope

    found = _solve(curve, -normal_quantile(tails / 2))
    return found if probability > 0.5 else -found


def chi_squared_exceeded(freedom: float, probability: float) -> float:
    """Return the value above which chi squared with ``freedom`` degrees lies with that probability.

    Newton's method on logarithms, as in :func:`student_quantile`, from the cube of a normal variable (Wilson & Hilferty
    1931, Proc. Natl. Acad. Sci. 17:684). The share below the value is summed, so that digits are lost if that is
    nearly 1: eight are left at a ``probability`` of a millionth, eleven at 1 %.
    """
    if not (freedom > 0 and 0 < probability < 1):
        return math.nan
    half, wanted = freedom / 2, math.log1p(-probability)

    def curve(value: float) -> tuple[float, float]:
        density, share = _gamma_below(half, value / 2)
        return density + math.log(share) - wanted, 1 / share

    cube = 1 - 2 / (9 * freedom) - normal_quantile(probability) * math.sqrt(2 / (9 * freedom))
    # Far below, the share is a power of the value.
    power = (wanted + math.lgamma(half + 1)) / half
    return _solve(curve, freedom * cube**3 if cube > 0.1 else 2 * math.exp(power))


def _solve(curve: Callable[[float], tuple[float, float]], start: float) -> float:
    """The positive value at which the curve is 0; it gives its height and its slope in the value's logarithm."""
    value = start
    for _ in range(_STEPS):
        height, slope = curve(value)
        step = -height / slope
        value *= math.exp(min(step, 50.0))
        if abs(step) <= _LAST_STEP:
            return value
    return math.nan


def _student(freedom: float, value: float) -> tuple[float, float]:
    """The probabilities that |t| is below and above the value: an incomplete beta function (DLMF 8.17.22).

    Its continued fraction is used on the side where it converges fast; that side is never the one near 1.
    """
    if math.isinf(value):
        return 1.0, 0.0
    half, square = freedom / 2, value * value
    both = value * _student_density(freedom, value)
    if square > 3:  # both sides of that are fast
        tails = both / half * _beta_fraction(freedom / (freedom + square), half, 0.5)
        return 1 - tails, tails
    centre = both * 2 * _beta_fraction(square / (freedom + square), 0.5, half)
    return centre, 1 - centre


def _student_density(freedom: float, value: float) -> float:
    """Student's density (Johnson, Kotz & Balakrishnan 1995, Continuous Univariate Distributions 2, chapter 28)."""
    bell = math.exp(-(freedom + 1) / 2 * math.log1p(value * value / freedom))
    return _gamma_ratio(freedom / 2) / math.sqrt(freedom * math.pi) * bell


def _gamma_ratio(x: float) -> float:
    """Γ(x + 1/2) / Γ(x), by its series if the functions are too large to divide (DLMF 5.11.13)."""
    if x < _ASYMPTOTIC:
        return math.gamma(x + 0.5) / math.gamma(x)
    return math.sqrt(x) * sum(part / x**power for power, part in enumerate(_HALF_RATIO))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by the method of Lentz (1976).

    Appl. Opt. 15:668. It stands for 1 / (1 + d1 / (1 + d2 / (1 + …))).
    """
    above, below, found = 1.0, 0.0, 1.0
    for step in count(1):
        m, odd = divmod(step, 2)
        if odd:
            part = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            part = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1 / (1 + part * below)
        above = 1 + part / above
        found *= above * below
        if abs(above * below - 1) <= _PRECISION:
            break
    return 1 / found


def _gamma_below(a: float, x: float) -> tuple[float, float]:
    """Of a gamma variable: log(x · density) and the probability to lie below ``x`` over x · density (DLMF 8.11.4)."""
    term = total = 1 / a
    for step in count(1):
        term *= x / (a + step)
        total += term
        if term <= _PRECISION * total:
            break
    return a * math.log(x) - x - math.lgamma(a), total
