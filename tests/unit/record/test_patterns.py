"""Each reason of a record is written once, and read back by each path."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.record.codec import decode, encode
from bench.record.patterns import MOST, folded, unfolded
from bench.record.schema import Metric
from bench.record.unavailable import with_reasons
from tests.support.records import Node, make_record, make_run

WHY = "the kernel keeps no such file"


def runs(count: int, tests: int = 3) -> tuple:
    return tuple(make_run(at, tests=tuple(Node(f"t.py::t{n}", "passed") for n in range(tests))) for at in range(count))


def test_a_reason_of_every_run_is_one_key_with_a_star() -> None:
    record = with_reasons(make_record(runs=runs(5)))
    written = json.loads(encode(record))["unavailable"]
    assert len(set(written.values())) == len(written)
    assert any("runs[*].io.read_bytes" in key for key in written)
    assert any("runs[*].tests[*].marker_timeout_s" in key for key in written)
    assert decode(encode(record)).unavailable == record.unavailable


def test_the_reasons_of_some_runs_name_them() -> None:
    reasons = {f"runs[{at}].signal": WHY for at in (0, 1, 2, 5)}
    assert folded(reasons, [{}] * 7) == {"runs[0-2,5].signal": WHY}
    assert unfolded({"runs[0-2,5].signal": WHY}, runs(7)) == reasons


def test_a_reason_of_some_tests_of_one_run_names_both() -> None:
    reasons = {f"runs[1].tests[{at}].call_s": WHY for at in (0, 2)}
    document = [{"tests": [1, 2, 3]}] * 2
    written = folded(reasons, document)
    assert written == {"runs[1].tests[0,2].call_s": WHY}
    assert unfolded(written, runs(2)) == reasons


def test_older_reasons_stay_as_they_are() -> None:
    reasons = {"runs[0].signal": WHY, "image": "none"}
    assert unfolded(reasons, runs(1)) == reasons


@pytest.mark.parametrize(
    "name", ["a, b", "a*b", "a\\", "c[*]d", "x[1-2]", "m[0]", "runs[*].x", "a\\, b\\", "\\, ", "ü, *"]
)
def test_a_metric_of_any_name_keeps_its_reason(name: str) -> None:
    record = with_reasons(make_record(runs=(make_run(metrics={name: Metric(None, "s")}),)))
    assert decode(encode(record)).unavailable == record.unavailable


@given(st.lists(st.text(min_size=1, max_size=6), max_size=3, unique=True), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_read_back(names: list[str], count: int, tests: int) -> None:
    metrics = {name: Metric(None, "s") for name in names}
    many = tuple(
        make_run(at, metrics=metrics if at % 2 else {}, tests=run.tests) for at, run in enumerate(runs(count, tests))
    )
    record = with_reasons(make_record(runs=many))
    assert decode(encode(record)) == record


def test_patterns_that_multiply_have_an_end() -> None:
    hostile = {", ".join(["runs[*].tests[*].x[0-99999999]"] * 50): WHY, "runs[0-999999999].signal": WHY}
    assert len(unfolded(hostile, runs(3))) <= MOST
