"""Runs that did not pass are counted, said, and never passed over for a good word."""

import pytest

from bench.compare.comparison import compare
from bench.record.schema import Run
from tests.support.records import XEON, record, replace
from tests.support.sides import FASTER, SAME, SLOWER, A, noisy


def and_lost(made, count=1, outcome="timed_out"):
    lost = tuple(Run(len(made.runs) + index, outcome, wall_s=800.0) for index in range(count))
    return replace(made, runs=(*made.runs, *lost))


@pytest.mark.parametrize("outcome", ["failed", "timed_out", "oom_killed"])
@pytest.mark.parametrize("other", [SAME, FASTER])
def test_no_good_word_where_one_side_lost_more_runs(outcome, other):
    for said in (compare(A, and_lost(other, 10, outcome)), compare(and_lost(A, 1, outcome), other)):
        assert (said.status, said.exit_code, said.runs_needed) == ("insufficient_runs", 6, None)
        assert any("do not stand for all" in reason for reason in said.reasons)
    assert compare(A, and_lost(other, 10, outcome)).b.not_passed == {outcome: 10}


def test_each_lost_run_is_said():
    said = compare(and_lost(A), and_lost(and_lost(SLOWER, 2), 1, "failed"))
    assert said.reasons[:2] == (
        "1 of the reference's 11 runs did not pass: 1 timed out",
        "3 of the result's 13 runs did not pass: 1 failed, 2 timed out",
    )
    none = compare(A, record((None,) * 3, id="e", outcome="oom_killed"))
    assert (none.status, none.b.not_passed) == ("not_measured", {"oom_killed": 3})
    assert none.reasons[0] == "3 of the result's 3 runs did not pass: 3 killed for memory"


def test_how_the_runs_ended_is_said_if_none_passed():
    lost = record((None,) * 2, id="e", outcome="not_measured")
    told = replace(
        lost, runs=tuple(replace(run, signature=f"cannot start: {run.index} {'x' * 400}") for run in lost.runs)
    )
    (first, *_) = compare(A, told).reasons
    assert first.startswith("2 of the result's 2 runs did not pass: 2 not measured (cannot start: 0 xxx")
    assert first.endswith("x…)")
    assert len(first) < 300


def test_slower_is_said_where_the_result_lost_runs_and_not_where_the_reference_did():
    assert compare(A, and_lost(SLOWER)).status == "code_regressed"
    assert compare(and_lost(A), SLOWER).status == "insufficient_runs"


def test_the_same_share_on_both_sides_and_what_was_interrupted_change_nothing():
    assert compare(and_lost(A), and_lost(SAME)).status == "same"
    twice = record(noisy(seed=6, count=20), id="t")
    assert compare(and_lost(A), and_lost(twice, 2)).status == "same"
    for outcome in ("interrupted", "not_measured"):
        said = compare(A, and_lost(SAME, 1, outcome))
        assert (said.status, said.b.not_passed) == ("same", {outcome: 1})


def test_unlike_stays_unlike():
    assert compare(A, and_lost(replace(record(noisy(seed=5), id="e", host_class=XEON)))).status == "host_differs"
