"""The hosts beside each other: only what differs between them (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.entry import Entry
from bench.report.hosts import calibration_name, calibration_text, calibrations, differing_facts
from bench.report.html.model import Cell, Column, Row, Table, anchor


def host_table(entries: Sequence[Entry]) -> tuple[Table, tuple[tuple[str, str], ...]]:
    """Return a line per host with the facts in which the hosts differ, and the facts that they share."""
    newest: dict[str, Entry] = {}
    counts: dict[str, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.stamp):
        newest[entry.record.host.id] = entry
        counts[entry.record.host.id] = counts.get(entry.record.host.id, 0) + 1
    hosts = sorted(newest)
    records = [newest[host].record for host in hosts]
    differing, shared = differing_facts(records)
    metrics = calibrations(records)
    columns = [Column("host"), Column("results", figures=True)]
    columns += [Column(name) for name in differing]
    columns += [Column(calibration_name(metric), figures=True) for metric in metrics]
    rows = []
    for at, host in enumerate(hosts):
        record = newest[host].record
        cells = [Cell(host), Cell(str(counts[host]), counts[host])]
        cells += [Cell(texts[at]) for texts in differing.values()]
        cells += [_calibration(metric, record.calibration.before.get(metric)) for metric in metrics]
        rows.append(Row(tuple(cells), host, anchor=anchor("h", host)))
    return Table("Hosts, and only what differs between them", tuple(columns), tuple(rows)), tuple(shared.items())


def _calibration(metric: str, value: float | None) -> Cell:
    return Cell(calibration_text(metric, value), value)
