"""When the work is counted, in which run, and what becomes of a counting run that fails."""

import json
from dataclasses import replace

import msgspec
import pytest

from bench.engine.protocol import Ending
from bench.errors import NotMeasured
from bench.record.schema import Run
from bench.record.work import Work
from bench.run.measure import measure
from bench.run.work.counting import (
    INTERRUPTED,
    NO_PYTEST,
    NOT_ASKED,
    NOT_PASSED,
    PROFILED,
    counting_plan,
    why_not,
)
from tests.unit.run.conftest import StandIn, write_result
from tests.unit.run.work.test_reading import PART


class Counting(StandIn):
    """A stand-in whose counting runs leave counts: a new one of each of ``counts``."""

    counts = ({},)

    def execute(self, place, task, out, on_event):
        ending = super().execute(place, task, out, on_event)
        if "BENCH_WORK_OUT" in task.env:
            made = [one for one in self.executed if "BENCH_WORK_OUT" in one.env]
            (out / "work.main.json").write_text(json.dumps(PART | self.counts[len(made) - 1]))
        return ending


@pytest.fixture
def stand_in():
    return Counting()


def passed(wall_s, outcome="passed"):
    return Run(index=0, outcome=outcome, wall_s=wall_s)


def test_auto_counts_what_is_short(plan):
    assert why_not(plan, [passed(119.9)], "auto") is None
    assert "--work counts it" in why_not(plan, [passed(120.0)], "auto")
    assert "--work counts it" in why_not(plan, [passed(None)], "auto")
    assert why_not(plan, [passed(900.0)], "always") is None
    assert why_not(plan, [passed(1.0)], "never") == NOT_ASKED
    assert why_not(plan, [passed(1.0, "failed")], "always") == NOT_PASSED
    assert why_not(replace(plan, profiler=True), [passed(1.0)], "always") == PROFILED
    command = replace(plan, task=replace(plan.task, argv=("sleep", "1")))
    assert why_not(command, [passed(1.0)], "always") == NO_PYTEST


def test_the_counting_plan_is_the_same_test_once_with_counters_and_more_time(plan):
    made = counting_plan(plan, 500.0)
    assert (made.task.argv, made.need, made.task.limits) == (plan.task.argv, plan.need, plan.task.limits)
    assert made.task.env == {**plan.task.env, "BENCH_WORK_OUT": "{out}"}
    assert (made.repeat, plan.repeat, made.task.timeout_s) == (1, 2, 5060.0)
    assert counting_plan(plan, 1.0).task.timeout_s == plan.task.timeout_s


def test_counts_stand_with_the_first_run_that_passed_and_are_no_run(plan, stand_in, open_session):
    stand_in.outcomes = ["failed", "passed"]
    with open_session() as session:
        written = measure(plan, session, work="auto")
    record = written.record
    assert len(stand_in.executed) == 3
    assert (len(record.runs), record.runs_asked) == (2, 2)
    assert record.runs[0].work is msgspec.UNSET
    assert record.runs[1].work.torch.calls == {"aten::mm": 3}
    assert "BENCH_WORK_OUT" not in record.environ
    assert record.unavailable["runs[1].work.kernel.system_calls"] == "no tracing"
    assert not [path for path in written.path.rglob("*") if "002" in path.name or path.name.startswith("work")]


def test_nobody_who_does_not_ask_is_told(plan, stand_in, open_session):
    with open_session() as session:
        record = measure(plan, session).record
    assert len(stand_in.executed) == 2
    assert all(run.work is msgspec.UNSET for run in record.runs)


def test_no_work_is_null_with_its_reason(plan, stand_in, open_session):
    with open_session() as session:
        record = measure(plan, session, work="never").record
    assert len(stand_in.executed) == 2
    assert record.runs[0].work is None
    assert record.unavailable["runs[0].work"] == NOT_ASKED


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ("failed", "the counting run ended as failed"),
        ("timed_out", "the counting run ended as timed out"),
        ("interrupted", INTERRUPTED),
        (NotMeasured("the engine went away"), "could not be made: the engine went away"),
        (KeyboardInterrupt(), INTERRUPTED),
        (ZeroDivisionError("x"), "a fault of bench itself"),
    ],
    ids=["failed", "timed out", "interrupted", "lost", "Ctrl-C", "fault"],
)
def test_a_counting_run_that_fails_says_so_and_costs_nothing(plan, stand_in, open_session, said, last, why):
    stand_in.outcomes = ["passed", "passed", last]
    with open_session() as session:
        written = measure(plan, session, work="always")
    record = written.record
    assert (record.outcome, len(record.runs), int(written.exit_code)) == ("passed", 2, 0)
    assert record.runs[0].work is None
    assert why in record.unavailable["runs[0].work"]
    assert any(why in line for line in said)


def test_a_counting_run_that_leaves_nothing_says_so(plan, stand_in, open_session):
    stand_in.execute = lambda place, task, out, on_event: (write_result(out, "passed"), Ending(0))[1]
    with open_session() as session:
        record = measure(plan, session, work="always").record
    assert "the counters wrote nothing" in record.unavailable["runs[0].work"]


def test_two_counting_runs_tell_what_repeats(plan, stand_in, open_session):
    from bench.run.work.counting import count_work

    stand_in.counts = ({}, {"python": {"calls": 6, "modules": {"t": 6}}})
    with open_session() as session:
        found = count_work(plan, session, times=2)
    assert isinstance(found.work, Work)
    assert found.work.counted == 2
    assert found.work.varies == ("python.calls", "python.modules.t")


def test_the_counts_survive_names_that_look_like_a_secret_s(plan, stand_in, open_session):
    torch = PART["torch"] | {"callers": {"aten::mm": {"auth.check_password": 3}}, "calls": {"my::token_secret": 3}}
    stand_in.counts = ({"torch": torch},)
    with open_session() as session:
        record = measure(plan, session, work="always").record
    assert record.runs[0].work.torch.calls == {"my::token_secret": 3}
    assert record.runs[0].work.torch.callers == {"aten::mm": {"auth.check_password": 3}}


def test_both_sides_of_an_experiment_count_in_one_session(plan, stand_in, open_session):
    from bench.run.work.counting import count_work

    stand_in.counts = ({},) * 4
    with open_session() as session:
        counted = [count_work(plan, session, times=2) for _side in ("base", "head")]
    assert [one.work.torch.calls for one in counted] == [{"aten::mm": 3}] * 2
    assert len(stand_in.executed) == 4
