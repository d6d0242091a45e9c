"""Where does a series change its level? E-divisive with permutation tests (pure).

Matteson & James 2014 (J. Am. Stat. Assoc. 109:334): the place that splits a stretch of the series into two parts whose
energy distance is largest is a candidate, and the test asks how often the same values in random order have one as good.
Under "nothing changed" every order is equally likely, so that the chance of any false alarm in a series is at most
``ALPHA``, whatever the noise looks like: the first test that finds nothing ends the search.

Why no library: apache-otava 0.8.0 brings 42 packages (scipy, grpc, clients of BigQuery and Slack), 180 MB beside numpy;
ruptures and signal-processing-algorithms want scipy, 118 MB. All of bench may take 200 MB, and 12 of them are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.compare.stats.bootstrap import REACH, STUDENT, robust_deviation
from bench.compare.stats.quantiles import student_quantile
from bench.compare.stats.values import EQUAL, FEWEST, ArithmeticFailed, Floats, Found, Interval, Step, logs

ALPHA = 0.01
"""The chance that a series without any change is said to have one."""
SMALLEST = 3
"""Values that make a level: two disturbed ones in a row are none."""
MOST = 200
"""Values that are looked at, the newest: the work grows with their square."""
LEAST_EFFECT = 0.01
"""A change smaller than that is not called, however sure."""
PERMUTATIONS = 999
_AT_ONCE = 8
"""Permutations that are summed up together: so many fit a processor's cache."""
SEED = 20251015


def find(values: Sequence[float]) -> Found:
    """Return the changes of level of a series; the same values in the same order have the same ones.

    A change is called if its test and all before it have a p-value of at most ``ALPHA``, the estimate reaches
    ``LEAST_EFFECT`` and its interval leaves out 1. One that does not is no border: the levels beside it are one.

    Args:
        values: positive numbers, the oldest first.

    Raises:
        DamagedData: a value is not positive and finite.
        ArithmeticFailed: a ratio is too large to be one.
    """
    return _find(tuple(values))


@lru_cache(maxsize=1024)  # a page asks for the table, for each drawing and for its feed
def _find(values: tuple[float, ...]) -> Found:
    skipped = max(len(values) - MOST, 0)
    series = logs(values[skipped:])
    if series.size == 0:
        return Found((), ())
    p_values = _divided(series)
    while True:
        borders = sorted(p_values)
        centres, estimates, reaches = _levels(series, borders)
        shares = [abs(estimate) / max(reach, EQUAL) for estimate, reach in zip(estimates, reaches, strict=True)]
        weak = [
            at
            for at, (estimate, reach) in enumerate(zip(estimates, reaches, strict=True))
            if abs(estimate) < math.log1p(LEAST_EFFECT) or reach >= abs(estimate)
        ]
        if not weak:
            break
        del p_values[borders[min(weak, key=lambda at: shares[at])]]
    try:
        steps = [
            Step(skipped + at, p_values[at], estimate, Interval(estimate - reach, estimate + reach))
            for at, estimate, reach in zip(borders, estimates, reaches, strict=True)
        ]
        ends = [end for step in steps for end in (step.interval.low, step.interval.high)]
        if any(not math.isfinite(math.exp(end)) for end in ends):
            raise OverflowError
        return Found(tuple(steps), tuple(math.exp(centre) for centre in centres), skipped)
    except OverflowError:
        raise ArithmeticFailed("the ratio of two levels is not finite", "they differ by too many orders") from None


def _divided(series: Floats) -> dict[int, float]:
    """The borders that the tests find, each with its p-value: that of its own test, or of one before it if larger."""
    found: dict[int, float] = {}
    draw = np.random.default_rng(SEED)
    while series.size >= FEWEST:
        borders = [0, *sorted(found), series.size]
        stretches = [ends for ends in pairwise(borders) if ends[1] - ends[0] >= 2 * SMALLEST]
        parts = [_Part.of(series, *ends) for ends in stretches]
        p_value, at = _tested(parts, draw) if parts else (1.0, 0)
        if p_value > ALPHA:
            break
        found[at] = max([p_value, *found.values()])
    return found


