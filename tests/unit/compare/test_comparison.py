import json
import math
import re

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.compare.comparison import compare
from bench.compare.ranking import rank
from bench.compare.reference import like
from bench.compare.sample import common_places, sample_of, took_turns
from bench.compare.stats.decision import decide
from bench.compare.verdict import exit_code, verdict_of
from bench.errors import DamagedData, ExitCode, NotComparable
from bench.record.schema import Limits, Run, Source
from tests.support.records import SIX, XEON, record, replace
from tests.support.sides import FASTER, SAME, SLOWER, A, noisy, with_warnings


def places_of(one, two):
    return common_places(sample_of(one), sample_of(two))


A1 = record((1.0,))


@pytest.mark.parametrize(
    ("other", "status", "code"),
    [
        (SAME, "same", 0),
        (SLOWER, "code_regressed", 1),
        (FASTER, "code_improved", 0),
        (record(noisy(count=2), id="e"), "insufficient_runs", 6),
    ],
)
def test_like_against_like(other, status, code):
    said = compare(A, other)
    assert (said.status, said.exit_code) == (status, code)
    assert said.reasons
    assert said.a.runs == 10


def test_the_numbers_are_those_of_the_runs():
    said = compare(A, SLOWER)
    assert 1.07 < said.ratio_low < said.ratio < said.ratio_high < 1.13
    assert said.a.median_s == pytest.approx(np.median(sample_of(A).walls))
    assert 0.01 < said.smallest_detectable < 0.04
    assert said.least_effect == 0.01
    json.loads(msgspec.json.encode(said))


@pytest.mark.parametrize(
    ("change", "status"),
    [({"host_class": XEON}, "host_differs"), ({"cpus": 0.5}, "limit_bound"), ({"profile": "smoke"}, "build_differs")],
)
@pytest.mark.parametrize("level", [50.0, 100.0, 300.0])
def test_unlike_is_named_first_and_never_called_regressed(change, status, level):
    said = compare(A, record(noisy(level, seed=5), id="e", **change))
    assert said.status == status
    assert said.exit_code == ExitCode.NOT_COMPARABLE
    assert said.ratio == pytest.approx(level / 100, rel=0.05)
    first = said.differences[0]
    assert said.reasons[0].startswith(first.name)
    assert not any("%" in reason for reason in said.reasons[: len(said.differences)])
    assert "says nothing about the code" in said.reasons[-1]


def test_an_accepted_difference_is_measured():
    variant = record(noisy(60, seed=5), id="e", variant="jemalloc")
    assert (compare(A, variant).status, compare(A, variant).exit_code) == ("setup_differs", ExitCode.NOT_COMPARABLE)
    assert compare(A, variant, accept=("variant",)).status == "code_improved"


def test_a_project_may_regress():
    one = record(noisy(seed=1), id="a", source=Source("project", sha256="1" * 64))
    two = record(noisy(110, seed=2), id="b", source=Source("project", sha256="2" * 64))
    assert compare(one, two).status == "code_regressed"


def test_an_unchanged_source_is_said():
    assert any("source is the same" in reason for reason in compare(A, SLOWER).reasons)


@pytest.mark.parametrize("other", [record(name="dtype_cpu"), record(profiler=True)])
def test_what_cannot_be_compared_is_refused(other):
    with pytest.raises(NotComparable):
        compare(A, other)
    with pytest.raises(NotComparable):
        compare(other, A)


def test_nothing_measured_is_said_and_is_not_a_regression():
    said = compare(A, record((None,), outcome="timed_out", id="e"))
    assert (said.status, said.exit_code, said.ratio) == ("not_measured", 6, None)
    assert said.reasons[-1] == "the result has no run that passed with a wall time"
    both = compare(record((None,), outcome="timed_out"), record((None,), outcome="timed_out", id="e"))
    assert both.reasons[-1] == "neither the reference nor the result has a run that passed with a wall time"


def test_a_damaged_time_is_an_error_and_no_verdict():
    with pytest.raises(DamagedData, match=r"runs\[1\]\.wall_s"):
        compare(A, record((1.0, float("nan"))))


def test_the_noise_of_a_history_raises_the_least_effect():
    history = [
        record(noisy(level, seed=seed, deviation=0.003), id=f"h{seed}")
        for seed, level in enumerate([97, 103, 99, 101, 104, 96], 20)
    ]
    one, two = record(noisy(100, seed=1, deviation=0.003), id="a"), record(noisy(105, seed=2, deviation=0.003), id="b")
    assert compare(one, two).status == "code_regressed"
    said = compare(one, two, history=history)
    assert said.status == "host_noisy"
    assert said.least_effect == said.aa_noise > 0.06
    assert said.exit_code == ExitCode.NOT_MEASURED


