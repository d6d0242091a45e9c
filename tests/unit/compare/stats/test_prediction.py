import math

import numpy as np
import pytest

from bench.compare.reference import aa_noise
from bench.compare.stats.noise import session_noise
from bench.compare.stats.prediction import outliers, predict
from bench.compare.stats.values import ArithmeticFailed
from bench.errors import DamagedData
from tests.support.records import SIX, record


def rest(value):
    return [wall for wall in SIX if wall != value]


@pytest.mark.parametrize("value", SIX[:5])
def test_five_reference_runs_belong_although_the_history_holds_the_sixth(value):
    expected = predict(rest(value))
    assert expected.holds(value)
    assert expected.set_aside == (900.02,)


def test_the_sixth_does_not():
    expected = predict(rest(900.02))
    assert not expected.holds(900.02)
    assert expected.set_aside == ()
    assert expected.interval.low < 839.14
    assert expected.interval.high < 870


def test_a_ceiling_keeps_the_outlier():
    assert predict(SIX, keep_outliers=True).interval.high > 905 > predict(SIX).interval.high


def test_the_interval_is_students():
    history = [math.exp(value) for value in (0.0, 0.01, 0.02)]
    expected = predict(history)
    assert math.log(expected.interval.high) == pytest.approx(0.01 + 9.9248 * 0.01 * math.sqrt(4 / 3), rel=1e-4)
    assert expected.reach == pytest.approx(expected.interval.high / math.exp(0.01) - 1)


def test_it_holds_what_it_promises():
    draw = np.random.default_rng(0)
    outside = sum(
        not predict((history := draw.lognormal(0, 0.02, 11)).tolist()[:10]).holds(history[10]) for _ in range(1500)
    )
    assert outside / 1500 < 0.022


def test_a_short_history_predicts_nothing():
    assert predict([1.0, 2.0]) is None


def test_equal_runs_belong_to_themselves():
    assert predict([845.1] * 6).holds(845.1)


def test_damaged_and_absurd_histories_are_errors():
    with pytest.raises(DamagedData):
        predict([1.0, 2.0, -1.0])
    with pytest.raises(ArithmeticFailed):
        predict([1e-300, 1.0, 1e300])


def test_a_second_level_is_not_set_aside():
    levels = np.log(np.array([1.0] * 14 + [1.05] * 6)) + np.random.default_rng(1).normal(0, 0.003, 20)
    assert outliers(levels) == ()


def test_outliers_are_found_behind_one_another():
    values = np.append(np.random.default_rng(1).normal(0, 0.01, 28), [0.5, 0.6])
    assert sorted(outliers(values)) == [28, 29]
    assert outliers(values[:4]) == ()
    assert outliers(np.zeros(10)) == ()


def test_sessions_further_apart_than_their_runs_are_noise():
    draw = np.random.default_rng(2)
    apart = [(np.exp(level) * draw.lognormal(0, 0.003, 8)).tolist() for level in draw.normal(0, 0.02, 8)]
    together = [draw.lognormal(0, 0.01, 8).tolist() for _ in range(8)]
    assert session_noise(apart) > 0.05
    assert session_noise(together) < 0.03


def test_single_runs_count_in_full():
    assert session_noise([[1.0], [1.01], [0.99], [1.02], [0.98]]) == pytest.approx(
        math.expm1(4.6041 * math.sqrt(2) * np.std(np.log([1, 1.01, 0.99, 1.02, 0.98]), ddof=1)), rel=1e-3
    )


def test_three_sessions_are_no_history():
    assert session_noise([[1.0], [1.0], [1.0], []]) is None
    assert aa_noise([record((1.0, 1.1)), record((1.0,))]) is None
    assert aa_noise([record((1.0, 1.0)) for _ in range(4)]) == 0