def _tested(parts: Sequence[_Part], draw: np.random.Generator) -> tuple[float, int]:
    """The p-value of the best split of these stretches, and its place; 1 stands for any above ``ALPHA``.

    Two statistics are asked, for a change that stays and for one that goes, and the better counts: how good it is
    among all orders is ranked among all orders too (min-p; Westfall & Young 1993). The order that was seen is one of
    them (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39).
    """
    seen = [part.splits() for part in parts]
    best = np.array([[score for score, _ in splits] for splits in seen])
    scores = [best.max(axis=0, keepdims=True)]
    if scores[0].max() <= EQUAL:
        return 1.0, 0
    reached, enough = np.zeros(2), ALPHA * (PERMUTATIONS + 1)
    for done in range(0, PERMUTATIONS, _AT_ONCE):
        orders = [[draw.permutation(part.size) for part in parts] for _ in range(min(_AT_ONCE, PERMUTATIONS - done))]
        each = [part.best(np.array(mine)) for part, mine in zip(parts, zip(*orders, strict=True), strict=True)]
        scores.append(np.array(each).max(axis=0))
        reached += (scores[-1] >= scores[0] - EQUAL).sum(axis=0)
        if reached.min() >= enough:  # too many already, whatever the others are
            return 1.0, 0
    table = np.concatenate(scores)
    # Of each statistic the share of orders that reach each order's, then the same of the better of the two.
    shares = [np.sort(-column).searchsorted(-column + EQUAL, side="right") for column in table.T]
    better = np.minimum(*shares)
    p_value = float((better <= better[0]).mean())
    which = 0 if shares[0][0] < shares[1][0] else 1
    return p_value, seen[int(best[:, which].argmax())][which][1]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the series between two borders, with what any order of its values shares.

    The energy distance of values [0, t) and [t, k), weighted by t (k - t) / k, is a sum of three sums of distances:
    of all pairs within [0, t), of those within [0, k), and of pairs between [0, t) and [0, k). ``weights`` has their
    factors for each t and k; 0 if a side is too small.
    """

    start: int
    values: Floats
    weights: tuple[Floats, Floats, Floats]

    @classmethod
    def of(cls, series: Floats, start: int, end: int) -> _Part:
        """Return the stretch from one place to another, its far values drawn in, whatever their places are."""
        part = series[start:end]
        rest = np.abs(part - np.median(part))
        far = REACH * robust_deviation(rest)
        part = np.clip(part, np.median(part) - far, np.median(part) + far)
        return cls(start, part, _weights(part.size))

    @property
    def size(self) -> int:
        return self.values.size

    def splits(self) -> tuple[tuple[float, int], tuple[float, int]]:
        """Return the best split of all values, and of those before any place: the distance of its sides, and where."""
        scores = self._scores(np.arange(self.size)[None])[0]
        stays, goes = int(scores[:, -1].argmax()), int(scores.argmax())
        return (
            (float(scores[stays, -1]), self.start + stays + 1),
            (float(scores.flat[goes]), self.start + goes // self.size + 1),
        )

    def best(self, orders: NDArray[Any]) -> Floats:
        """Return how far apart the sides of both best splits are, a row for each order."""
        scores = self._scores(orders)
        return np.column_stack([scores[:, :, -1].max(axis=1), scores.reshape(len(orders), -1).max(axis=1)])

    def _scores(self, orders: NDArray[Any]) -> Floats:
        """How far apart the sides are by order, by t and by k."""
        values = self.values[orders]
        sums: Floats = values[:, :, None] - values[:, None]
        np.abs(sums, out=sums)
        for at in range(1, self.size):  # numpy's own sum along this axis takes one column at a time
            sums[:, at] += sums[:, at - 1]
        np.cumsum(sums, axis=2, out=sums)
        within = sums.diagonal(axis1=1, axis2=2).copy()
        both, left, whole = self.weights
        sums *= both
        sums += left * within[:, :, None]
        sums += whole * within[:, None]
        return sums


@lru_cache(maxsize=64)
def _weights(size: int) -> tuple[Floats, Floats, Floats]:
    first = np.arange(1, size + 1, dtype=np.float64)[:, None]
    second = np.arange(1, size + 1, dtype=np.float64)[None, :] - first
    fits = (first >= SMALLEST) & (second >= SMALLEST)
    first, second = np.where(fits, first, 2.0), np.where(fits, second, 2.0)
    whole = first + second
    between, inside, after = 2 / whole, second / (whole * (first - 1)), first / (whole * (second - 1))
    both, left, all_of_it = between + 2 * after, -(between + inside + after), -after
    return np.where(fits, both, 0.0), np.where(fits, left, 0.0), np.where(fits, all_of_it, 0.0)


def _levels(series: Floats, borders: Sequence[int]) -> tuple[list[float], list[float], list[float]]:
    """Each level's centre, and each border's estimate and half the width of its 99 % interval.

    Student's, with the deviation within all levels: three values borrow it from thirty. Before, values farther than
    ``REACH`` robust deviations from their level's median are drawn in to that distance.
    """
    parts = np.split(series, list(borders))
    middles = [float(np.median(part)) for part in parts]
    rest = np.abs(np.concatenate([part - middle for part, middle in zip(parts, middles, strict=True)]))
    freedom = series.size - len(parts)
    scale = robust_deviation(rest) * math.sqrt(series.size / max(freedom, 1))
    if scale > EQUAL:
        far = REACH * scale
        parts = [np.clip(part, middle - far, middle + far) for part, middle in zip(parts, middles, strict=True)]
    centres = [float(part.mean()) for part in parts]
    squares = sum(float(((part - centre) ** 2).sum()) for part, centre in zip(parts, centres, strict=True))
    deviation = math.sqrt(squares / max(freedom, 1))
    quantile = student_quantile(freedom, 1 - STUDENT * ALPHA / 2) if freedom > 0 else math.inf
    sizes = [part.size for part in parts]
    reaches = [
        quantile * deviation * math.sqrt(1 / one + 1 / two) if deviation > EQUAL else 0.0
        for one, two in pairwise(sizes)
    ]
    return centres, [two - one for one, two in pairwise(centres)], reaches
