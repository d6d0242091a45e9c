"""A null of a record has a reason, whichever version wrote the record."""

from __future__ import annotations

import json
import time

import pytest

from bench.record.codec import decode, encode
from bench.record.schema import Io
from bench.record.schema import TestResult as Node
from bench.record.unavailable import with_reasons
from tests.support.records import make_record, make_run


def test_an_older_record_does_not_say_when_a_test_began() -> None:
    document = json.loads(encode(make_record()))
    del document["runs"][0]["tests"][0]["started_s"]
    record = decode(json.dumps(document))
    assert record.runs[0].tests[0].started_s is None
    reasons = with_reasons(record).unavailable
    assert reasons["runs[0].tests[0].started_s"] == "it was not recorded when the test began"


def test_a_reason_of_a_part_becomes_one_of_each_null_in_it_and_of_no_other() -> None:
    given = {
        "runs[1]": "the run was lost",
        "runs[1].io": "there is no io controller",
        "runs[1].gpu": "it has no GPU",  # an empty part, not a null: it keeps its reason
        "host": "the host did not say",
    }
    runs = tuple(make_run(at, io=Io()) for at in range(12))
    reasons = with_reasons(make_record(runs=runs, unavailable=given)).unavailable
    assert reasons["runs[1].io.read_bytes"] == "there is no io controller"
    assert reasons["runs[1].pids_peak"] == "the run was lost"
    assert reasons["runs[1].gpu"] == "it has no GPU"
    assert reasons["host.class.kernel"] == "the host did not say"
    assert {"host", "runs[1]", "runs[1].io"}.isdisjoint(reasons)
    assert "the run was lost" not in {why for path, why in reasons.items() if not path.startswith("runs[1].")}


@pytest.mark.timed
@pytest.mark.cpu_time
def test_thousands_of_tests_that_did_not_run_cost_no_more_each_than_a_few() -> None:
    tests = tuple(Node(f"test_x.py::test_{at}", "skipped") for at in range(4000))
    given = {f"runs[0].tests[{at}].call_s": "the test was skipped" for at in range(len(tests))}
    record = make_record(runs=(make_run(tests=tests),), unavailable=given)
    begin = time.process_time()
    assert with_reasons(record).unavailable["runs[0].tests[3999].call_s"] == "the test was skipped"
    assert time.process_time() - begin < 4
