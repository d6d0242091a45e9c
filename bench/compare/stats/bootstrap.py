"""An interval for the difference of two mean logarithms: a bootstrap over containers, no narrower than Welch's (pure).

The unit that varies is the run, a fresh container, so runs are resampled and nothing inside them. Percentile-t
because it is second-order accurate for means (Hall 1988, Ann. Stat. 16:927) and, measured here, near its level from 5
runs on, where BCa missed 4 to 10 % instead of 1 % (docs, "how numbers are made"). Student's interval with Welch's
degrees of freedom is its floor: it holds if one side is quiet and the other is not, and if so many runs are equal that
resampling them shows nothing.

One wild run may not decide: before, values farther than ``REACH`` robust standard deviations from their sample's
median are drawn in to that distance (winsorised; Huber 1964, Ann. Math. Stat. 35:73). The raw runs stay in the
record.
"""

from __future__ import annotations

import numpy as np

from bench.compare.stats.keeping import kept
from bench.compare.stats.quantiles import student_quantile
from bench.compare.stats.values import EQUAL, ArithmeticFailed, Floats, Interval

RESAMPLES = 9_999
_AT_ONCE, _SHORT = 16_384, 64
"""Values that are drawn at once: they stay in the processor's cache. Values of a sample that is summed as a column."""
SEED = 20251015
REACH = 3.0
STUDENT = 0.75
"""Student's interval is asked for this share of the chance of missing: drawn-in values make it a little too sure."""
_DEGENERATE = 4.0
"""A bootstrap interval that many times Student's comes from resamples in which all runs but one are equal."""
_MAD_TO_SIGMA = 1.4826
_MEAN_TO_SIGMA = 1.2533
_SMALL_SAMPLE = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}


