"""Series of results, the changes of their level, and the gate."""

import math

import numpy as np
import pytest

from bench.compare.history.changes import changes_of, series_of
from bench.compare.history.gate import gate, too_short, worsened
from bench.compare.history.series import alike_over_time, value_of
from bench.errors import ExitCode
from bench.record.schema import Experiment, Metric, Source
from bench.report.changes import range_text, sentence, shown_series, too_few_text
from tests.support.entries import stamps, synthetic_record
from tests.support.records import changed, replace


def over_time(scales, host="ryzen9-5950x-1f3a", commits=None, start="20261001T060000Z", **changes):
    """A result of one run for each scale, of a project at its commit."""
    made = []
    noise = np.random.default_rng(7).normal(0, 0.004, len(scales))
    for at, (stamp, scale) in enumerate(zip(stamps(len(scales), start), scales, strict=True)):
        record = synthetic_record("dtype_cpu", host, stamp=stamp, runs=1, noise=0.0, scale=scale * math.exp(noise[at]))
        commit = f"{at:02d}" * 20 if commits is None else commits[at]
        made.append(changed(record, source=Source("project", commit, False), **changes))
    return made


SLOWER = [1.0] * 14 + [1.08] * 6
FASTER = [1.0] * 14 + [0.92] * 6


def test_a_change_names_its_commits_its_size_and_how_sure_it_is():
    records = over_time(SLOWER)
    (change,) = changes_of(records)
    assert (change.before.id, change.after.id) == (records[13].id, records[14].id)
    assert (change.before.commit, change.after.commit) == ("13" * 20, "14" * 20)
    assert change.ratio_low < 1.08 < change.ratio_high
    assert change.ratio == pytest.approx(1.08, rel=0.01)
    assert change.p_value <= 0.01
    assert (change.results_before, change.results_after, change.worse, change.newest) == (14, 6, True, True)
    assert range_text(change) == "1313131313 to 1414141414"
    assert "wall worse since 2026-10-11 18:00 UTC, +7.8 %" in sentence(change)


def test_the_order_in_which_results_are_given_is_none():
    records = over_time(SLOWER)
    assert changes_of(records[::-1]) == changes_of(records)


def test_the_worst_change_of_all_hosts_comes_first():
    other = over_time([1.0] * 12 + [1.3] * 8, "xeon-8488c-77be")
    third = over_time(FASTER, "epyc-7763-a01c")
    found = changes_of([*third, *over_time(SLOWER), *other])
    assert [round(change.ratio, 1) for change in found] == [1.3, 1.1, 0.9]
    assert [change.worse for change in found] == [True, True, False]


@pytest.mark.parametrize(
    ("scales", "code"),
    [
        (SLOWER, ExitCode.REGRESSED),
        (FASTER, ExitCode.OK),
        ([1.0] * 20, ExitCode.OK),
        ([1.0] * 12 + [1.2] * 8 + [1.0] * 8, ExitCode.OK),
        ([1.0] * 9, ExitCode.NOT_MEASURED),
        ([], ExitCode.NOT_MEASURED),
    ],
)
def test_the_gate_is_about_the_newest_level(scales, code):
    assert gate(series_of(over_time(scales))) == code


def test_another_build_begins_a_series_and_the_gate_asks_about_that():
    old = over_time(SLOWER)
    rebuilt = [
        replace(record, image=replace(record.image, fingerprint="a" * 64))
        for record in over_time([1.0] * 4, start="20261201T000000Z")
    ]
    found = series_of([*old, *rebuilt])
    assert [(one.results, one.current) for one in found] == [(20, False), (4, True)]
    assert gate(found) == ExitCode.NOT_MEASURED
    assert worsened(found) == ()
    assert "4 results of like kind; 10 are the fewest" in too_few_text(too_short(found)[0])


def test_a_short_history_elsewhere_does_not_stand_in_the_gate_s_way():
    elsewhere = over_time([1.0] * 3, "xeon-8488c-77be", start="20250101T000000Z")
    assert gate(series_of([*over_time([1.0] * 12), *elsewhere])) == ExitCode.OK
    late = over_time([1.0] * 3, "xeon-8488c-77be", start="20270101T000000Z")
    assert gate(series_of([*over_time([1.0] * 12), *late])) == ExitCode.NOT_MEASURED
    assert gate(series_of([*over_time(SLOWER), *late])) == ExitCode.REGRESSED


