"""Values to compare: ratios of times as differences of logarithms (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import DamagedData

Floats = NDArray[np.float64]


EQUAL = 1e-12
"""Logarithms and spreads below that are rounding: the mean of equal values is off by some 1e-16."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two ends, both inside, in the unit of what lies between them."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Return whether the value lies inside."""
        return self.low <= value <= self.high


def logs(values: Sequence[float]) -> Floats:
    """Return natural logarithms: a ratio of times becomes a difference.

    Raises:
        DamagedData: a value that is not positive and finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise DamagedData("a value to compare is not positive and finite", "ratios need positive numbers")
    return np.log(array)
