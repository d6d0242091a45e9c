"""A plan to a bundle on disk: every end of a command leaves one."""

from dataclasses import replace

import msgspec
import pytest

from bench.errors import ExitCode, NotMeasured, UsageError
from bench.record.schema import Limits, VerdictBaseline
from bench.record.storage.bundle import read_bundle
from bench.record.storage.verify import verify_bundle
from bench.run.baseline import Baseline
from bench.run.measure import measure, not_begun, refuge


def test_a_plan_becomes_a_bundle(open_session, plan, tmp_path):
    with open_session() as session:
        written = measure(plan, session, reproduces="host/grad_cpu/20250101T000000Z")
    assert (written.exit_code, written.complaints, written.interrupted) == (ExitCode.OK, (None, None), False)
    assert written.path.is_relative_to(tmp_path / "results")
    assert verify_bundle(written.path) == []
    record = read_bundle(written.path).record
    assert (record.outcome, len(record.runs), record.reproduces) == ("passed", 2, "host/grad_cpu/20250101T000000Z")
    assert record.calibration.after == {"one_core_s": 0.2}


def test_what_it_is_held_against_is_in_its_verdict(open_session, plan):
    with open_session() as session:
        first = measure(plan, session).record
        second = measure(plan, session, Baseline((first,), asked=True)).record
    assert first.verdict.baseline == VerdictBaseline()
    assert second.verdict.baseline.id == first.id


def test_a_baseline_that_holds_nothing_to_compare_with_is_an_answer(open_session, plan):
    with open_session() as session:
        other = measure(plan, session).record
        elsewhere = msgspec.structs.replace(
            other, diagnostic=msgspec.structs.replace(other.diagnostic, name="other_cpu")
        )
        asked = measure(plan, session, Baseline((elsewhere,), asked=True))
        lay_there = measure(plan, session, Baseline((elsewhere,))).record
    said = "nothing was compared: the baseline holds no result of grad_cpu, only of other_cpu"
    assert (asked.record.verdict.status, asked.exit_code) == ("not_measured", ExitCode.NOT_MEASURED)
    assert said in asked.record.verdict.reasons
    summary = (asked.path / "summary.md").read_text()
    assert "| baseline | – | it holds nothing to compare with |" in summary
    assert said in summary
    assert lay_there.verdict.status == "ok"


@pytest.mark.parametrize(
    ("outcomes", "kept", "outcome", "code", "failure"),
    [
        (["passed", "failed"], ["passed", "failed"], "failed", ExitCode.TEST_FAILED, None),
        (["interrupted"], ["interrupted"], "interrupted", ExitCode.INTERRUPTED, None),
        ([KeyboardInterrupt()], [], "interrupted", ExitCode.INTERRUPTED, None),
        (
            ["passed", NotMeasured("no room")],
            ["passed", "not_measured"],
            "not_measured",
            ExitCode.NOT_MEASURED,
            "no room",
        ),
    ],
)
def test_each_end_leaves_what_was_measured(open_session, stand_in, plan, outcomes, kept, outcome, code, failure):
    stand_in.outcomes = outcomes
    with open_session() as session:
        written = measure(plan, session)
    assert [run.outcome for run in written.record.runs] == kept
    assert (written.record.outcome, written.exit_code, written.failure) == (outcome, code, failure)
    assert verify_bundle(written.path) == []


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(NotMeasured("no image"), ExitCode.NOT_MEASURED), (KeyboardInterrupt(), ExitCode.INTERRUPTED)],
)
def test_without_a_place_nothing_runs_and_the_bundle_says_why(open_session, stand_in, plan, trouble, code):
    stand_in.unprepared = trouble
    with open_session() as session:
        written = measure(plan, session)
    assert (written.exit_code, written.record.runs, stand_in.executed) == (code, (), [])
    why = str(trouble) or "the command was interrupted"
    assert why in written.record.unavailable["image"]
    assert why in written.record.unavailable["host.before.load"]


def test_a_look_that_was_taken_is_kept_though_nothing_ran(open_session, plan):
    with open_session() as session:
        written = not_begun(plan, session, NotMeasured("no allocator"), before=session.snapshot())
    assert (written.failure, written.record.host.before.load) == ("no allocator", 0.1)


def test_a_limit_that_the_host_lacks_is_refused_before_anything(open_session, stand_in, plan, said):
    plan = replace(plan, task=replace(plan.task, limits=Limits(cpus=64.0)))
    with open_session() as session, pytest.raises(UsageError, match="more than this host's 2"):
        measure(plan, session)
    assert (stand_in.executed, said) == ([], [])


def test_a_folder_that_takes_no_bundle_sends_it_to_the_user_s_state(open_session, plan, tmp_path):
    (tmp_path / "results").write_text("a file where a folder should be")
    with open_session() as session:
        written = measure(plan, session)
    assert written.path.is_relative_to(refuge())
    assert f"the result lies in {written.path} until you move it" in written.problem
    assert written.exit_code == ExitCode.NOT_MEASURED
    assert written.record.outcome == "passed"
