"""The bets on pairs of runs: what must hold exactly, for any values, and what they decide."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.compare.stats import pairs
from bench.errors import DamagedData

CHANGES = st.lists(st.floats(-0.5, 0.5).map(lambda value: round(value, 4)), min_size=1, max_size=18).map(np.array)
FEW = settings(max_examples=30, deadline=None)
MIRRORED = {"slower": "faster", "faster": "slower"}
ENOUGH = math.log(2 / pairs.ALPHA)


def noisy(seed, size=40, change=0.0, spread=0.03):
    return np.random.default_rng(seed).normal(change, spread, size)


def all_signs(sizes):
    return [np.array(signs) * sizes for signs in itertools.product((-1, 1), repeat=len(sizes))]


@pytest.mark.parametrize(
    "sizes",
    [
        [0.02, 0.03, 0.01, 0.05, 0.02, 0.04, 0.001, 0.02, 0.03],
        [0.01] * 9,
        [1.0, 0.001, 3.0, 0.002, 0.5, 0.0, 40.0, 0.01, 0.01],
        [0.01 * 1.5**at for at in range(9)],
    ],
)
def test_over_all_signs_of_a_fair_coin_nobody_gets_rich(sizes):
    paths = np.array([pairs.e_value(one) for one in all_signs(np.array(sizes))])
    # A bet on a fair coin has the same wealth on average, after each pair, and where one stops at will.
    assert paths.mean(axis=0) == pytest.approx(1.0, rel=1e-9)
    for goal in (2, 10, 60):
        stop = np.where((paths >= goal).any(axis=1), (paths >= goal).argmax(axis=1), paths.shape[1] - 1)
        assert paths[np.arange(len(paths)), stop].mean() == pytest.approx(1.0, rel=1e-9)
        assert (paths >= goal).any(axis=1).mean() <= 1 / goal


@pytest.mark.parametrize("sizes", [[0.02] * 11, [0.01 * 1.4**at for at in range(11)], [0.5, *([0.01] * 10)]])
def test_over_all_signs_identical_code_is_called_changed_in_one_of_a_hundred_at_most(sizes):
    half = all_signs(np.array(sizes))[: 2 ** (len(sizes) - 1)]  # the other half is its mirror image
    called = [pairs.first_shown(one, effect=0.0)[0] != "undecided" for one in half]
    assert 0 < np.mean(called) <= pairs.ALPHA


@given(CHANGES)
@FEW
def test_the_sides_swapped_are_the_mirror_image(values):
    there, back = pairs.decide(values), pairs.decide(-values)
    assert (back.outcome, back.decided_after) == (MIRRORED.get(there.outcome, there.outcome), there.decided_after)
    assert back.estimate == pytest.approx(-there.estimate, abs=1e-15)
    assert (back.low is None, back.high is None) == (there.high is None, there.low is None)
    if there.low is not None:
        assert back.high == pytest.approx(-there.low, abs=1e-12)


@given(st.integers(0, 10**6), st.floats(1e-6, 1e6), st.floats(-3, 3))
@FEW
def test_another_unit_and_another_zero_change_the_interval_alike(seed, unit, moved):
    values = noisy(seed)
    low, high = pairs.interval(values)
    assert pairs.interval(values * unit) == pytest.approx((low * unit, high * unit), rel=1e-6)
    assert pairs.interval(values + moved) == pytest.approx((low + moved, high + moved), abs=1e-9)


@given(CHANGES)
@FEW
def test_more_pairs_never_widen_the_interval_nor_take_back_what_was_shown(values):
    prefixes = [pairs.decide(values[:size]) for size in range(1, values.size + 1)]
    for before, after in itertools.pairwise(prefixes):
        assert before.low is None or after.low >= before.low - 1e-12
        assert before.high is None or after.high <= before.high + 1e-12
        if before.outcome != "undecided":
            assert (after.outcome, after.decided_after) == (before.outcome, before.decided_after)
    last = prefixes[-1]
    if last.decided_after:
        assert prefixes[last.decided_after - 1].outcome == last.outcome
        assert [one.outcome for one in prefixes[: last.decided_after - 1]] == ["undecided"] * (last.decided_after - 1)


@given(CHANGES, st.floats(-1, 1), st.floats(0, 1))
@FEW
def test_the_wealth_falls_as_the_shift_rises(values, shift, more):
    units = pairs.scales(values)
    assert (pairs.wealth(values - shift - more, units) <= pairs.wealth(values - shift, units) + 1e-12).all()


@given(st.integers(0, 10**6), st.floats(0.001, 0.1))
@FEW
def test_the_interval_is_made_of_the_shifts_that_are_not_excluded(seed, spread):
    values = noisy(seed, spread=spread)
    units, (low, high) = pairs.scales(values), pairs.interval(values)
    step = 1e-9

    def excluded(rest):
        return pairs.wealth(rest, units).max() >= ENOUGH

    assert excluded(values - (low - step))
    assert not excluded(values - (low + step))
    assert excluded((high + step) - values)
    assert not excluded((high - step) - values)


@given(CHANGES, st.floats(0.001, 0.3))
@FEW
def test_what_is_shown_is_what_the_interval_says(values, effect):
    least = math.log1p(effect)
    low, high = (end if end is not None else far for end, far in zip(pairs.interval(values), (-9, 9), strict=True))
    assume(min(abs(end - at) for end in (low, high) for at in (-least, 0, least)) > 1e-9)
    before = values.size > 1 and pairs.first_shown(values[:-1], effect)[1]
    if not before:  # of what was shown earlier the interval may say more by now
        inside = -least < low and high < least
        expected = "same" if inside else "slower" if low > 0 else "faster" if high < 0 else "undecided"
        assert pairs.decide(values, effect).outcome == expected


def test_a_scale_knows_nothing_of_its_own_pair_or_of_later_ones():
    values = noisy(1, 12)
    whole = pairs.scales(values)
    for at in range(12):
        other = np.concatenate([values[:at], np.full(12 - at, 9.0)])
        assert pairs.scales(other)[at] == pytest.approx(whole[at], nan_ok=True)
    assert np.isnan(whole[:2]).all()
    assert pairs.scales(noisy(3, 400))[-1] == pytest.approx(0.03, rel=0.1)


@pytest.mark.parametrize(
    ("change", "outcome"), [(0.05, "slower"), (-0.05, "faster"), (0.0, "same"), (0.003, "same"), (0.3, "slower")]
)
def test_what_two_per_cent_of_noise_lets_one_see(change, outcome):
    found = [pairs.first_shown(noisy(seed, 60, math.log1p(change), 0.0283), 0.05) for seed in range(40)]
    assert {shown for shown, _ in found} == {outcome}
    assert np.median([after for _, after in found]) <= 16


def test_a_wild_pair_does_not_decide():
    values = noisy(5, 30, math.log(1.05), 0.0283)
    for wild in (-3.0, 3.0):
        for at in (0, 4, 11):
            changed = values.copy()
            changed[at] = wild
            assert pairs.decide(changed).outcome == "slower"


@pytest.mark.parametrize("sign", [-1, 1])
def test_what_lies_far_off_weighs_no_more_than_what_lies_at_the_reach(sign):
    units = np.array([math.nan, math.nan, 0.02, 0.02])
    far, near = (pairs.wealth(sign * np.array([0.01, 0.01, 0.02, at]), units)[-1] for at in (7.0, pairs.REACH * 0.02))
    assert far == near
    assert pairs.wealth(sign * np.array([0.01, 0.01, 0.02, 0.01]), units)[-1] != near


def test_equal_runs_are_the_same_and_equal_changes_are_changes():
    same, slower = pairs.decide(np.zeros(20)), pairs.decide(np.full(20, 0.1))
    assert (same.outcome, same.estimate) == ("same", 0)
    assert (slower.outcome, slower.low, slower.high) == ("slower", pytest.approx(0.1), pytest.approx(0.1))
    assert slower.decided_after == same.decided_after <= 10


def test_a_change_that_is_certain_and_too_small_to_matter_is_the_same():
    values = noisy(2, 60, 0.01, 0.004)
    assert pairs.decide(values, effect=0.2).outcome == "same"
    assert pairs.decide(values, effect=0.002).outcome == "slower"
    assert pairs.decide(values, effect=0.2).low > 0


def test_few_pairs_bound_nothing():
    found = pairs.decide(np.array([0.2, 0.2, 0.2]))
    more = pairs.to_go(np.array([0.2, 0.2, 0.2]), pairs.EFFECT)
    assert found == pairs.Decision("undecided", None, None, None, pytest.approx(0.2), more)
    assert more is not None
    assert pairs.interval(np.array([])) == (None, None)
    with pytest.raises(DamagedData, match="no pair"):
        pairs.decide(np.array([]))


def test_how_many_more_pairs_is_told_once_a_bet_leads():
    for level in (0.1, -0.1, 0.0):  # slower, faster, the same
        left = [pairs.to_go(np.full(count, level), pairs.EFFECT) for count in range(2, 9)]
        decided = pairs.decide(np.full(20, level)).decided_after
        assert left == sorted(left, reverse=True)
        assert abs(left[-1] + 8 - decided) <= 2
    assert pairs.to_go(np.array([0.2, -0.2] * 10), 0.0001) is None


def test_differences_are_of_head_to_base_and_of_pairs():
    assert pairs.differences([1.0, 2.0], [2.0, 1.0]) == pytest.approx([math.log(2), -math.log(2)])
    with pytest.raises(DamagedData, match="not in pairs"):
        pairs.differences([1.0, 2.0], [1.0])
    with pytest.raises(DamagedData):
        pairs.differences([1.0, 0.0], [1.0, 1.0])


def test_equal_values_differ_by_nothing_whatever_they_are():
    assert pairs.differences([0.0, -2.0, 1.0], [0.0, -2.0, 1.0]).tolist() == [0, 0, 0]
    assert pairs.decide(pairs.differences([0.0] * 12, [0.0] * 12)).outcome == "same"
    assert not any(pairs.have_ratio(*pair) for pair in ((0.0, 1.0), (-1.0, -2.0), (math.inf, math.inf), (math.nan, 1)))
