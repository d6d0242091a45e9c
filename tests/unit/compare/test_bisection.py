import math

import numpy as np
import pytest

from bench.compare.bisection import answer_of, decisions_planned, ends_are_settled, share, threshold_of
from bench.compare.experiment import PairedChange
from bench.compare.stats import pairs


def figure(change, low, high, outcome="slower", better="lower", why=None):
    return PairedChange("call", "s", better, 1.0, 1.0, 9, outcome=outcome, change=change, low=low, high=high, why=why)


def test_the_ends_need_pairs_until_half_of_the_change_is_certain():
    assert not ends_are_settled(figure(0.1, 0.02, 0.2))
    assert ends_are_settled(figure(0.1, 0.06, 0.2))
    assert ends_are_settled(figure(0.0, -0.01, 0.01, "same"))
    assert ends_are_settled(figure(-0.1, -0.2, -0.01, "faster"))
    assert not ends_are_settled(figure(0.1, None, None, "undecided"))


def test_the_threshold_is_half_of_the_change_and_never_more_than_is_certain():
    assert threshold_of(figure(0.1, 0.06, 0.2)) == pytest.approx(math.log(1.1) / 2)
    assert threshold_of(figure(0.1, 0.02, 0.2)) == pytest.approx(math.log(1.02))
    assert threshold_of(figure(0.0, -0.01, 0.01, "same")) is None
    # Of what is better if higher, a fall is worse.
    assert threshold_of(figure(-0.2, -0.25, -0.15, better="higher")) == pytest.approx(-math.log(0.8) / 2)


@pytest.mark.parametrize(
    ("low", "high", "better", "said"),
    [
        (0.06, 0.2, "lower", "bad"),
        (-0.1, 0.04, "lower", "good"),
        (0.04, 0.06, "lower", "undecided"),
        (None, None, "lower", "undecided"),
        (-1.0, 0.04, "lower", "good"),
        (-0.2, -0.06, "higher", "bad"),
        (-0.04, None, "higher", "good"),
    ],
)
def test_a_commit_is_held_against_the_threshold(low, high, better, said):
    assert answer_of(figure(0.0, low, high, better=better), math.log(1.05)) == said


def test_a_figure_that_cannot_be_judged_answers_nothing():
    assert answer_of(figure(None, None, None, why="no run has it"), 0.05) == "undecided"


def test_the_interval_answers_as_the_bets_against_the_threshold_do():
    draw = np.random.default_rng(3)
    for change in (0.0, 0.1):
        found = change + draw.normal(0, 0.02, 40)
        outcome, after = pairs.first_shown(found - 0.05, 0.0, 0.002)
        for made in (after - 1, after):
            low, high = pairs.interval(found[:made], 0.002)
            shown = figure(0.0, *(None if end is None else math.expm1(end) for end in (low, high)))
            expected = "undecided" if made < after else {"slower": "bad", "faster": "good"}[outcome]
            assert answer_of(shown, 0.05) == expected


def test_all_shares_are_one_percent_at_most():
    for planned in (1, 2, 6, 12):
        assert sum(share(number, planned) for number in range(200)) <= 0.01
        assert share(0, planned) == share(planned - 1, planned) > share(planned, planned) > 0
    assert [decisions_planned(commits) for commits in (1, 2, 3, 31, 32, 33)] == [1, 2, 3, 6, 6, 7]
