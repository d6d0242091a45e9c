"""What the host did while the runs went on is on the page, and why a figure is not."""

from __future__ import annotations

import msgspec
import pytest

from bench.report.html.host_during import host_during, label
from bench.report.html.sections import detail
from tests.support.entries import make_entry, synthetic_record

SEEN = {
    "window_s": 844.0,
    "others_cpus": 0.51,
    "steal_ratio": 0.034,
    "frequency_min_hz": 3.4e9,
    "temperature_max_c": 71.4,
    "swapped_bytes": 2 * 1024**2,
    "throttle_events": 3,
    "pressure_io_ratio": None,
}


def recorded(*during: dict[str, float | None], **reasons: str):
    record = synthetic_record(runs=len(during))
    runs = tuple(msgspec.structs.replace(run, host_during=one) for run, one in zip(record.runs, during, strict=True))
    return msgspec.structs.replace(record, runs=runs, unavailable=reasons)


def test_each_run_s_figures_with_their_units() -> None:
    table = host_during(recorded(SEEN, {**SEEN, "steal_ratio": 0.0, "temperature_max_c": None}))
    assert table is not None
    assert [column.label for column in table.columns] == [
        "run", "watched for", "CPUs used by others", "CPU time stolen", "lowest frequency", "highest temperature",
        "swapped", "slowed by heat, times",
    ]  # fmt: skip
    assert [cell.text for cell in table.rows[0].cells] == [
        "0", "844.00 s", "0.51", "3.4 %", "3.40 GHz", "71 °C", "2.00 MiB", "3",
    ]  # fmt: skip
    assert [cell.text for cell in table.rows[1].cells][3:6] == ["0.0 %", "3.40 GHz", "–"]
    assert table.rows[1].cells[3].order == 0.0


def test_what_is_missing_has_its_reason_once() -> None:
    reasons = {
        "runs[0].host_during.pressure_io_ratio": "no PSI",
        "runs[1].host_during.pressure_io_ratio": "no PSI",
        "runs[1].host_during.temperature_max_c": "no sensor",
        "runs[2].host_during": "the host is elsewhere",
    }
    some = {**SEEN, "temperature_max_c": None}
    table = host_during(recorded(SEEN, some, {}, **reasons))
    assert table is not None
    assert table.note == (
        "Not known: I/O pressure (run 0, 1): no PSI; highest temperature (run 1): no sensor; "
        "all of it (run 2): the host is elsewhere."
    )
    assert {cell.text for cell in table.rows[2].cells[1:]} == {"–"}


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ({"runs[0].host_during": "it is elsewhere"}, "it is elsewhere"),
        ({}, "the record does not say why"),
    ],
)
def test_a_host_that_nobody_watched_says_so(reasons: dict[str, str], said: str) -> None:
    table = host_during(recorded({}, **reasons))
    assert table is not None
    assert (table.rows, table.note) == ((), f"Not known: {said}.")
    assert host_during(synthetic_record(runs=0)) is None


def test_a_figure_of_a_later_version_is_named_by_its_unit() -> None:
    assert (label("idle_wake_ratio"), label("something")) == ("idle wake", "something")
    table = host_during(recorded({"idle_wake_ratio": 0.5, "something": 12345.0}))
    assert table is not None
    assert [cell.text for cell in table.rows[0].cells[1:]] == ["50.0 %", "1.234e+04"]


def test_it_stands_with_the_result() -> None:
    shown = detail(make_entry(runs=2), 200).meanwhile
    assert shown is not None
    assert [column.label for column in shown.columns][1:3] == ["watched for", "CPUs used by others"]
