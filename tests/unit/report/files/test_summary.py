"""``summary.md``: what a person reads of one result."""

from __future__ import annotations

from bench.compare.verdict import verdict_of
from bench.record.schema import Metric
from bench.record.schema import TestResult as Node
from bench.report.files.summary import render_summary
from tests.support import sides
from tests.support.records import replace


def test_the_tests_own_numbers_stand_beside_the_baselines():
    one, two = (
        replace(made, runs=tuple(replace(run, metrics={"rate": Metric(rate, "GB/s", "higher")}) for run in made.runs))
        for made, rate in ((sides.A, 100.0), (sides.SAME, 50.0))
    )
    decided = replace(two, verdict=verdict_of(two, [one]))
    assert "| rate | higher | 100 GB/s | 50 GB/s | 0.500 | 0.500 to 0.500 | worse |" in render_summary(decided)


def test_a_suite_s_summary_names_the_tests_that_failed_and_stays_short():
    tests = tuple(Node(f"tests/test_{at}.py::test_x", "failed" if at % 9 == 4 else "passed") for at in range(900))
    runs = tuple(replace(run, tests=tests) for run in sides.A.runs)
    unavailable = {f"runs[{at}].wall_s": f"reason {at} why it is not there" for at in range(900)}
    text = render_summary(replace(sides.A, runs=runs, outcome="failed", unavailable=unavailable))
    assert "- `tests/test_4.py::test_x`: failed (runs 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)" in text
    assert "- and 60 more" in text
    assert len(text.encode()) <= 16_000
    assert text.endswith("record.json holds it all.)\n")
    assert "Tests that did not pass" not in render_summary(sides.A)
