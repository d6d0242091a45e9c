"""The shipped reference is what its table says, and what its program writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.importer.shipped import HOST_CLASS, main, reference_records
from bench.record.host_id import host_id
from bench.record.storage.find import scan
from bench.record.storage.verify import verify

SHIPPED = Path(__file__).parents[3] / "results" / "reference"


def test_shipped_bundles_are_whole() -> None:
    report = verify(SHIPPED)
    assert len(report.bundles) == 6
    assert [str(problem) for problem in report.problems] == []


def test_figures_are_those_of_the_table() -> None:
    records = {bundle.record.tool["phase"]: bundle.record for bundle in scan(SHIPPED).bundles}
    walls = {phase: record.runs[0].wall_s for phase, record in records.items()}
    assert walls == {"D": 844.94, "F": None, "I": 846.68, "O": 845.68, "Q": 839.14, "R": 900.02}
    assert records["F"].runs[0].pytest_s == 844.15
    assert records["F"].unavailable["runs[0].wall_s"]
    assert records["D"].runs[0].cpu.user_s == 5167.74
    assert records["D"].runs[0].cpu.system_s == 5772.58
    assert records["I"].runs[0].faults.minor == 1072139865
    assert records["I"].runs[0].memory.max_rss_bytes == 8801020 * 1024
    assert {phase: record.stamp for phase, record in records.items() if "stamp" not in record.unavailable} == {
        "D": "20251015T134434Z",
        "I": "20251015T173309Z",
    }
    for record in records.values():
        assert record.host.id == host_id(HOST_CLASS)
        assert (record.diagnostic.ceiling_s, record.diagnostic.timeout_s) == (905.0, 1200.0)


def test_the_program_writes_what_is_shipped(tmp_path) -> None:
    assert main([str(tmp_path)]) == 0
    written = {bundle.record.stamp: bundle.record for bundle in scan(tmp_path).bundles}
    assert written == {bundle.record.stamp: bundle.record for bundle in scan(SHIPPED).bundles}
    assert [record.stamp for record in reference_records()] == sorted(written)
    with pytest.raises(UsageError, match="written once"):
        main([str(tmp_path)])