def test_a_foreign_history_does_not_count():
    history = [record(noisy(level, seed=level), id=f"h{level}", host_class=XEON) for level in (80, 90, 100, 110)]
    assert compare(A, SAME, history=history).aa_noise is None


def sessions(*levels, **changes):
    """Sessions of a host whose runs scatter by 0.3 %."""
    return [
        record(noisy(level, seed=seed, deviation=0.003), id=f"s{seed}", stamp=f"202511{seed}T000000Z", **changes)
        for seed, level in enumerate(levels, 10)
    ]


def test_what_is_judged_is_none_of_the_noise_that_it_is_judged_by():
    *before, new = sessions(100, 100, 100, 100, 110)
    said = compare(before[-1], new, history=[*before, new])
    assert (said.status, said.exit_code) == ("code_regressed", 1)
    assert said.aa_noise < 0.02
    three = before[1:]
    assert compare(three[-1], new, history=[*three, new]).aa_noise is None


def test_what_is_ranked_beside_it_is_no_noise_either():
    first, *others = everything = sessions(100, 110, 110, 110, 110)
    said = rank([first, *others], history=everything)
    assert {row.status for row in said.rows} == {"code_regressed"}


def test_what_a_project_s_commits_changed_is_no_noise():
    commits = [
        replace(one, diagnostic=replace(one.diagnostic, source=Source("project", commit="1", sha256=f"{at}" * 64)))
        for at, one in enumerate(sessions(100, 100, 100, 80, 80, 80, 80, 90))
    ]
    *before, new = commits
    assert compare(before[-1], new, history=commits).status == "code_regressed"
    unhashed = [
        replace(one, diagnostic=replace(one.diagnostic, source=Source("project", commit=f"{at}")))
        for at, one in enumerate(commits)
    ]
    assert compare(unhashed[-2], unhashed[-1], history=unhashed).aa_noise is None


def test_a_change_on_a_host_disturbed_on_one_side_is_noise():
    assert compare(A, with_warnings(SLOWER)).status == "host_noisy"
    assert compare(with_warnings(A), SLOWER).status == "code_regressed"
    assert compare(with_warnings(A), with_warnings(SLOWER)).status == "code_regressed"
    assert compare(with_warnings(A), FASTER).status == "host_noisy"
    assert compare(A, with_warnings(SLOWER, "throttled")).status == "code_regressed"
    assert sample_of(with_warnings(A)).disturbed == 1


def test_a_call_between_two_disturbed_sides_says_what_it_is_worth():
    doubt = "a disturbance need not be the same on both sides, so a false alarm may be likelier than 1 %"
    assert doubt in compare(with_warnings(A), with_warnings(SLOWER)).reasons
    for one, two in ((with_warnings(A), with_warnings(SAME)), (with_warnings(A), SLOWER), (A, SLOWER)):
        assert doubt not in compare(one, two).reasons
    turns = compare(with_warnings(timed(A, 0, 450)), with_warnings(timed(SLOWER, 220, 450)))
    assert turns.status == "code_regressed"
    assert doubt not in turns.reasons


def test_runs_that_took_turns_met_the_same_host():
    slower, faster = record(noisy(300, seed=5), id="s"), record(noisy(100, seed=6), id="f")
    quick = timed(faster, 300, 450)
    assert compare(with_warnings(timed(slower, 0, 450)), quick).status == "code_improved"
    assert compare(with_warnings(timed(slower, 0, 300)), timed(faster, 3000, 100)).status == "host_noisy"


def test_groups_are_pooled():
    said = compare(
        [record(noisy(seed=seed, count=2), id=str(seed), stamp=f"2025101{seed}T000000Z") for seed in range(5)], SAME
    )
    assert said.a.runs == 10
    assert said.a.id == "4"
    assert said.status == "same"


def test_a_difference_inside_a_group_is_named():
    said = compare([A, record(noisy(seed=9), id="z", cpus=2.0, stamp="20240101T000000Z")], SAME)
    assert said.status == "limit_bound"


def test_pooling_refuses_what_does_not_belong_together():
    with pytest.raises(NotComparable):
        sample_of([])
    with pytest.raises(NotComparable):
        sample_of([A, record(name="dtype_cpu")])


