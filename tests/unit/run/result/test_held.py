import pytest

from bench.record.schema import Limits, Run
from bench.run.plan import PIDS
from bench.run.result.held import CODE, with_limits_held

HELD = {"cpus": 0.5, "memory_bytes": 1 << 28, "pids": PIDS, "cpuset": "0-1"}


def run(limits, outcome="passed", **more):
    return Run(0, outcome, cgroup={"limits": limits, "hidden": {}, **more})


def test_limits_that_hold_change_nothing():
    asked = Limits(cpus=0.5, memory_bytes=1 << 28, pids=PIDS, cpuset="0-1")
    assert with_limits_held(run(HELD), asked) == run(HELD)
    tighter = {**HELD, "cpus": 0.25, "memory_bytes": 1 << 20, "cpuset": "1"}
    assert with_limits_held(run(tighter), asked) == run(tighter)


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        (Limits(cpus=0.5), "--cpus"),
        (Limits(memory_bytes=1 << 28), "--memory"),
        (Limits(cpuset="0"), "--cpuset"),
        (Limits(pids=PIDS - 1), "--pids"),
    ],
)
@pytest.mark.parametrize(
    "read", [dict.fromkeys(("cpus", "memory_bytes", "pids"), "unlimited") | {"cpuset": "0-3"}, {"cpuset": "0-3"}]
)
def test_a_limit_that_does_not_hold_is_no_measurement(asked, option, read):
    """Neither where the group has none, nor where the run has no group of its own."""
    found = with_limits_held(run(read), asked)
    assert found.outcome == "not_measured"
    assert option in found.signature
    assert [one.code for one in found.warnings] == [CODE]


def test_what_cannot_be_seen_from_inside_is_not_refused():
    hidden = run({"cpuset": "0-3"}, hidden={"": "not mounted"})
    assert with_limits_held(hidden, Limits(cpus=1.0)) == hidden
    assert with_limits_held(Run(0, "passed"), Limits(cpus=1.0)).outcome == "passed"


def test_the_guard_against_fork_bombs_is_a_warning_alone():
    found = with_limits_held(run({"cpuset": "0-3"}), Limits(pids=PIDS))
    assert found.outcome == "passed"
    assert [one.code for one in found.warnings] == [CODE]


def test_what_was_asked_for_and_what_holds_are_told_in_units_and_the_guard_apart():
    read = {"cpus": "unlimited", "memory_bytes": 1 << 29, "cpuset": "0-3"}
    found = with_limits_held(run(read), Limits(cpus=0.5, memory_bytes=1 << 26, cpuset="1", pids=PIDS))
    assert found.signature == (
        "the engine did not apply --cpus 0.5 (none holds in the run's group), "
        "--memory 64.00 MiB (512.00 MiB holds in the run's group), --cpuset 1 (the run could use CPUs 0-3)"
    )
    assert [one.message for one in found.warnings] == [
        found.signature,
        f"the engine did not apply the bound that each run has, --pids {PIDS} (the run had no pids group of its own)",
    ]


def test_an_interrupted_run_stays_one():
    assert with_limits_held(run({}, "interrupted"), Limits(cpus=1.0)).outcome == "interrupted"
