import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.compare.stats import bootstrap, decision, drift, power, rank_interval
from bench.errors import BenchError, DamagedData

TIMES = st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=9)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (4, 7), (2, 30), (10, 10), (7, 12)])
@pytest.mark.parametrize("alpha", [0.008, 0.01, 0.05])
def test_the_cut_is_that_of_the_exact_distribution(n, m, alpha):
    cut = rank_interval.cut(n, m, alpha)
    draws = np.array([0.0])  # U counted independently: all ways to choose the ranks of the smaller sample
    if math.comb(n + m, n) <= 60_000:
        draws = np.array([sum(chosen) - n * (n - 1) // 2 for chosen in itertools.combinations(range(n + m), n)])
        assert (draws < cut).mean() <= alpha / 2
        assert (draws < cut + 1).mean() > alpha / 2
    # The exact test rejects exactly where the interval leaves 0 out. Of two samples that do not overlap, two orders of
    # C(n + m, n) are as extreme (as scipy.stats.mannwhitneyu, method "exact", has it).
    x, y = np.arange(n, dtype=float), np.arange(n, n + m, dtype=float) - 0.5
    found = rank_interval.interval(x, y, alpha)
    p = 2 / math.comb(n + m, n)
    assert (found is not None and found.low > 0) == (p <= alpha)


def test_large_samples_use_the_normal_approximation():
    u = np.array(rank_interval._orders(51, 51), dtype=float).cumsum() / math.comb(102, 51)
    cut = rank_interval.cut(51, 51, 0.008)
    assert u[cut - 3] <= 0.004 <= u[cut + 3]
    assert rank_interval.cut(0, 5, 0.01) == 0


def test_too_few_runs_have_no_interval():
    for n, m in [(1, 1), (1, 30), (3, 3), (4, 5)]:
        assert rank_interval.cut(n, m, decision.ALPHA) == 0
    assert rank_interval.cut(5, 5, decision.ALPHA) == 1
    # Twenty and three have an interval of ranks, and yet three are too few to know how much they scatter.
    assert rank_interval.cut(20, 3, decision.ALPHA) == 4
    assert [power.possible(*sizes, decision.ALPHA) for sizes in ((5, 5), (20, 3), (300, 1))] == [True, False, False]


def ends(said):
    return said.interval.low, said.interval.high


def mirrored(said):
    return -said.interval.high, -said.interval.low


ROUNDED = st.lists(st.integers(45, 60), min_size=1, max_size=12).map(lambda steps: [step / 100 for step in steps])
SWAPPED = {"slower": "faster", "faster": "slower"}


@given(st.one_of(TIMES, ROUNDED), st.one_of(TIMES, ROUNDED), st.randoms())
@settings(deadline=None)
def test_neither_the_side_nor_the_order_decides(first, second, chance):
    there, back = decision.decide(first, second), decision.decide(second, first)
    assert back.outcome == SWAPPED.get(there.outcome, there.outcome)
    assert back.estimate == pytest.approx(-there.estimate, abs=1e-12)
    assert (back.runs_needed, back.interval is None) == (there.runs_needed, there.interval is None)
    if there.interval is not None:
        assert ends(back) == pytest.approx(mirrored(there), abs=1e-9)
    if len(first) == len(second):  # a longer session may drift
        mixed = chance.sample(first, len(first)), chance.sample(second, len(second))
        assert decision.decide(*mixed) == there


@given(ROUNDED, ROUNDED)
@settings(deadline=None)
def test_the_estimate_lies_within_the_interval(first, second):
    said = decision.decide(first, second)
    if said.interval is not None:
        assert said.interval.holds(said.estimate)
        assert said.interval.high - said.interval.low < 10  # all of these times lie within a factor of 1.4


def test_the_seed_does_not_depend_on_which_side_is_first():
    draw = np.random.default_rng(8)
    for size in (6, 9, 12):
        first, second = draw.lognormal(0, 0.02, size).tolist(), draw.lognormal(0.03, 0.02, 9).tolist()
        there, back = decision.decide(first, second), decision.decide(second, first)
        assert ends(there) == pytest.approx(mirrored(back), abs=1e-12)
        assert decision.decide(first[::-1], second[::-1]).interval == there.interval


@given(TIMES, TIMES, st.floats(0.01, 100))
@settings(max_examples=60, deadline=None)
def test_the_unit_does_not_matter(first, second, scale):
    there = decision.decide(first, second)
    scaled = decision.decide([value * scale for value in first], [value * scale for value in second])
    assert scaled.estimate == pytest.approx(there.estimate, abs=1e-6)


@given(st.lists(st.floats(1, 1.2), min_size=5, max_size=12), st.lists(st.floats(1, 1.2), min_size=5, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_short_cut_for_simulations_is_the_rule(first, second):
    assert decision.alarm(first, second) == (decision.decide(first, second).outcome in ("slower", "faster"))


def test_the_same_input_gives_the_same_interval():
    draw = np.random.default_rng(3)
    first, second = draw.lognormal(0, 0.02, 8).tolist(), draw.lognormal(0.05, 0.02, 9).tolist()
    assert decision.decide(first, second) == decision.decide(first, second)


def test_false_alarms_stay_below_one_per_cent_and_a_change_is_seen():
    draw = np.random.default_rng(11)
    for size in ((5, 5), (10, 10), (5, 30)):
        calls = [
            decision.alarm(draw.lognormal(0, 0.02, size[0]).tolist(), draw.lognormal(0, 0.02, size[1]).tolist())
            for _ in range(1000)
        ]
        assert sum(calls) <= 16  # 1000 at 0.8 %: more than 16 once in 400
    seen = [
        decision.alarm(draw.lognormal(0, 0.02, 10).tolist(), (1.05 * draw.lognormal(0, 0.02, 10)).tolist())
        for _ in range(150)
    ]
    assert np.mean(seen) >= 0.93


def test_two_levels_do_not_fool_three_runs():
    assert decision.decide([1.0, 1.001, 1.002], [1.04, 1.041, 1.042]).outcome == "insufficient"


def test_one_wild_run_does_not_hide_a_change():
    draw = np.random.default_rng(2)
    first, second = draw.lognormal(0, 0.01, 12).tolist(), (1.08 * draw.lognormal(0, 0.01, 12)).tolist()
    first[3] *= 3
    assert decision.decide(first, second).outcome == "slower"


def test_a_sure_but_tiny_change_is_not_called():
    first = [100 + 0.001 * step for step in range(10)]
    said = decision.decide(first, [value * 1.005 for value in first])
    assert said.outcome == "none"
    assert said.interval.low > 0


def test_equal_runs_are_no_difference():
    said = decision.decide([100.0] * 5, [100.0] * 5)
    assert (said.outcome, said.estimate, *ends(said)) == ("none", 0, 0, 0)


@pytest.mark.parametrize(("runs", "deviation"), [(3, 0.01), (5, 0.03)])
def test_too_few_runs_say_how_many_are_needed(runs, deviation):
    steps = np.linspace(-1.3, 1.3, runs) * deviation
    said = decision.decide(np.exp(steps).tolist(), np.exp(steps).tolist())
    assert said.outcome == "insufficient"
    assert runs < said.runs_needed < 40


def test_single_runs_need_five():
    assert decision.decide([1.0], [1.2]).runs_needed == 5


def test_hopeless_scatter_is_the_hosts_noise():
    draw = np.random.default_rng(4)
    said = decision.decide(draw.lognormal(0, 0.5, 10).tolist(), draw.lognormal(0, 0.5, 10).tolist())
    assert (said.outcome, said.runs_needed) == ("noisy", None)


def test_noise_above_the_wanted_effect_is_the_hosts_noise():
    draw = np.random.default_rng(5)
    first, second = draw.lognormal(0, 0.01, 10).tolist(), (1.06 * draw.lognormal(0, 0.01, 10)).tolist()
    assert decision.decide(first, second).outcome == "slower"
    assert decision.decide(first, second, least=0.08).outcome == "noisy"


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_value_that_is_no_time_is_an_error(bad):
    with pytest.raises(DamagedData):
        decision.decide([1.0, bad], [1.0])


def test_nothing_to_compare_is_an_error():
    with pytest.raises(bootstrap.ArithmeticFailed) as caught:
        decision.decide([], [1.0])
    assert isinstance(caught.value, BenchError)


def test_the_least_effect_is_never_below_one_per_cent():
    assert decision.least_effect(None) == decision.least_effect(0.001) == 0.01
    assert decision.least_effect(0.03) == 0.03


def test_values_are_drawn_in_only_where_they_are_far():
    near = np.array([0.0, 0.01, -0.01, 0.02])
    assert all(np.array_equal(*pair) for pair in zip(bootstrap.bounded(near, near), (near, near), strict=True))
    far, other = bootstrap.bounded(np.append(near, 5.0), near)
    assert far.max() < 0.2
    assert np.array_equal(other, near)


def test_the_bootstrap_interval_is_close_to_students_for_normal_noise():
    draw = np.random.default_rng(6)
    x, y = draw.normal(0, 1, 30), draw.normal(0, 1, 30)
    found = bootstrap.percentile_t(x, y, 0.01)
    t = 2.6632869535376584  # scipy.stats.t.ppf(0.995, 58), of scipy 1.17.1
    half = t * math.sqrt(x.var(ddof=1) / 30 + y.var(ddof=1) / 30)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.12)
    assert bootstrap.percentile_t(x[:1], y, 0.01) is None


def test_more_runs_show_smaller_changes():
    smallest = [power.smallest_detectable(0.02, n, n, 0.008, 0.00995) for n in (5, 10, 20, 40)]
    assert smallest == sorted(smallest, reverse=True)
    assert power.smallest_detectable(0.02, 3, 3, 0.008, 0.01) is None
    assert power.runs_needed(0.0, 8, 0.008, 0.01, 0.0488) == 5
    assert power.runs_needed(1.0, 8, 0.008, 0.01, 0.0488) is None


def steps(count, slope, seed, level=1.0):
    return (level * np.exp(slope * np.arange(count) + np.random.default_rng(seed).normal(0, 0.003, count))).tolist()


def test_a_drift_that_goes_on_explains_a_difference():
    both = steps(20, 0.005, 7)
    places = (range(10), range(10, 20))
    assert decision.decide(both[:10], both[10:]).outcome == "slower"  # nothing said that they followed one another
    said = decision.decide(both[:10], both[10:], places=places)
    assert said.outcome == "noisy"
    assert said.drift.explains
    assert not decision.alarm(both[:10], both[10:], places=places)


def test_a_step_is_not_a_drift():
    first, second = steps(10, 0, 8), steps(10, 0, 9, level=1.1)
    assert decision.decide(first, second, places=(range(10), range(10, 20))).outcome == "slower"


def test_interleaved_runs_stand_in_spite_of_drift():
    both = np.array(steps(20, 0.005, 10))
    places = (range(0, 20, 2), range(1, 20, 2))
    assert decision.decide(both[::2].tolist(), (both[1::2] * 1.1).tolist(), places=places).outcome == "slower"
    assert drift.find(both[::2].tolist(), both[1::2].tolist(), places) is not None


def test_unequal_sessions_that_warm_up_are_not_told_apart_by_it():
    first, second = steps(8, 0.004, 12), steps(30, 0.004, 13)
    assert decision.decide(first, second).outcome == "noisy"
    assert drift.find(first, first) is None
    assert drift.find([1.0, 1.0], [1.0]) is None
    assert drift.find(steps(5, 0, 1), steps(9, 0, 2)) is None


def test_a_drift_without_any_noise_does_not_divide_by_zero():
    line = [math.exp(0.01 * step) for step in range(20)]
    assert drift.find(line[:10], line[10:], (range(10), range(10, 20))).explains
    assert drift.find([1.0] * 5, [1.0] * 9, (range(5), range(5, 14))).explains


def test_equal_runs_against_others_do_not_overflow():
    said = decision.decide([1.98, 2.0, 1.99, 1.99, 1.99, 2.01, 1.99], [4.0] * 11)
    assert said.outcome == "slower"
    assert 1.9 < math.exp(said.interval.low) < 2.01 < math.exp(said.interval.high) < 2.1


def test_one_wild_run_among_equal_ones_is_neither_a_change_nor_proof_of_none():
    said = decision.decide([10.0] * 10, [10.0] * 9 + [100.0])
    assert said.outcome in ("insufficient", "noisy")
    assert said.interval.low < 0 < said.estimate < said.interval.high
    said = decision.decide([0.5] * 9 + [0.49], [0.51] * 7 + [0.5])
    assert said.interval.low < said.estimate < said.interval.high


def test_ratios_beyond_a_float_are_an_error():
    with pytest.raises(bootstrap.ArithmeticFailed, match="not finite"):
        decision.decide([1e-300] * 6, [1e300] * 6)


def test_a_noisy_side_keeps_its_own_spread():
    draw = np.random.default_rng(21)
    quiet, wide = draw.normal(0, 0.003, 10), draw.normal(0, 0.03, 10)
    same, clipped = bootstrap.bounded(quiet, wide)
    assert np.array_equal(same, quiet)
    assert clipped.std() > 0.9 * wide.std()


@pytest.mark.parametrize(("n", "m"), [(30, 2), (30, 3), (30, 5), (10, 10)])
def test_a_quiet_history_and_a_noisy_session_are_not_called_different(n, m):
    draw = np.random.default_rng(22)
    calls = sum(
        decision.alarm(draw.lognormal(0, 0.003, n).tolist(), draw.lognormal(0, 0.03, m).tolist()) for _ in range(800)
    )
    assert calls <= 14  # 800 at 0.8 %: more than 14 once in 300


def test_two_noisy_runs_are_too_few_beside_any_history():
    draw = np.random.default_rng(23)
    said = decision.decide(draw.lognormal(0, 0.003, 60).tolist(), [1.04, 1.06])
    assert (said.outcome, said.interval) == ("insufficient", None)


def test_as_many_runs_as_were_asked_for_show_the_change():
    draw = np.random.default_rng(24)
    seen = []
    while len(seen) < 60:
        said = decision.decide(draw.lognormal(0, 0.02, 3).tolist(), draw.lognormal(0, 0.02, 3).tolist())
        if said.runs_needed is not None:
            size = said.runs_needed
            seen.append(
                decision.alarm(draw.lognormal(0, 0.02, size).tolist(), (1.05 * draw.lognormal(0, 0.02, size)).tolist())
            )
    assert np.mean(seen) >= 0.88


def test_no_more_runs_are_asked_for_where_there_is_an_answer():
    draw = np.random.default_rng(25)
    first = draw.lognormal(0, 0.01, 10)
    for level, outcome in ((1.0, "none"), (1.1, "slower"), (0.9, "faster")):
        said = decision.decide(first.tolist(), (level * draw.lognormal(0, 0.01, 10)).tolist())
        assert (said.outcome, said.runs_needed) == (outcome, None)


def test_as_many_as_were_asked_for_do_for_two_level_noise_too():
    draw = np.random.default_rng(28)

    def levels(count):
        return np.exp((draw.random(count) < 0.3) * 0.042 + draw.normal(0, 0.0053, count))

    seen = []
    for _ in range(80):
        size = decision.decide(levels(30).tolist(), levels(1).tolist()).runs_needed
        seen.append(decision.alarm(levels(size).tolist(), (1.05 * levels(size)).tolist()))
    assert np.mean(seen) >= 0.82  # 0.67 without a look at the far values


BACK_TO_BACK = (range(10), range(10, 20))


def test_back_to_back_without_a_drift_is_not_called_a_drift():
    draw = np.random.default_rng(26)
    outcomes = []
    for _ in range(60):
        first, second = draw.lognormal(0, 0.02, 10).tolist(), (1.05 * draw.lognormal(0, 0.02, 10)).tolist()
        if decision.decide(first, second).outcome == "slower":
            said = decision.decide(first, second, places=BACK_TO_BACK)
            outcomes.append(said.outcome)
            if said.outcome == "insufficient":
                assert said.drift.explains
                assert not said.drift.seen
                assert said.runs_needed > 10
            elif said.outcome == "noisy":
                assert said.drift.slope > 0
    assert outcomes.count("insufficient") > 2 * outcomes.count("noisy")


def test_what_back_to_back_runs_promise_allows_for_a_drift():
    draw = np.random.default_rng(27)
    first, second = draw.lognormal(0, 0.02, 10).tolist(), draw.lognormal(0, 0.02, 10).tolist()
    apart, following = decision.decide(first, second), decision.decide(first, second, places=BACK_TO_BACK)
    turns = decision.decide(first, second, places=(range(0, 20, 2), range(1, 20, 2)))
    assert following.smallest_detectable > 1.5 * apart.smallest_detectable
    assert turns.smallest_detectable < 1.2 * apart.smallest_detectable
    assert drift.inflation(BACK_TO_BACK) == pytest.approx(4, rel=0.02)
    assert drift.inflation(None) == drift.inflation((range(1), range(1, 9))) == 1
    promised = math.exp(following.smallest_detectable)
    seen = [
        decision.alarm(
            draw.lognormal(0, 0.02, 10).tolist(), (promised * draw.lognormal(0, 0.02, 10)).tolist(), places=BACK_TO_BACK
        )
        for _ in range(60)
    ]
    assert np.mean(seen) > 0.85
