"""An experiment from both plans to both bundles, whatever ends it."""

from dataclasses import replace

import msgspec
import pytest

from bench.compare.experiment import place
from bench.errors import ExitCode, NotComparable, NotMeasured, UsageError
from bench.record.schema import Limits
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from bench.run.ab.experiment import Arm, new_sides, run_pairs
from bench.run.ab.pairs import Rules, of_pairs
from bench.run.ab.resume import find_sides, read_earlier

TWO = Rules(max_pairs=2, settled=lambda figure: False)


@pytest.fixture
def ab(open_session, plans):
    """Run the pairs of both sides; ``going_on`` is what there is of them."""

    def run(rules=None, going_on=None, metric="wall", **changes):
        new = new_sides(7, metric, 0.05, ("v1", ""))
        with open_session() as session:
            made = [replace(plan, **changes) for plan in plans.values()]
            arms = [Arm(plan, session, side) for plan, side in zip(made, new, strict=True)]
            if going_on is not None:
                arms = [resumed(arm, going_on) for arm in arms]
            return run_pairs(*arms, rules or Rules(), 0 if going_on is None else going_on.first)

    return run


def resumed(arm, earlier):
    """The arm with the runs that it has so far."""
    side = arm.experiment.side
    told = of_pairs(msgspec.structs.replace(earlier.experiment, side=side), [pair for pair, _ in earlier.runs[side]])
    return Arm(arm.plan, arm.session, told, [run for _, run in earlier.runs[side]], earlier.newest[side])


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [(11.0, "code_regressed", 1), (9.0, "code_improved", 0), (10.0, "same", 0)],
)
def test_the_answer_is_in_both_bundles(ab, takes, head, status, code):
    takes(head=head)
    done = ab()
    assert (done.ended_by, done.comparison.status, done.exit_code) == ("decided", status, code)
    for side, written in (("base", done.base), ("head", done.head)):
        assert verify_bundle(written.path) == []
        told = written.record.experiment
        assert (told.side, told.words, told.seed) == (side, {"base": "v1", "head": ""}[side], 7)
        assert told.pair == tuple(range(len(written.record.runs)))
        assert told.order == tuple(place(side, 7, pair) for pair in told.pair)
        assert written.record.runs_asked == len(written.record.runs)  # as many as it took
    assert done.base.record.experiment.id == done.head.record.experiment.id


@pytest.mark.parametrize(
    ("outcomes", "ended_by", "code", "runs"),
    [
        (["passed", "failed"], "failed", ExitCode.TEST_FAILED, 2),
        (["timed_out", "failed"], "failed", ExitCode.TIMED_OUT, 2),
        (["failed", "oom_killed"], "failed", ExitCode.OOM_KILLED, 2),
        (["passed"] * 2 + [NotMeasured("no room")], "lost", ExitCode.NOT_MEASURED, 3),
        (["passed"] * 2 + [KeyboardInterrupt()], "interrupted", ExitCode.INTERRUPTED, 2),
        ([KeyboardInterrupt()], "interrupted", ExitCode.INTERRUPTED, 0),
    ],
)
def test_every_end_leaves_both_bundles_with_the_runs_so_far(ab, stand_in, tmp_path, outcomes, ended_by, code, runs):
    stand_in.outcomes = outcomes
    done = ab(TWO)
    assert (done.ended_by, done.exit_code) == (ended_by, code)
    assert sum(len(one.record.runs) for one in (done.base, done.head)) == runs
    assert {bundle.path for bundle in find_bundles(tmp_path / "results")} == {done.base.path, done.head.path}
    assert [verify_bundle(one.path) for one in (done.base, done.head)] == [[], []]


def test_what_the_pairs_do_not_decide_is_not_measured(ab):
    done = ab(TWO)
    assert (done.ended_by, done.comparison.status, done.exit_code) == (
        "max_pairs",
        "insufficient_runs",
        ExitCode.NOT_MEASURED,
    )


def test_a_figure_that_no_run_has_is_a_wrong_question(ab):
    done = ab(TWO, metric="call")
    assert (done.ended_by, done.exit_code) == ("no_figure", ExitCode.USAGE)


@pytest.mark.parametrize(
    ("trouble", "ended_by", "code"),
    [
        (NotMeasured("no image"), "lost", ExitCode.NOT_MEASURED),
        (KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED),
    ],
)
def test_without_a_place_both_bundles_say_why(ab, stand_in, trouble, ended_by, code):
    stand_in.unprepared = trouble
    done = ab(TWO)
    assert (done.ended_by, done.exit_code, stand_in.executed) == (ended_by, code, [])
    for one in (done.base, done.head):
        assert (one.record.runs, one.record.experiment.pair) == ((), ())
        assert (str(trouble) or "the command was interrupted") in one.record.unavailable["image"]


def test_a_limit_that_the_host_lacks_is_refused_before_anything(ab, plan, stand_in, said):
    with pytest.raises(UsageError, match="more than this host's 2"):
        ab(TWO, task=replace(plan.task, limits=Limits(cpus=64.0)))
    assert (stand_in.executed, said) == ([], [])


def read(results, folder):
    return read_earlier(find_sides(None, results), folder)


def test_it_goes_on_after_the_pairs_that_it_has(ab, stand_in, tmp_path):
    first = ab(TWO)
    done = ab(replace(TWO, max_pairs=3), going_on=read(tmp_path / "results", tmp_path / "earlier"))
    assert (len(stand_in.executed), done.ended_by) == (6, "max_pairs")
    for was, now in ((first.base, done.base), (first.head, done.head)):
        assert now.record.experiment.id == was.record.experiment.id
        assert now.record.experiment.pair == (0, 1, 2)
        assert [run.wall_s for run in now.record.runs[:2]] == [run.wall_s for run in was.record.runs]
        assert verify_bundle(now.path) == []


def test_with_other_code_it_does_not_go_on(ab, plan, stand_in, tmp_path):
    ab(TWO)
    other = msgspec.structs.replace(plan.source, sha256="1" * 64)
    with pytest.raises(NotComparable, match="the code of the base is not what the experiment began with"):
        ab(TWO, going_on=read(tmp_path / "results", tmp_path / "earlier"), source=other)
    assert len(stand_in.executed) == 4


def test_a_seed_that_nobody_gave_is_drawn_and_every_experiment_has_its_name():
    sides = [new_sides(None, "wall", 0.05, ("a", "b")) for _ in range(9)]
    assert len({base.seed for base, _ in sides}) == len({base.id for base, _ in sides}) == 9
    for base, head in sides:
        assert (base.side, base.words, head.side, head.words) == ("base", "a", "head", "b")
        assert msgspec.structs.replace(base, side="head", words="b") == head
    assert new_sides(0, "wall", 0.05, ("", ""))[0].seed == 0