def test_two_builds_that_take_turns_are_two_series():
    records = over_time([1.0, 1.2] * 12)
    turns = [
        replace(record, image=replace(record.image, fingerprint=f"{at % 2}" * 64)) for at, record in enumerate(records)
    ]
    assert [len(series) for series in alike_over_time(turns)] == [12, 12]
    assert changes_of(turns) == ()


@pytest.mark.parametrize(
    "apart",
    [
        {"source": Source("imported", "1" * 40)},
        {"variant": "thp"},
        {"profile": "smoke"},
        {"cpus": 2.0},
        {"governor": "powersave"},
    ],
    ids=lambda apart: next(iter(apart)),
)
def test_what_compare_would_not_pool_is_no_change(apart):
    records = [
        *over_time([1.0] * 12),
        *[changed(one, **apart) for one in over_time([1.5] * 12, start="20270101T000000Z")],
    ]
    assert changes_of(records) == ()
    assert len(series_of(records)) == 2


def test_sides_of_an_experiment_and_profiled_runs_are_in_no_series():
    side = Experiment("ab" * 8, "base", (0,), (0,), 1)
    records = over_time(SLOWER)
    sides = [replace(record, experiment=side) for record in records]
    assert alike_over_time(sides) == ()
    assert alike_over_time([replace(record, profiler=True) for record in records]) == ()


def test_a_result_without_a_time_is_passed_over():
    records = over_time(SLOWER)
    failed = replace(records[3], runs=(replace(records[3].runs[0], outcome="failed"),), stamp="20261012T000000Z")
    assert changes_of([*records, failed]) == changes_of(records)
    assert value_of(failed) is None


def test_a_number_of_the_test_s_own_has_its_own_direction():
    def with_rate(record, value, better):
        return replace(record, runs=(replace(record.runs[0], metrics={"rate": Metric(value, "B/s", better)}),))

    rates = [*np.linspace(100, 101, 12), *np.linspace(80, 81, 8)]
    records = over_time([1.0] * 20)
    (lost,) = changes_of([with_rate(*one, "higher") for one in zip(records, rates, strict=True)], "rate")
    assert (lost.worse, lost.unit, lost.better) == (True, "B/s", "higher")
    (less,) = changes_of([with_rate(*one, "none") for one in zip(records, rates, strict=True)], "rate")
    assert less.worse is None
    assert "rate less since" in sentence(less)
    zero = [with_rate(record, 0.0, "higher") for record in records]
    assert series_of(zero, "rate") == ()


def test_one_commit_on_both_sides_is_not_the_code():
    (change,) = changes_of(over_time(SLOWER, commits=["ab" * 20] * 20))
    assert change.same_commit
    assert range_text(change) == "not the code: ababababab before and after"
    (unknown,) = changes_of(over_time(SLOWER, commits=[None] * 20))
    assert not unknown.same_commit
    assert range_text(unknown) == f"result {unknown.before.stamp} to result {unknown.after.stamp}"


def test_a_report_shows_what_has_no_arithmetic():
    records = [
        replace(record, runs=(replace(record.runs[0], wall_s=5e-324 if at < 10 else 1.7e308),))
        for at, record in enumerate(over_time([1.0] * 20))
    ]
    assert shown_series(records) == ()


def test_a_number_that_is_recorded_in_another_unit_begins_another_series():
    def timed(record, scale, unit):
        runs = tuple(replace(run, metrics={"p99": Metric(scale * run.wall_s, unit, "lower")}) for run in record.runs)
        return replace(record, runs=runs)

    records = over_time([1.0] * 24)
    units = [(1.0, "s")] * 12 + [(1000.0, "ms")] * 12
    made = [timed(record, *unit) for record, unit in zip(records, units, strict=True)]
    found = series_of(made, "p99")
    assert [(one.unit, one.results, one.current, one.changes) for one in found] == [
        ("s", 12, False, ()),
        ("ms", 12, True, ()),
    ]