def test_one_run_that_belongs_to_a_history_is_the_same():
    said = compare(record(SIX[:4] + SIX[5:], id="h"), record((846.68,), id="b"))
    assert said.status == "same"
    assert said.expected.belongs
    assert said.expected.set_aside_s == (900.02,)


def test_one_run_that_does_not_belong_asks_for_more():
    said = compare(record(SIX[:5], id="h"), record((900.02,), id="b"))
    assert said.status == "insufficient_runs"
    assert not said.expected.belongs
    assert said.runs_needed == 5
    assert any("does not belong" in reason for reason in said.reasons)
    assert not compare(record((900.02,), id="b"), record(SIX[:5], id="h")).expected.belongs


def test_one_run_never_regresses_however_long_the_history():
    history = record(noisy(count=300, seed=3, deviation=0.02), id="h")
    said = compare(history, record((130.0,), id="b"))
    assert (said.status, said.exit_code, said.ratio_low) == ("insufficient_runs", 6, None)
    assert not said.expected.belongs
    assert said.runs_needed > 5


def test_the_runs_that_are_missing_are_counted_on_each_side():
    history = record(noisy(count=30, seed=3, deviation=0.02), id="h")
    said = compare(history, record((120.0,), id="b"))
    assert any(f"{said.runs_needed} on each side, {said.runs_needed - 1} more of the result" in r for r in said.reasons)
    said = compare(record(noisy(count=3, deviation=0.02)), record((120.0,), id="b"))
    missing = f"{said.runs_needed - 3} more of the reference and {said.runs_needed - 1} more of the result"
    assert any(missing in reason for reason in said.reasons)
    assert any("at least 5 on each side" in reason for reason in compare(A1, record((2.0,), id="b")).reasons)
    said = compare(record(noisy(count=4, seed=1)), record(noisy(count=4, seed=2), id="b"))
    assert any(f"{said.runs_needed - 4} more of each" in reason for reason in said.reasons)


def test_a_verdict_asks_for_no_more_runs():
    assert [compare(A, other).runs_needed for other in (SAME, SLOWER, FASTER)] == [None] * 3


def test_one_run_near_an_exact_history_belongs():
    assert compare(record([100.0] * 6), record((100.5,), id="b")).status == "same"


def test_one_run_in_a_wide_history_says_nothing():
    said = compare(record(noisy(deviation=0.1)), record((101.0,), id="b"))
    assert said.expected.belongs
    assert said.status in ("insufficient_runs", "host_noisy")


NOISY = [0.5, 2.0, 0.7, 1.8, 0.5]


@pytest.mark.parametrize("walls", [NOISY, NOISY[:2], (100.0, 103.0, 97.0, 101.5, 98.5)])
@pytest.mark.parametrize("apart", [True, False])
def test_one_run_beside_noise_is_never_the_same(walls, apart):
    """Whatever the run's own time, and whether the history is one session or has an A/A noise of its own."""
    each = [[wall] for wall in walls] if apart else [walls]
    history = [record(one, id=f"h{at}", stamp=f"2025101{at}T000000Z") for at, one in enumerate(each)]
    for factor in (1.0, 1.04, 3.0):
        single = record((factor * float(np.mean(walls)),), id="b")
        assert compare(history, single).status == compare(single, history).status == "insufficient_runs"
        assert verdict_of(single, history).status == "insufficient_runs"
    assert any("shows no change of 5.0 %" in reason for reason in compare(record(NOISY), A1).reasons)


def test_one_run_beside_a_quiet_session_of_a_noisy_host_is_not_the_same():
    quiet, single = record([100.0] * 6, id="h"), record((100.5,), id="b")
    sessions = [record([level] * 3, id=f"s{level}") for level in (85.0, 95.0, 110.0, 120.0)]
    assert compare(quiet, single).status == "same"
    assert compare(quiet, single, history=sessions).aa_noise > 0.05
    assert compare(quiet, single, history=sessions).status == "insufficient_runs"


@given(
    st.integers(5, 14), st.integers(5, 14), st.floats(0.001, 0.06), st.floats(0, 0.06), st.booleans(), st.integers(0, 9)
)
@settings(deadline=None)
def test_the_same_is_said_only_if_a_change_of_five_percent_would_be_seen(n, m, deviation, least, turns, seed):
    one, two = noisy(count=n, seed=seed, deviation=deviation), noisy(count=m, seed=seed + 10, deviation=deviation)
    places = (tuple(range(n)), tuple(range(n, n + m))) if turns else None
    said = decide(one, two, least, places=places)
    if said.outcome == "none":
        assert math.expm1(said.smallest_detectable) <= 0.05
        assert -math.log(1.05) <= said.interval.low <= said.interval.high <= math.log(1.05)