def bounded(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return both samples with far values drawn in.

    The spread is the larger of a shared one, so that three runs borrow it from thirty, and of the sample's own, so
    that the noise of one side is not cut down to the quiet of the other. If it is 0 (more than half of the values
    are equal) the mean distance stands in for the median one (Iglewicz & Hoaglin 1993, How to Detect and Handle
    Outliers).
    """
    middle_x, middle_y = float(np.median(x)), float(np.median(y))
    rest_x, rest_y = np.abs(x - middle_x), np.abs(y - middle_y)
    rest = np.concatenate([rest_x, rest_y])
    shared = robust_deviation(rest) * float(np.sqrt(rest.size / max(rest.size - 2, 1)))
    reach_x, reach_y = (
        REACH * max(shared, _unbiased(own.size) * _MAD_TO_SIGMA * float(np.median(own))) for own in (rest_x, rest_y)
    )
    if max(reach_x, reach_y) <= EQUAL:
        return x, y
    return np.clip(x, middle_x - reach_x, middle_x + reach_x), np.clip(y, middle_y - reach_y, middle_y + reach_y)


def interval(x: Floats, y: Floats, alpha: float) -> Interval | None:
    """Return the interval for mean(y) - mean(x), centred on the difference: the wider of the bootstrap's and Student's.

    Args:
        x: shape (n,), bounded logarithms of the reference.
        y: shape (m,).
        alpha: the chance of missing, both sides together.

    Returns:
        ``None`` for fewer than two values on a side.

    Raises:
        ArithmeticFailed: the interval is not a number.
    """
    if x.size < 2 or y.size < 2:
        return None
    difference = float(y.mean() - x.mean())
    student = student_reach(x, y, alpha)
    resampled = kept("percentile_t", Interval | None, lambda: percentile_t(x, y, alpha), x, y, alpha)
    reach = student
    if resampled is not None and resampled.high - difference <= _DEGENERATE * student:
        reach = max(student, resampled.high - difference)
    if not np.isfinite(reach):
        raise ArithmeticFailed("the interval is not a number", "the wall times may be damaged")
    return Interval(difference - reach, difference + reach)


def student_reach(x: Floats, y: Floats, alpha: float) -> float:
    """Return half the width of Student's interval, with Welch's degrees of freedom (Welch 1947, Biometrika 34:28).

    Args:
        x: shape (n,), at least two bounded logarithms of the reference.
        y: shape (m,), likewise of the result.
        alpha: the chance of missing, both sides together.
    """
    error = float(_standard_error(x[None, :], y[None, :])[0])
    if error == 0:
        return 0.0
    part_x, part_y = float(x.var(ddof=1)) / x.size, float(y.var(ddof=1)) / y.size
    freedom = (part_x + part_y) ** 2 / (part_x**2 / (x.size - 1) + part_y**2 / (y.size - 1))
    return student_quantile(freedom, 1 - STUDENT * alpha / 2) * error


def percentile_t(x: Floats, y: Floats, alpha: float, resamples: int = RESAMPLES, seed: int = SEED) -> Interval | None:
    """Return the symmetric percentile-t interval for mean(y) - mean(x); ``None`` if the runs give none.

    Args:
        x: shape (n,), bounded logarithms of the reference.
        y: shape (m,).
        alpha: the chance of missing, both sides together.
        resamples: bootstrap samples.
        seed: of the generator; the same values give the same interval, in any order and with the sides swapped.

    Returns:
        ``None`` for fewer than two values on a side, or if so many are equal that their spread is unknown.

    Raises:
        ArithmeticFailed: the interval is not a number.
    """
    if x.size < 2 or y.size < 2:
        return None
    x, y = np.sort(x), np.sort(y)
    difference = float(y.mean() - x.mean())
    spread = float(_standard_error(x[None, :], y[None, :])[0])
    if spread == 0:
        return Interval(difference, difference)
    # The half width is the same for both directions: drawn with the sides in one order, it is the same number.
    one, two = sorted((x, y), key=lambda side: (side.size, side.tolist()))
    draw = np.random.default_rng(seed)
    (mean_one, var_one), (mean_two, var_two) = (_resampled(side, resamples, draw) for side in (one, two))
    off = np.abs(mean_two - mean_one - float(two.mean() - one.mean()))
    errors = _error_of(var_one, one.size, var_two, two.size)
    # A resample in which all values are one run repeated has no spread: it is infinitely far off, unless it is not off.
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(off <= EQUAL, 0.0, off / errors)
    reach = float(np.quantile(scores, 1 - alpha, method="higher")) * spread
    if np.isnan(reach):
        raise ArithmeticFailed("the bootstrap interval is not a number", "the wall times may be damaged")
    # So many runs are equal that a resample without any spread is no rarity: the noise cannot be had from these runs.
    return None if np.isinf(reach) else Interval(difference - reach, difference + reach)


def _resampled(values: Floats, resamples: int, draw: np.random.Generator) -> tuple[Floats, Floats]:
    """Mean and variance of each bootstrap sample, made a few at once: all of a long history's are 100 MB."""
    size, at_once = values.size, max(_AT_ONCE // values.size, 1)
    means, variances = np.empty(resamples), np.empty(resamples)
    for first in range(0, resamples, at_once):
        part = slice(first, min(first + at_once, resamples))
        places = draw.integers(0, size, (part.stop - first, size))
        # Numpy sums many short rows one by one, and the columns of a table all at once.
        some = values[np.ascontiguousarray(places.T) if size <= _SHORT else places.T]
        means[part] = some.sum(axis=0) / size
        some -= means[part]
        some *= some
        variances[part] = some.sum(axis=0) / (size - 1)
    return means, variances


def pooled_deviation(x: Floats, y: Floats) -> float | None:
    """Return the standard deviation within both samples, in logarithms (so: relative).

    ``None`` without two values in one.
    """
    freedom = max(x.size - 1, 0) + max(y.size - 1, 0)
    if freedom == 0:
        return None
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in (x, y) if part.size)
    return float(np.sqrt(squares / freedom))


def _standard_error(x: Floats, y: Floats) -> Floats:
    """Per row the larger of the pooled and the unpooled (Welch) standard error.

    Pooled alone is too sure if the noisy side is the small one; unpooled alone is too sure if the small side is
    quiet by luck.
    """
    return _error_of(x.var(axis=1, ddof=1), x.shape[1], y.var(axis=1, ddof=1), y.shape[1])


def _error_of(var_x: Floats, n: int, var_y: Floats, m: int) -> Floats:
    unpooled = var_x / n + var_y / m
    pooled = ((n - 1) * var_x + (m - 1) * var_y) / (n + m - 2) * (1 / n + 1 / m)
    error: Floats = np.sqrt(np.maximum(unpooled, pooled))
    error[error <= EQUAL] = 0.0
    return error


def robust_deviation(rest: Floats) -> float:
    """Return a standard deviation from distances to the median; from their mean if more than half of them are 0."""
    robust = _MAD_TO_SIGMA * float(np.median(rest))
    return robust if robust > EQUAL else _MEAN_TO_SIGMA * float(rest.mean())


def _unbiased(size: int) -> float:
    """The MAD of so many values is too small by this factor (Croux & Rousseeuw 1992, Compstat 1:411)."""
    return _SMALL_SAMPLE.get(size, size / (size - 0.8))
