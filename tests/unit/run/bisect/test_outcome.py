"""What an experiment means for a commit: an answer, a skip, or the end of the search."""

import math
from pathlib import Path

import pytest

from bench.compare.bisection import Step
from bench.compare.comparison import compare
from bench.compare.experiment import trial_of
from bench.record.schema import Image, Warning_
from bench.run.ab.experiment import Done
from bench.run.bisect.outcome import tried_of, why_skipped, with_figures
from bench.run.bisect.search import Tried
from bench.run.measure import WrittenResult
from bench.run.result import held
from tests.support.paired import noisy, run, side
from tests.support.records import replace

STEP = Step(commit="c" * 40, answer="undecided", threshold=math.log(1.05), alpha=0.002)
IMAGE = Image("bench-small", "sha256:1", None, None, None, "3.13.5", None)
BASE, SLOWER = side("base", noisy(1.0, 20, 1)), side("head", noisy(1.1, 20, 2))
SAME, BETWEEN = side("head", noisy(1.0, 20, 3)), side("head", noisy(1.05, 4, 4))
NOTHING = side("head", [])


def done(base=BASE, head=SLOWER, ended_by="decided", **changes):
    """An experiment with these records; ``changes`` are the head's result's."""
    written = [WrittenResult(record, Path("/none")) for record in (base, head)]
    written[1] = WrittenResult(head, Path("/none"), **changes)
    return Done(*written, compare(base, head), ended_by)


def tried(made, step=STEP):
    return tried_of(step, made, trial_of(made.base.record, made.head.record, informs=False))


def shown(made):
    """The step with what the pairs show of it."""
    return with_figures(STEP, trial_of(made.base.record, made.head.record, informs=False))


@pytest.mark.parametrize(("head", "answer"), [(SLOWER, "bad"), (SAME, "good")])
def test_a_commit_is_answered_with_its_figures(head, answer):
    made = done(head=head)
    assert tried(made) == Tried(replace(shown(made), answer=answer))
    step = tried(made).step
    assert (step.alpha, step.pairs, step.experiment, step.why) == (0.002, 20, "ab-1", "")
    assert step.low < step.change < step.high


@pytest.mark.parametrize(
    ("ended_by", "changes", "ends", "why"),
    [
        ("max_pairs", {}, None, ""),
        ("budget", {}, "budget", "the budget was spent"),
        ("interrupted", {"interrupted": True}, "interrupted", "interrupted"),
        ("lost", {"failure": "no room"}, "lost", "no room"),
        ("lost", {}, "lost", "a run could not be made"),
    ],
)
def test_what_is_undecided_says_why_and_whether_the_search_ends(ended_by, changes, ends, why):
    made = done(head=BETWEEN, ended_by=ended_by, **changes)
    assert tried(made) == Tried(replace(shown(made), answer="undecided", why=why), ends)


def test_without_a_threshold_there_is_no_answer():
    assert tried(done(), replace(STEP, threshold=None)).step.answer == "undecided"


@pytest.mark.parametrize("ended_by", ["budget", "lost"])
def test_an_answer_is_kept_though_no_more_pairs_could_be_made(ended_by):
    assert tried(done(ended_by=ended_by)) == tried(done())


def test_an_answer_is_kept_though_somebody_ended_the_search():
    assert (tried(done(interrupted=True)).step.answer, tried(done(interrupted=True)).ends) == ("bad", "interrupted")


FAILED = {
    outcome: side("head", [*noisy(1.0, 3, 5), run(3, 1.0, outcome)])
    for outcome in ("failed", "timed_out", "oom_killed", "interrupted")
}


@pytest.mark.parametrize(
    ("base", "head", "why"),
    [
        (BASE, FAILED["failed"], "its test failed"),
        (BASE, FAILED["timed_out"], "its test timed out"),
        (BASE, FAILED["oom_killed"], "it was killed for memory"),
        (side("base", [run(0, 1.0, "failed")]), side("head", [1.0]), "of the good end, its test failed"),
        (side("base", [run(0, 1.0, "failed")]), side("head", [run(0, 1.0, "timed_out")]), "its test timed out"),
    ],
)
def test_a_commit_whose_test_does_not_pass_is_skipped_and_spends_nothing(base, head, why):
    found = tried(done(base, head, "failed"))
    assert (found.step.answer, found.step.why, found.step.alpha, found.ends) == ("skipped", why, None, None)


def test_a_commit_that_runs_something_else_is_skipped_with_the_reason():
    other = tuple(replace(one, tests=(replace(one.tests[0], node="test_x.py::test_z"),)) for one in SLOWER.runs)
    found = tried(done(head=replace(SLOWER, runs=other), ended_by="unlike"))
    assert found.step.answer == "skipped"
    assert found.step.why.startswith("tests.test_x.py::test_y: passed against did not run, what ran is not the same")


def test_a_commit_without_the_figure_is_skipped():
    base, head = (side(name, [1.0], metric="rate") for name in ("base", "head"))
    found = tried(done(base, head, "no_figure"))
    assert (found.step.answer, found.step.why) == ("skipped", "rate cannot decide: no run has it")


@pytest.mark.parametrize(
    ("base", "head", "skipped"),
    [
        (replace(BASE, image=IMAGE), NOTHING, True),
        (BASE, NOTHING, False),  # neither has a place: the engine is gone
        (replace(BASE, image=IMAGE), replace(NOTHING, image=IMAGE), False),  # it was built, and could not be run
    ],
)
def test_a_commit_is_skipped_for_a_place_that_it_alone_lacks(base, head, skipped):
    made = done(base, head, "lost", failure="no compiler")
    assert why_skipped(made, trial_of(base, head)) == ("it does not build: no compiler" if skipped else None)
    assert (tried(made).step.answer, tried(made).ends) == (("skipped", None) if skipped else ("undecided", "lost"))


def test_who_does_not_wait_for_a_failing_commit_gets_no_skip():
    found = tried(done(head=FAILED["failed"], ended_by="failed", interrupted=True))
    assert (found.step.answer, found.ends) == ("undecided", "interrupted")


@pytest.mark.parametrize(("codes", "skipped"), [((), True), ((held.CODE,), False)], ids=["pytest", "the engine"])
def test_a_limit_that_does_not_hold_is_no_fault_of_a_commit(codes, skipped):
    """Whichever side ran first; nothing of the other is needed to tell."""
    warnings = tuple(Warning_(code, "x") for code in codes)
    last = replace(run(0, 1.0, "not_measured"), exit_code=4, signature="no", warnings=warnings)
    made = done(NOTHING, side("head", [last]), "lost")
    assert why_skipped(made, trial_of(BASE, SLOWER)) == ("its test cannot be run: no" if skipped else None)