WILD = [0.001, 500.0, 0.4, 90.0, 0.02]
ABSURD = re.compile(r"\d{4,}(\.\d+)? %|[1-9]\d{2,}\.\d %|µs")


@pytest.mark.parametrize("sessions", [[[wall] for wall in WILD], [WILD]])
@pytest.mark.parametrize("walls", [(3.0,), (7000.0,), (1e-9,), [wall * 7 for wall in WILD], [1.0] * 5])
def test_no_figure_is_absurd(sessions, walls):
    history = [record(one, id=f"h{at}", stamp=f"2025101{at}T000000Z") for at, one in enumerate(sessions)]
    said = compare(history, record(walls, id="b"))
    told = [reason.replace("1e-09", "").replace("0.001 µs", "") for reason in said.reasons]
    assert not [reason for reason in told if ABSURD.search(reason)]


def test_what_a_wild_history_says_is_a_sentence():
    history = [record((wall,), id=f"h{at}", stamp=f"2025101{at}T000000Z") for at, wall in enumerate(WILD)]
    said = compare(history, record((3.0,), id="b"))
    assert "the history scatters too much to predict one more run, so 3.00 s shows nothing" in said.reasons
    noisy_host = compare(history, record([3.0] * 5, id="b"))
    assert any("differ by up to a factor of " in reason for reason in noisy_host.reasons)
    assert any(reason.startswith("these runs can only show changes above about ") for reason in noisy_host.reasons)
    slower = compare(A, record(noisy(250, seed=3), id="c"))
    assert slower.reasons[0].startswith("wall time 2.49x (")


def test_disturbed_runs_are_counted():
    everywhere = compare(with_warnings(A), with_warnings(SAME))
    assert "the host was disturbed in all runs on both sides" in everywhere.reasons
    half = compare(A, with_warnings(SAME))
    assert "the host was disturbed in 0 of the reference's 10 and in 10 of the result's 10 runs" in half.reasons


def test_an_interval_that_lies_within_by_luck_does_not_say_the_same():
    one, two = (noisy(count=6, seed=seed, deviation=0.018) for seed in (0, 4))
    said = compare(record(one), record(two, id="b"))
    assert -0.05 < said.ratio_low - 1 < said.ratio_high - 1 < 0.05 < said.smallest_detectable
    assert (said.status, said.runs_needed > 6) == ("insufficient_runs", True)


def test_two_runs_alone_say_nothing():
    said = compare(record((100.0,)), record((150.0,), id="b"))
    assert (said.status, said.expected, said.runs_needed, said.ratio_low) == ("insufficient_runs", None, 5, None)


def timed(made, begin, step=101):
    runs = tuple(
        replace(
            run,
            started_at=f"2025-10-15T{(begin + step * index) // 3600:02}:{(begin + step * index) // 60 % 60:02}:{(begin + step * index) % 60:02}Z",
        )
        for index, run in enumerate(made.runs)
    )
    return replace(made, runs=runs)


HUNDREDTHS = st.lists(st.integers(48, 53), min_size=1, max_size=12)


@given(HUNDREDTHS, HUNDREDTHS, st.sampled_from([1, 1, 2, 8]))
@settings(deadline=None)
def test_times_with_two_decimals_are_compared_without_a_crash(first, second, factor):
    said = compare(
        record([step / 100 for step in first], id="a"), record([factor * step / 100 for step in second], id="b")
    )
    assert 0.85 * factor < said.ratio < 1.2 * factor
    assert not any("inf" in reason.split() or "nan" in reason for reason in said.reasons)
    if said.ratio_low is not None:
        assert said.ratio_low <= said.ratio * (1 + 1e-12)
        assert said.ratio_high >= said.ratio * (1 - 1e-12)
    if min(len(first), len(second)) < 5:
        assert said.status not in ("code_regressed", "code_improved")


@pytest.mark.parametrize("offset", [3, 50])
def test_two_machines_at_once_are_not_one_host_in_turns(offset):
    one, two = timed(A, 0, 110), timed(SLOWER, offset, 115)
    assert places_of(one, two) is None
    assert compare(one, with_warnings(two)).status == "host_noisy"
    assert places_of(timed(A, 0, 220), timed(SLOWER, 110, 220)) is not None


