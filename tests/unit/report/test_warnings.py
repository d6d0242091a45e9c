"""Warnings of several runs, each said once."""

from __future__ import annotations

from bench.record.schema import Run, Warning_
from bench.report.warnings import merged


def runs(*messages: str | None) -> list[Run]:
    return [
        Run(at, "passed", warnings=(Warning_("host_loaded", message),) if message else ())
        for at, message in enumerate(messages)
    ]


def said(*messages: str | None) -> list[str]:
    return [message for _, message in merged(runs(*messages))]


def test_what_differs_in_its_figures_alone_becomes_a_range():
    loads = [f"others used {load} of 2 CPUs" for load in ("1.7", "1.8", "1.75", "1.7", "1.8")]
    assert said(*loads) == ["others used 1.7 to 1.8 of 2 CPUs in all 5 runs"]
    assert said(loads[0]) == ["others used 1.7 of 2 CPUs"]
    assert said(loads[0], loads[0]) == ["others used 1.7 of 2 CPUs in both runs"]
    assert said(loads[0], None, loads[1]) == ["others used 1.7 to 1.8 of 2 CPUs (runs 0, 2)"]
    assert said(None, loads[0]) == ["others used 1.7 of 2 CPUs (run 1)"]


def test_other_words_and_names_with_figures_in_them_stay_apart():
    assert len(said("test_x1 leaked", "test_x2 leaked")) == 2
    assert said("cut at 3 bytes", "gone at 3 bytes") == ["cut at 3 bytes (run 0)", "gone at 3 bytes (run 1)"]
    assert said(*(["others used 1.7 of 2 CPUs"] * 7), None)[0].endswith("in 7 of 8 runs")


def test_what_several_warnings_say_of_one_thing_is_one_list():
    drifted = [
        Warning_("calibration_drifted", f"machine speed changed while measuring: {what} at the end")
        for what in ("one core 23.6 % slower", "page fault 18.0 % slower", "process start 14.8 % faster")
    ]
    changed = Warning_("evidence_changed", "log: cut")
    assert merged([Run(0, "passed", warnings=(*drifted, changed))]) == [
        (
            "calibration_drifted",
            (
                "machine speed changed while measuring: one core 23.6 % slower, page fault 18.0 % slower, process start "
                "14.8 % faster at the end"
            ),
        ),
        ("evidence_changed", "log: cut"),
    ]
    assert [said for _, said in merged([Run(0, "passed"), Run(1, "passed", warnings=tuple(drifted[:2]))])] == [
        "machine speed changed while measuring: one core 23.6 %, page fault 18.0 % slower at the end (run 1)"
    ]
