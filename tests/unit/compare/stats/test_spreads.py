"""The scale of each pair, against a median of its own for each."""

import math

import numpy as np
import pytest

from bench.compare.stats import pairs
from bench.compare.stats.spreads import SHAMOS, scales


def one_by_one(values):
    """As defined, in a time that grows with the cube of the pairs."""
    found = np.full(values.size, np.nan)
    for at in range(2, values.size):
        before = values[:at]
        found[at] = SHAMOS * np.median([abs(before[i] - before[j]) for i in range(at) for j in range(i)])
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8, 9, 33])
@pytest.mark.parametrize("kind", ["normal", "cauchy", "rounded", "equal", "rising"])
def test_each_is_exactly_the_median_distance_of_the_pairs_before_it(count, kind):
    draw = np.random.default_rng(count)
    values = {
        "normal": lambda: draw.normal(0.05, 0.03, count),
        "cauchy": lambda: draw.standard_cauchy(count),
        "rounded": lambda: np.round(draw.normal(0, 0.02, count), 2),  # many distances are equal
        "equal": lambda: np.full(count, 0.1),
        "rising": lambda: np.arange(count) * 0.01,
    }[kind]()
    assert np.array_equal(scales(values), one_by_one(values), equal_nan=True)


def test_the_scales_are_made_once_a_decision(monkeypatch):
    made = []
    monkeypatch.setattr(pairs, "scales", lambda values: made.append(values.size) or scales(values))
    decision = pairs.decide(pairs.differences([1.0] * 12, [1.01 + 0.01 * math.sin(at) for at in range(12)]))
    assert made == [12]
    assert decision.estimate > 0