def test_a_clock_of_whole_seconds_does_not_make_runs_overlap():
    quick = replace(A, runs=tuple(replace(run, wall_s=0.8) for run in A.runs))
    assert places_of(timed(quick, 0, 1), timed(quick, 10, 1)) is not None


@pytest.mark.parametrize(("wall", "pause", "together"), [(845, 240, True), (845, 400, False), (10, 50, True)])
def test_a_session_after_a_rest_begins_afresh(wall, pause, together):
    one, two = (timed(record([wall - 1.0] * 6), begin, wall) for begin in (0, 6 * wall + pause))
    assert (places_of(one, two) is not None) == together


def test_a_third_variant_in_between_is_no_rest():
    one, two = timed(record([845.0] * 4), 0, 2560), timed(record([850.0] * 4), 855, 2560)
    assert took_turns(places_of(one, two))


def test_back_to_back_says_that_a_drift_cannot_be_excluded():
    half = [0.026, -0.03, 0.02, -0.024, 0.005]
    first, second = ([level * (1 + step) for step in half + half[::-1]] for level in (100, 105))  # without any slope
    assert compare(record(first), record(second, id="b")).status == "code_regressed"
    said = compare(timed(record(first), 0, 110), timed(record(second, id="b"), 1100, 110))
    assert said.status == "insufficient_runs"
    assert "a drift of the host cannot be excluded" in said.reasons[-1]
    assert f"make {said.runs_needed} on each side" in said.reasons[-1]
    assert not any("the runs drift by" in reason for reason in said.reasons)


def test_a_drifted_calibration_is_a_disturbance():
    assert sample_of(with_warnings(A, "calibration_drifted")).disturbed == 1


def test_sessions_back_to_back_share_one_order():
    first, second = places_of(timed(A, 0), timed(SAME, 1011))
    assert first == tuple(range(10))
    assert second == tuple(range(10, 20))
    assert places_of(timed(A, 0), timed(SAME, 9000)) is None
    assert places_of(A, timed(SAME, 0)) is None
    assert places_of(timed(A, 0), replace(SAME, runs=(Run(0, "passed", wall_s=1.0, started_at="soon"),))) is None


def test_a_drift_across_sessions_is_not_a_regression():
    both = [100 * 1.004**step * (1 + 0.002 * (-1) ** step) for step in range(20)]
    first, second = timed(record(both[:10]), 0), timed(record(both[10:], id="b"), 1050)
    assert compare(first, second).status == "host_noisy"
    assert any("drift" in reason for reason in compare(first, second).reasons)
    assert compare(first, timed(record(both[10:], id="b"), 30_000)).status == "code_regressed"


def test_judging_without_a_baseline():
    said = verdict_of(record((844.94,)))
    assert said.status == "ok"
    assert said.ceiling_margin_s == pytest.approx(60.06)
    assert msgspec.to_builtins(said.baseline) == {}
    assert verdict_of(record((10.0,), ceiling_s=None)).ceiling_margin_s is None


def test_over_the_ceiling():
    made = record((900.0, 906.0))
    said = verdict_of(made, [record([850.0] * 5, id="old")])
    assert (said.status, said.ceiling_margin_s) == ("over_ceiling", -1.0)
    assert "1 of 2 runs" in said.reasons[0]
    assert exit_code(replace(made, verdict=said)) == ExitCode.REGRESSED


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("failed", 3), ("timed_out", 4), ("oom_killed", 5), ("not_measured", 6), ("interrupted", 130)],
)
def test_what_did_not_pass_is_not_measured(outcome, code):
    made = record((10.0,), outcome=outcome)
    said = verdict_of(made, [A])
    assert said.status == "not_measured"
    assert msgspec.to_builtins(said.baseline) == {}
    assert exit_code(replace(made, verdict=said)) == code


@pytest.mark.parametrize("outcome", ["failed", "interrupted", "not_measured"])
def test_runs_that_passed_make_no_verdict_of_a_result_that_did_not(outcome):
    runs = (Run(0, "passed", wall_s=850.0), Run(1, outcome))
    assert verdict_of(record(runs=runs, outcome=outcome)).status == "not_measured"
    assert verdict_of(record(runs=runs, outcome=outcome), [A]).status == "not_measured"
    assert (
        verdict_of(record(runs=(Run(0, "passed", wall_s=906.0), Run(1, outcome)), outcome=outcome)).status
        == "over_ceiling"
    )


