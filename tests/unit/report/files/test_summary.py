"""``summary.md``: what a person reads of one result."""

from __future__ import annotations

from bench.compare.verdict import verdict_of
from bench.record.schema import Metric
from bench.report.files.summary import render_summary
from tests.support import sides
from tests.support.records import replace


def test_the_tests_own_numbers_stand_beside_the_baselines():
    one, two = (
        replace(made, runs=tuple(replace(run, metrics={"rate": Metric(rate, "GB/s", "higher")}) for run in made.runs))
        for made, rate in ((sides.A, 100.0), (sides.SAME, 50.0))
    )
    judged = replace(two, verdict=verdict_of(two, [one]))
    assert "| rate | higher | 100 GB/s | 50 GB/s | 0.500 | 0.500 to 0.500 | worse |" in render_summary(judged)
