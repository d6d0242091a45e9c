"""What the plugin makes of pytest's reports of one test (no session is run)."""

from types import SimpleNamespace
from typing import Any

from bench.pytest_plugin import recorder as made
from bench.pytest_plugin.counters import read_counters


class Report(SimpleNamespace):
    """As much of a report as is read."""


class SubtestReport(Report):
    """Known by its name: its class is pytest's or a plugin's."""


def report(when: str, outcome: str = "passed", kind: type[Report] = Report, **more: Any) -> Report:
    told = {"nodeid": "t.py::a", "when": when, "outcome": outcome, "duration": 1.0, "longreprtext": "why"}
    return kind(**told, longrepr=None, sections=[], user_properties=[], **more)


def test_parts_of_a_test_are_counted_and_decide_nothing_unless_they_fail(tmp_path):
    recorder = made.Recorder(tmp_path, tmp_path, ["pytest"])
    test = made.Test("t.py::a", 0.0, read_counters(), ({}, {}))
    recorder._now = test
    recorder.pytest_runtest_logreport(report("setup"))
    for outcome in ("skipped", "passed", "passed"):
        recorder.pytest_runtest_logreport(report("call", outcome, SubtestReport))
    for when in ("call", "teardown"):
        recorder.pytest_runtest_logreport(report(when))
    assert (test.outcome, test.subtests) == ("passed", {"skipped": 1, "passed": 2})
    assert test.spent_s == {"setup": 1.0, "call": 1.0, "teardown": 1.0}
    recorder.pytest_runtest_logreport(report("call", "failed", SubtestReport))
    recorder.pytest_runtest_logreport(report("call"))
    assert test.outcome == "failed"