def test_a_timeout_beyond_the_ceiling_is_over_it():
    assert verdict_of(record((1200.0,), outcome="timed_out")).status == "over_ceiling"


def test_a_signature_is_told():
    run = Run(0, "failed", signature="AssertionError: 2 != 3")
    assert "AssertionError" in verdict_of(record(runs=(run,), outcome="failed")).reasons[0]


def test_judging_against_a_history():
    history = [record((wall,), id=str(wall), stamp=f"2025101{index}T000000Z") for index, wall in enumerate(SIX[:5])]
    said = verdict_of(record((845.0,), id="new"), history)
    assert said.status == "same"
    assert said.baseline.belongs is True
    assert said.baseline.runs == 5
    slower = verdict_of(record(noisy(110, seed=3), id="c"), [A])
    assert (slower.status, slower.baseline.status) == ("code_regressed", "code_regressed")
    assert exit_code(replace(SLOWER, verdict=slower)) == ExitCode.REGRESSED


def test_the_like_are_chosen_before_the_newest():
    other = record(noisy(50), id="x", host_class=XEON, stamp="20260101T000000Z")
    said = verdict_of(SAME, [other, A, record(name="dtype_cpu"), record(profiler=True, id="p")])
    assert (said.status, said.baseline.id) == ("same", "a")
    foreign = verdict_of(SAME, [other])
    assert foreign.status == "host_differs"
    assert exit_code(replace(SAME, verdict=foreign)) == ExitCode.OK
    assert [one.id for one in like(SAME, [other, A, SAME])] == ["a"]


def test_some_runs_that_failed_are_told():
    mixed = replace(A, runs=(*A.runs, Run(10, "failed", wall_s=1.0)))
    assert verdict_of(mixed).reasons[0] == "1 of 11 runs did not pass"


def test_ranking_sorts_by_ratio_and_names_what_it_leaves_out():
    said = rank([A, SLOWER, FASTER, SAME, record(profiler=True, id="p")], A)
    assert [row.b.id for row in said.rows] == ["d", "b", "c"]
    assert list(said.left_out) == ["p"]
    assert said.exit_code == ExitCode.REGRESSED
    assert rank([A, FASTER]).exit_code == ExitCode.OK
    assert rank([A, SLOWER], 1).rows[0].status == "code_improved"


def test_ranking_variants():
    variants = [
        record(noisy(level, seed=level), id=name, variant=name) for name, level in (("glibc", 100), ("jemalloc", 50))
    ]
    said = rank(variants, 0, accept=("variant",))
    assert said.rows[0].status == "code_improved"
    assert said.rows[0].b.variant == "jemalloc"


def test_ranking_pools_a_history_and_names_what_hides_in_it():
    again = record(noisy(100, seed=9), id="a2", stamp="20251016T000000Z")
    said = rank([[A, again], SLOWER])
    assert (said.reference, said.rows[0].a.runs, said.rows[0].status) == ("a2", 20, "code_regressed")
    squeezed = replace(again, engine=replace(again.engine, limits=Limits(cpus=1.0)))
    assert rank([[A, squeezed], SLOWER]).rows[0].status == "limit_bound"


def test_nothing_left_to_rank():
    with pytest.raises(NotComparable):
        rank([A])
    with pytest.raises(NotComparable):
        rank([A, record(name="dtype_cpu")])


@pytest.mark.parametrize("code", ["frozen", "suspended"])
def test_the_time_of_a_run_that_stood_still_is_not_judged(code):
    still = with_warnings(record((120.0,), id="z", ceiling_s=100.0), code)
    said = verdict_of(still, [A])
    assert (said.status, exit_code(replace(still, verdict=said))) == ("not_measured", ExitCode.NOT_MEASURED)
    assert "stopped from outside: its time is not judged" in said.reasons[0]
    assert (sample_of(still).walls, compare(A, still).status) == ((), "not_measured")
    runs = (*SAME.runs, replace(still.runs[0], index=99))
    mixed = replace(SAME, runs=runs)
    assert compare(A, mixed).ratio == compare(A, SAME).ratio
    assert any("of the result's 11 runs stood still" in reason for reason in compare(A, mixed).reasons)
    assert verdict_of(mixed).status == "ok"
    assert not any("did not pass" in reason for reason in verdict_of(mixed).reasons)
