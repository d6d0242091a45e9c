"""Does one run belong to a history, and what of the history's own outliers (pure)?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.stats.quantiles import student_quantile
from bench.compare.stats.values import ArithmeticFailed, Interval, plain_logs

FEWEST = 3
"""Runs a history must have before it predicts anything."""
_SUSPECT = 0.01


@dataclass(frozen=True, slots=True)
class Prediction:
    """In what interval one more run of a history is expected, in the unit of its values.

    ``set_aside`` are the history's own outliers, left out of the interval; ``runs`` is what remains.
    """

    interval: Interval
    centre: float
    confidence: float
    runs: int
    set_aside: tuple[float, ...]

    def holds(self, value: float) -> bool:
        """Return whether the value belongs to the history."""
        return self.interval.holds(value)

    @property
    def reach(self) -> float:
        """How far the upper end lies above the centre, as a ratio minus 1."""
        return self.interval.high / self.centre - 1


def predict(history: Sequence[float], confidence: float = 0.99, keep_outliers: bool = False) -> Prediction | None:
    """Return the interval that the next run of this history falls into with the given probability.

    Student's prediction interval on logarithms, mean ± t · s · sqrt(1 + 1/n) (Hahn & Meeker 1991, Statistical
    Intervals, section 4.8). Before, outliers of the history are set aside by the generalised extreme Studentised
    deviate test at 1 % (Rosner 1983, Technometrics 25:165), at most one run in ten, and one of five to twenty: one
    run inside the full test suite may not widen the interval until every slow run belongs.

    Args:
        history: wall times, any order.
        confidence: of the interval.
        keep_outliers: leave every run in, as a ceiling has to hold for all that happened.

    Returns:
        ``None`` for a history of fewer than ``FEWEST`` runs.

    Raises:
        DamagedData: a value is not positive and finite.
        ArithmeticFailed: the interval is not a number.
    """
    if len(history) < FEWEST:
        return None
    values = plain_logs(history)
    outside = () if keep_outliers else outliers(values)
    kept = [value for at, value in enumerate(values) if at not in outside]
    mean, deviation = _spread(kept)
    reach = student_quantile(len(kept) - 1, (1 + confidence) / 2) * deviation * math.sqrt(1 + 1 / len(kept))
    try:
        low, high, centre = math.exp(mean - reach), math.exp(mean + reach), math.exp(mean)
    except OverflowError:
        raise ArithmeticFailed(
            "the prediction interval is not finite", "the history's runs differ by many orders"
        ) from None
    # One ulp of rounding may not put a run out of a history in which all runs are equal to it.
    if deviation <= 1e-12:
        low, high = low * (1 - 1e-12), high * (1 + 1e-12)
    return Prediction(
        Interval(low, high), centre, confidence, len(kept), tuple(history[index] for index in sorted(outside))
    )


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the standard deviation; of a few dozen values sums without numpy cost less than to read it."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def outliers(values: Sequence[float], suspect: float = _SUSPECT) -> tuple[int, ...]:
    """Return the positions of outliers by Rosner's test; see :func:`_most`."""
    positions = list(range(len(values)))
    removed: list[int] = []
    found = 0
    for step in range(1, _most(len(values)) + 1):
        rest = [values[at] for at in positions]
        mean, deviation = _spread(rest)
        if len(rest) < 4 or deviation <= 1e-12:
            break
        distances = [abs(value - mean) / deviation for value in rest]
        worst = distances.index(max(distances))
        removed.append(positions.pop(worst))
        size = len(values) - step + 1
        if distances[worst] > _critical(size, suspect):
            found = step
    return tuple(removed[:found])


def _most(size: int) -> int:
    """How many may be set aside: more than a tenth is no accident but a second level of the noise."""
    return 0 if size < 5 else max(1, size // 10)


def _critical(size: int, suspect: float) -> float:
    quantile = student_quantile(size - 2, 1 - suspect / (2 * size))
    return (size - 1) * quantile / math.sqrt((size - 2 + quantile**2) * size)
