"""The runs of an experiment: their order, what ends it, and which figure decides."""

from dataclasses import replace

import pytest

from bench.compare.experiment import head_goes_first, place
from bench.engine.interrupt import Interrupts
from bench.errors import NotMeasured
from bench.run.ab.experiment import new_sides
from bench.run.ab.pairs import Pairs, Rules, of_pairs, planned, told
from bench.run.host_snapshot import unseen
from bench.run.measurement import Measurement
from bench.run.schedule import make_runs

SEED = 7
NEVER = Rules(max_pairs=4, settled=lambda figure: False)


@pytest.fixture
def pairs(open_session, plans):
    """Make the pairs of two sides that have begun."""
    session = open_session()

    def made(rules, first=0, follow=lambda _: None, metric="wall", **heads):
        sides, interrupts = [], Interrupts()
        for plan, new in zip(plans.values(), new_sides(SEED, metric, 0.05, ("v1", "")), strict=True):
            changed = replace(plan, **heads) if new.side == "head" else plan
            side = Measurement(changed, session, unseen("nobody looked"), interrupts)
            side.experiment = planned(new, first, max(rules.max_pairs, first))
            sides.append(side.begin())
        return Pairs(*sides, rules, first, follow)

    with session:
        yield made


def tossed(*numbers):
    """The sides in the order of the coins of these pairs."""
    return [side for pair in numbers for side in sorted(("base", "head"), key=lambda side: place(side, SEED, pair))]


def test_each_pair_runs_in_the_order_of_its_coin_up_to_the_most_pairs(pairs, ran):
    order = pairs(NEVER)
    make_runs(order)
    assert ran() == tossed(0, 1, 2, 3)
    assert {head_goes_first(SEED, pair) for pair in range(4)} == {True, False}
    assert order.ended_by == "max_pairs"
    assert [len(side.runs) for side in order.results] == [4, 4]


def test_one_that_goes_on_begins_after_its_pairs(pairs, ran):
    order = pairs(NEVER, first=2)
    make_runs(order)
    assert ran() == tossed(2, 3)
    assert [told(side).pair for side in order.results] == [(2, 3)] * 2


def test_it_ends_as_soon_as_it_is_decided_and_tells_after_each_pair(pairs, takes):
    takes(head=11.0)
    heard = []
    order = pairs(Rules(), follow=heard.append)
    make_runs(order)
    assert order.ended_by == "decided"
    assert [trial.made for trial in heard] == list(range(1, len(order.base.runs) + 1))
    assert [trial.decides.outcome for trial in heard[:-1]] == ["undecided"] * (len(heard) - 1)
    assert (heard[-1].decides.name, heard[-1].decides.outcome, len(heard) < 30) == ("wall", "slower", True)


def test_the_fewest_pairs_are_made_though_it_is_decided(pairs, takes):
    takes(head=11.0)
    order = pairs(Rules(min_pairs=25))
    make_runs(order)
    assert (order.ended_by, len(order.base.runs)) == ("decided", 25)


def test_less_certainty_takes_fewer_pairs(pairs, takes):
    takes(head=11.0)
    few, more = pairs(Rules(alpha=0.2)), pairs(Rules(alpha=0.0001))
    for order in (few, more):
        make_runs(order)
    assert len(few.base.runs) < len(more.base.runs)


@pytest.mark.parametrize(
    ("outcomes", "ended_by", "runs"),
    [
        (["failed"], "failed", 2),  # the other run of its pair is made all the same
        (["passed", "timed_out"], "failed", 2),
        (["passed"] * 4 + ["oom_killed"], "failed", 6),
        ([NotMeasured("no room")], "lost", 1),
        (["passed"] * 3 + [NotMeasured("no room")], "lost", 4),
        (["passed"] * 2 + [KeyboardInterrupt()], "interrupted", 3),
        (["passed", "interrupted"], "interrupted", 2),
    ],
)
def test_what_ends_it_before(pairs, stand_in, outcomes, ended_by, runs):
    stand_in.outcomes = outcomes
    order = pairs(NEVER)
    make_runs(order)
    assert (order.ended_by, len(stand_in.executed)) == (ended_by, runs)


def test_sides_that_are_not_alike_are_told_after_one_pair(pairs):
    order = pairs(NEVER, profile="smoke")
    make_runs(order)
    assert (order.ended_by, len(order.base.runs)) == ("unlike", 1)


def test_a_figure_that_no_run_has_ends_it_after_one_pair(pairs):
    order = pairs(NEVER, metric="call")
    make_runs(order)
    assert (order.ended_by, len(order.base.runs)) == ("no_figure", 1)


def test_if_nobody_chose_the_figure_another_decides_that_there_is(pairs):
    order = pairs(replace(NEVER, otherwise="wall"), metric="call")
    make_runs(order)
    assert (order.ended_by, len(order.base.runs)) == ("max_pairs", 4)
    assert [told(side).metric for side in order.results] == ["wall", "wall"]


@pytest.mark.parametrize(("budget_s", "made"), [(79.0, 3), (80.0, 4), (19.0, 1)])
def test_a_pair_that_would_not_fit_into_the_budget_is_not_begun(pairs, stand_in, monkeypatch, budget_s, made):
    monkeypatch.setattr("bench.run.ab.pairs.now", lambda: 10.0 * len(stand_in.executed))
    order = pairs(replace(NEVER, max_pairs=9, budget_s=budget_s))
    make_runs(order)
    assert (order.ended_by, len(order.base.runs)) == ("budget", made)


def test_pairs_to_come_are_planned_behind_those_that_are_there():
    base, head = new_sides(SEED, "wall", 0.05, ("", ""))
    known = of_pairs(base, (0, 2))
    assert planned(known, 5, 8).pair == (0, 2, 5, 6, 7)
    assert planned(known, 5, 8) == of_pairs(base, (0, 2, 5, 6, 7))
    assert planned(known, 5, 5) == known
    other = of_pairs(head, range(40))
    assert all({*both} == {0, 1} for both in zip(of_pairs(base, range(40)).order, other.order, strict=True))
    assert other.order == tuple(0 if head_goes_first(SEED, pair) else 1 for pair in range(40))
