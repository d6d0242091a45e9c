"""One wording of a result for all that show it."""

from __future__ import annotations

import msgspec
import pytest

from bench.compare.comparison import compare
from bench.record.schema import Verdict
from bench.report.entry import Entry
from bench.report.presentation import (
    MEMORY,
    RUN_COLUMNS,
    TIMING,
    change_interval,
    change_text,
    engine_text,
    margin_text,
    other_reasons,
    ratio_interval,
    reasons,
    stamp_text,
)
from tests.support.entries import limited, synthetic_record

FIRST = synthetic_record(runs=6)
SLOWER = synthetic_record(runs=6, scale=1.1, stamp="20261103T080000Z")


def entry(*signatures: str, why: tuple[str, ...] = ("late", "slow")) -> Entry:
    record = synthetic_record(runs=len(signatures), verdict=Verdict("not_measured", why))
    runs = zip(record.runs, signatures, strict=True)
    failed = tuple(msgspec.structs.replace(run, outcome="failed", signature=said) for run, said in runs)
    return Entry(msgspec.structs.replace(record, outcome="failed", runs=failed))


def test_reasons_stand_before_how_runs_failed_and_each_once() -> None:
    assert reasons(entry("boom", "boom", "late")) == ["late", "slow", "boom"]


def test_few_reasons_begin_with_how_runs_failed_and_count_the_rest() -> None:
    assert reasons(entry("boom"), 3) == ["boom", "late", "slow"]
    assert reasons(entry("boom", "bang"), 2) == ["boom", "bang", "and 2 more in its summary.md"]


def test_a_change_has_its_interval_unless_there_were_too_few_runs() -> None:
    compared = compare(FIRST, SLOWER)
    assert compared.ratio_low is not None
    assert change_text(compared) == "+10.6 %"
    assert change_interval(compared) == "+9.4 % to +12.2 %"
    assert ratio_interval(compared) == f"{compared.ratio_low:.3f} to {compared.ratio_high:.3f}"
    few = compare(FIRST, synthetic_record(runs=1, stamp="20261103T080000Z"))
    assert (change_interval(few), ratio_interval(few)) == (None, "too few runs")
    none = msgspec.structs.replace(few, ratio=None)
    assert (change_text(none), ratio_interval(none)) == ("–", "–")


def test_reasons_that_a_table_has_are_not_told_again() -> None:
    compared = compare(FIRST, limited(SLOWER, cpus=4))
    assert any(reason.startswith("limits.cpus: ") for reason in compared.reasons)
    assert not any(reason.startswith("limits.cpus: ") for reason in other_reasons(compared))
    assert not any(reason.startswith("wall time ") for reason in other_reasons(compared, "wall time "))
    assert any(reason.startswith("wall time ") for reason in other_reasons(compared))


def test_what_a_run_could_not_read_is_not_zero() -> None:
    run = msgspec.structs.replace(synthetic_record(runs=1).runs[0], wall_s=None, pytest_s=None)
    shown = {one.line: one.text(run) for one in (*TIMING, *MEMORY)}
    assert (shown["wall"], shown["pytest"], shown["CPU"]) == ("–", "–", "–")
    assert [one.name for one in RUN_COLUMNS][-2:] == ["anonymous peak", "minor faults"]
    assert "peak of anonymous memory, sampled" in shown
    assert margin_text(None, 1.0) == margin_text(1.0, None) == "–"
    assert margin_text(10.0, 12.5) == "-2.50 s"


@pytest.mark.parametrize(("version", "text"), [("28.3", "docker 28.3"), (None, "docker")])
def test_an_engine_without_a_version_is_its_name(version: str | None, text: str) -> None:
    engine = msgspec.structs.replace(FIRST.engine, version=version)
    assert engine_text(msgspec.structs.replace(FIRST, engine=engine)) == text


def test_what_is_no_stamp_is_shown_as_it_is() -> None:
    assert stamp_text("20261103T080000Z", "%d.%m.%Y") == "03.11.2026"
    assert stamp_text("\x1b[1mnone at all", "%Y", 5) == "none…"
