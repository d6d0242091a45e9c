import math

import numpy as np
import pytest

from bench.compare.stats import changes
from bench.compare.stats.changes import ALPHA, find
from bench.compare.stats.values import FEWEST
from bench.errors import DamagedData


def noise(size, seed=1, deviation=0.02):
    return np.exp(np.random.default_rng(seed).normal(0, deviation, size))


def places(values):
    return [step.at for step in find(list(values)).steps]


def energy(left, right):
    """Twice the mean distance between the sides, less the mean distances within, weighted (Matteson & James 2014)."""

    def within(side):
        return sum(abs(a - b) for a in side for b in side) / (len(side) * (len(side) - 1))

    between = sum(abs(a - b) for a in left for b in right) / (len(left) * len(right))
    weight = len(left) * len(right) / (len(left) + len(right))
    return weight * (2 * between - within(left) - within(right))


def test_a_split_is_the_one_whose_sides_are_farthest_apart():
    values = np.log(noise(11))
    part = changes._Part.of(values, 0, values.size)
    middle = np.median(values)
    far = changes.REACH * changes.robust_deviation(np.abs(values - middle))
    drawn = np.clip(values, middle - far, middle + far).tolist()
    every = {(t, k): energy(drawn[:t], drawn[t:k]) for k in range(6, 12) for t in range(3, k - 2)}
    (stays, here), (goes, there) = part.splits()
    assert stays == pytest.approx(max(score for (_, k), score in every.items() if k == 11))
    assert goes == pytest.approx(max(every.values()))
    assert here == max((one for one in every if one[1] == 11), key=every.__getitem__)[0]
    assert there == max(every, key=every.__getitem__)[0]


def test_orders_that_are_summed_up_together_score_as_each_alone():
    values = np.log(noise(13))
    part = changes._Part.of(values, 0, values.size)
    orders = np.array([np.random.default_rng(seed).permutation(values.size) for seed in range(5)])
    alone = [changes._Part(0, part.values[order], part.weights).splits() for order in orders]
    assert part.best(orders).tolist() == [[stays, goes] for (stays, _), (goes, _) in alone]


def test_a_step_has_its_place_size_interval_and_chance():
    values = noise(30)
    values[20:] *= 1.10
    (step,) = find(values.tolist()).steps
    assert step.at == 20
    assert step.interval.low < math.log(1.10) < step.interval.high
    assert step.interval.low > 0
    assert 0 < step.p_value <= ALPHA
    centres = find(values.tolist()).centres
    assert math.log(centres[1] / centres[0]) == pytest.approx(step.estimate)


def test_a_level_that_comes_and_goes_has_two_borders():
    values = noise(30, deviation=0.01)
    values[10:20] *= 0.9
    assert places(values) == [10, 20]


@pytest.mark.parametrize("odd", [[], [7], [7, 8]])
def test_no_change_is_none_whatever_one_or_two_runs_did(odd):
    values = noise(30)
    values[odd] *= 1.5
    assert places(values) == []


def test_eighty_quiet_series_have_one_alarm_at_most():
    assert sum(bool(places(noise(12, seed))) for seed in range(80)) <= 1


def test_one_is_as_sure_as_it_can_be_from_the_fewest_results_on():
    def clean(before, after):
        return [*np.linspace(1.0, 1.001, before), *np.linspace(1.2, 1.201, after)]

    assert places(clean(5, FEWEST - 5)) == [5]
    assert places(clean(5, FEWEST - 6)) == []


def test_a_change_below_one_percent_is_none_however_sure():
    assert places([*noise(20, deviation=1e-4), *(1.008 * noise(20, 2, 1e-4))]) == []
    assert places([*noise(20, deviation=1e-4), *(1.012 * noise(20, 2, 1e-4))]) == [20]


def test_equal_values_change_only_where_they_change():
    assert places([1.0] * 40) == []
    (step,) = find([2.0] * 20 + [3.0] * 20).steps
    assert (step.at, math.exp(step.estimate)) == (20, pytest.approx(1.5))


def test_the_same_values_give_the_same_answer_and_the_scale_is_none():
    values = noise(24)
    values[14:] *= 1.06
    once = find(values.tolist())
    changes._find.cache_clear()
    assert find(values.tolist()) == once
    assert places(values * 1e6) == places(values)


def test_of_a_long_series_the_newest_are_looked_at(monkeypatch):
    monkeypatch.setattr(changes, "MOST", 40)
    values = noise(60, deviation=0.01)
    values[:10] *= 3
    values[-15:] *= 1.2
    found = find(values.tolist())
    assert (found.skipped, [step.at for step in found.steps]) == (20, [45])


def test_what_has_no_logarithm_is_refused():
    with pytest.raises(DamagedData):
        find([1.0] * 12 + [0.0])
    assert find([]).centres == ()
