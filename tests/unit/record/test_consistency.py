"""What cannot be true together in a record is found, and nothing else."""

from pathlib import Path

import msgspec
import pytest

from bench.catalog.model import SELFTEST
from bench.record.consistency import contradictions
from bench.record.storage.bundle import write_bundle
from bench.record.storage.find import scan
from bench.record.storage.verify import verify_bundle
from tests.support.records import make_record, make_run

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
PASSED, FAILED = make_run(0), make_run(1, outcome="failed", exit_code=1)


@pytest.mark.parametrize("wall_s", [0.0, -3.0, float("inf")])
def test_a_wall_time_that_is_none_is_found(tmp_path, wall_s):
    record = make_record(runs=(PASSED, make_run(1, wall_s=wall_s)))
    assert contradictions(record) == [f"runs[1].wall_s: {wall_s:g} is no time that a run can take"]
    if wall_s <= 0:
        (problem,) = verify_bundle(write_bundle(tmp_path, record, {}))
        assert "runs[1].wall_s" in str(problem)


@pytest.mark.parametrize(
    ("outcome", "runs"),
    [
        ("passed", (PASSED, FAILED)),
        ("passed", ()),
        ("failed", (PASSED,)),
        ("timed_out", (FAILED,)),
        ("oom_killed", ()),
        ("not_measured", (PASSED,)),
    ],
)
def test_an_outcome_that_the_runs_do_not_bear_out_is_found(outcome, runs):
    (said,) = contradictions(make_record(outcome=outcome, runs=runs))
    assert said.startswith(f"outcome: {outcome}")


@pytest.mark.parametrize(
    ("outcome", "runs"),
    [
        ("passed", (PASSED,)),
        ("failed", (PASSED, FAILED)),
        ("interrupted", (PASSED,)),
        ("interrupted", ()),
        ("not_measured", ()),
        ("not_measured", (PASSED, make_run(1, outcome="not_measured", wall_s=None))),
    ],
)
def test_what_can_be_is_let_be(outcome, runs):
    assert contradictions(make_record(outcome=outcome, runs=runs)) == []


def test_a_self_test_s_outcome_is_that_of_its_readings():
    record = make_record(name=SELFTEST, runs=(PASSED, make_run(1, outcome="oom_killed")))
    assert contradictions(record) == []
    assert contradictions(msgspec.structs.replace(record, outcome="failed")) == []


def test_the_shipped_results_make_sense():
    bundles = scan(REFERENCE).bundles
    assert len(bundles) >= 6
    assert [contradictions(bundle.record) for bundle in bundles] == [[] for _ in bundles]
