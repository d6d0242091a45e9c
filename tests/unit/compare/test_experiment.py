"""Two sides of an experiment, judged from their records alone."""

import math

import msgspec
import pytest

from bench.compare.alignment import align
from bench.compare.comparison import compare
from bench.compare.experiment import head_goes_first, place, trial_of
from bench.compare.likeness.configuration import setup_of
from bench.compare.reasons import outcome_word, trial_reason
from bench.compare.reference import barred, like
from bench.errors import DamagedData, NotComparable
from bench.record.schema import Metric, Warning_
from tests.support.paired import noisy, run, side
from tests.support.records import make_record, replace

BASE, HEAD, SAME = side("base", noisy(1.0, 12, 1)), side("head", noisy(1.1, 12, 2)), side("head", noisy(1.0, 12, 3))


def test_the_sides_are_judged_by_their_pairs_and_their_sources_are_under_test():
    slower = compare(BASE, HEAD)
    assert (slower.status, slower.exit_code) == ("code_regressed", 1)
    assert slower.reasons[0].startswith("slower: call +")
    assert 1.05 < slower.ratio_low < slower.ratio < slower.ratio_high < 1.15
    assert compare(HEAD, BASE).status == "code_improved"
    same = compare(BASE, SAME)  # over the ceiling on both sides, which is not what was asked
    assert (same.status, same.exit_code) == ("same", 0)
    assert same.reasons[0].startswith("the same within 5.0 %: call ")


def test_the_coins_are_fair_and_are_the_same_everywhere():
    assert [head_goes_first(7, pair) for pair in range(8)] == [True, False, False, True, True, False, False, True]
    tossed = [head_goes_first(seed, pair) for seed in range(50) for pair in range(40)]
    assert 900 < sum(tossed) < 1100
    assert all({place("base", 1, pair), place("head", 1, pair)} == {0, 1} for pair in range(9))


def test_an_order_that_was_not_drawn_is_damaged():
    turned = replace(BASE, experiment=replace(BASE.experiment, order=tuple(1 - one for one in BASE.experiment.order)))
    with pytest.raises(DamagedData, match="not the one that was drawn"):
        compare(turned, HEAD)
    with pytest.raises(DamagedData, match="which run is of which pair"):
        compare(side("base", [1.0, 1.0], pairs=(4, 4)), HEAD)


def test_only_pairs_whose_runs_both_passed_and_did_not_stand_still_count():
    frozen = run(1, 90.0, warnings=(Warning_("frozen", "stood still"),))
    disturbed = run(2, 1.0, warnings=(Warning_("cpu_steal", "disturbed"),))
    base = side("base", [1.0, frozen, disturbed, run(3, 5.0, "failed"), 1.0])
    head = side("head", [1.0, 1.0, 1.0, 1.0], pairs=(0, 1, 2, 3))
    trial = trial_of(base, head)
    assert (trial.made, trial.compared, msgspec.to_builtins(trial)["judged"]) == (4, 2, 2)
    assert trial.left_out == (
        "1 pair not judged: one side did not run",
        "1 pair not judged: a run did not pass",
        "1 pair not judged: a run stood still for a while",
    )


def test_a_side_that_failed_more_often_is_not_called_faster():
    head = side("head", [*noisy(0.8, 11, 4), run(11, 0.1, "failed")])
    assert compare(BASE, head).status == "insufficient_runs"


def test_other_tests_are_another_measurement():
    other = tuple(replace(one, tests=(replace(one.tests[0], node="test_x.py::test_z"),)) for one in HEAD.runs)
    assert compare(BASE, replace(HEAD, runs=other)).status == "tests_differ"


def test_two_engines_under_test_may_set_other_resource_limits():
    def in_engine(record, name, nproc):
        runs = tuple(replace(one, cgroup={"ulimits": {"nproc": nproc}}) for one in record.runs)
        return replace(record, runs=runs, engine=replace(record.engine, name=name))

    base = in_engine(BASE, "docker", "unlimited")
    assert compare(base, in_engine(SAME, "local", 96364)).status == "same"
    assert compare(base, in_engine(SAME, "docker", 96364)).status == "limit_bound"


