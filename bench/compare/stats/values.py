"""Values to compare: ratios of times as differences of logarithms (pure).

Numpy brings 12 MB, which whoever needs no array does without: it is read once one is made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, DamagedData

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
else:
    Floats = Any


EQUAL = 1e-12
"""Logarithms and spreads below that are rounding: the mean of equal values is off by some 1e-16."""


FEWEST = 10
"""Values that can show a change: of 5 after 5 two orders in 252 are as extreme, of 5 after 4 two in 126."""


class ArithmeticFailed(BenchError):
    """The arithmetic of a comparison gave no number. It is never turned into a verdict."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two ends, both inside, in the unit of what lies between them."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Return whether the value lies inside."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Step:
    """A change of level before the value at ``at``. ``estimate`` and ``interval`` are logarithms of after / before."""

    at: int
    p_value: float
    estimate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Found:
    """What a series shows: its steps in order, and the ``centre`` of each level, one more than there are steps.

    ``skipped`` is the number of values before those that were looked at; places count them.
    """

    steps: tuple[Step, ...]
    centres: tuple[float, ...]
    skipped: int = 0


def logs(values: Sequence[float]) -> Floats:
    """Return natural logarithms: a ratio of times becomes a difference.

    Raises:
        DamagedData: a value that is not positive and finite.
    """
    import numpy as np

    _check(values)
    return np.log(np.asarray(values, dtype=np.float64))


def plain_logs(values: Sequence[float]) -> list[float]:
    """Return the same as :func:`logs` without an array.

    Raises:
        DamagedData: a value that is not positive and finite.
    """
    _check(values)
    return [math.log(value) for value in values]


def _check(values: Sequence[float]) -> None:
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise DamagedData("a value to compare is not positive and finite", "ratios need positive numbers")