def test_a_metric_is_worse_or_better_by_its_direction():
    def rated(record, values, better):
        metrics = [{"rate": Metric(value, "GB/s", better)} for value in values]
        runs = tuple(replace(one, metrics=own) for one, own in zip(record.runs, metrics, strict=True))
        return replace(record, runs=runs, experiment=replace(record.experiment, metric="rate"))

    words = {}
    for better in ("higher", "lower", "none"):
        base, head = rated(BASE, noisy(10.0, 12, 5), better), rated(HEAD, noisy(8.0, 12, 6), better)
        comparison = compare(base, head)
        words[better] = (outcome_word(comparison.experiment.decides), comparison.exit_code)
    assert words == {"higher": ("worse", 1), "lower": ("better", 0), "none": ("undecided", 6)}
    reason = "nothing can be decided by rate: nobody told whether more or less of it is better"
    assert comparison.reasons[0] == reason


def test_a_metric_in_two_units_decides_nothing():
    def timed(record, values, unit):
        runs = tuple(
            replace(one, metrics={"p99": Metric(value, unit, "lower")})
            for one, value in zip(record.runs, values, strict=True)
        )
        return replace(record, runs=runs, experiment=replace(record.experiment, metric="p99"))

    found = compare(timed(BASE, noisy(1.0, 12, 5), "s"), timed(HEAD, noisy(1000.0, 12, 6), "ms"))
    assert (found.status, found.exit_code) == ("insufficient_runs", 6)
    assert found.reasons[0] == "nothing can be decided by p99: one side has it in 's', the other in 'ms'"


def test_what_bounds_nothing_yet_is_said_so():
    few = trial_of(side("base", [1.0, 1.0]), side("head", [1.0, 1.1]))
    assert trial_reason(few) == "undecided after 2 pairs: call has no interval yet, the first takes about 9 pairs"
    none = trial_of(side("base", []), side("head", []))
    assert trial_reason(none) == "nothing can be decided: no pair has two runs that count"
    lost = trial_of(side("base", [1.0], metric="x"), side("head", [1.0], metric="x"))
    assert trial_reason(lost) == "nothing can be decided by x: no run has it"
    zero = trial_of(side("base", [0.0]), side("head", [1.0]))
    assert trial_reason(zero) == "nothing can be decided by call: a figure of 0 has no ratio"


def test_sides_of_different_experiments_are_compared_as_any_results():
    other = replace(HEAD, experiment=replace(HEAD.experiment, id="ab-2"))
    assert compare(BASE, other).experiment is None
    with pytest.raises(NotComparable, match="not the two sides of one experiment"):
        trial_of(BASE, other)


def test_no_side_is_a_reference_or_pooled():
    plain = replace(make_record(stamp="20260102T030400Z"), experiment=BASE.experiment)
    assert barred(plain, plain.diagnostic.name) == "side"
    assert like(make_record(), [BASE, HEAD]) == ()
    assert setup_of(BASE)[-1] == "base of experiment ab-1"
    (aligned,) = align([[BASE, HEAD], [make_record(stamp="20260102T030400Z")]])
    assert aligned.groups[0] == (HEAD,)
    assert "side of an experiment" in aligned.left_out[BASE.id]


def of_metric(base, head, better="lower"):
    sides = []
    for name, values in (("base", base), ("head", head)):
        made = side(name, [1.0] * len(values), metric="rate")
        runs = [
            replace(one, metrics={"rate": Metric(value, "", better)})
            for one, value in zip(made.runs, values, strict=True)
        ]
        sides.append(replace(made, runs=tuple(runs)))
    return compare(*sides)


def test_figures_that_are_many_orders_apart_are_decided_and_shown():
    slower, faster = of_metric([1e-200] * 12, [1e200] * 12), of_metric([1e200] * 12, [1e-200] * 12)
    assert (slower.exit_code, faster.exit_code) == (1, 0)
    assert slower.reasons[0] == "worse: rate over 1000x (no interval yet), decided after 9 of 12 pairs"
    assert math.isfinite(slower.experiment.decides.change)


def test_a_figure_of_0_is_the_same_as_0_and_has_no_ratio_to_another():
    assert of_metric([0.0] * 12, [0.0] * 12).status == "same"
    said = {1.0: "a figure of 0 has no ratio", -1.0: "a figure below 0 has no ratio"}
    for value, why in said.items():
        found = of_metric([0.0] * 12, [value] * 12)
        assert (found.exit_code, found.experiment.decides.why) == (6, why)


@pytest.mark.parametrize("effect", [-2.0, -1.0, 0.0, 1e308])
def test_an_effect_that_is_none_is_damaged(effect):
    with pytest.raises(DamagedData, match="has an effect of"):
        compare(side("base", [1.0], effect=effect), side("head", [1.0], effect=effect))


def test_sides_that_were_asked_other_things_are_no_experiment():
    with pytest.raises(NotComparable, match="not the two sides of one experiment"):
        compare(side("base", [1.0], effect=0.01), side("head", [1.0]))
