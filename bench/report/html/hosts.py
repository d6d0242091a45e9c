"""The hosts beside each other: only what differs between them (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import units
from bench.record.schema import Record
from bench.report.entry import Entry
from bench.report.html.model import Cell, Column, Row, Table, anchor
from bench.report.presentation import build_of, engine_text


def _text(value: object) -> str:
    if value is None:
        return units.NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _size(value: float | None) -> str:
    return units.size(value)


FACTS: Mapping[str, Callable[[Record], str]] = {
    "CPU": lambda record: _text(record.host.class_.cpu_model),
    "stepping": lambda record: _text(record.host.class_.cpu_stepping),
    "microcode": lambda record: _text(record.host.class_.microcode),
    "cores": lambda record: _text(record.host.class_.cores),
    "threads": lambda record: _text(record.host.class_.threads),
    "NUMA nodes": lambda record: _text(record.host.class_.numa_nodes),
    "memory": lambda record: _size(record.host.class_.memory_bytes),
    "kernel": lambda record: _text(record.host.class_.kernel),
    "virtualization": lambda record: _text(record.host.class_.virtualization),
    "GPU": lambda record: _text(record.host.class_.gpu),
    "driver": lambda record: _text(record.host.class_.driver),
    "engine": engine_text,
    "cgroup": lambda record: "v" + _text(record.engine.cgroup_version) if record.engine.cgroup_version else _text(None),
    "CPU limit": lambda record: _text(record.engine.limits.cpus),
    "CPU set": lambda record: _text(record.engine.limits.cpuset),
    "memory limit": lambda record: _size(record.engine.limits.memory_bytes),
    "thread limit": lambda record: _text(record.engine.limits.threads),
    "governor": lambda record: _text(record.host.before.governor),
    "boost": lambda record: _text(record.host.before.boost),
    "huge pages": lambda record: _text(record.host.before.thp),
    "load before": lambda record: _text(record.host.before.load),
    "frequency before": lambda record: units.hertz(record.host.before.frequency_hz),
    "swap used before": lambda record: _size(record.host.before.swap_used_bytes),
    "Python": lambda record: _text(getattr(build_of(record), "python", None)),
    "torch": lambda record: _text(getattr(build_of(record), "torch", None)),
}
"""What a host's line may say: class, limits and build of the newest result, state from before its first run."""


def host_table(entries: Sequence[Entry]) -> tuple[Table, tuple[tuple[str, str], ...]]:
    """Return a line per host with the facts in which the hosts differ, and the facts that they share."""
    newest: dict[str, Entry] = {}
    counts: dict[str, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.stamp):
        newest[entry.record.host.id] = entry
        counts[entry.record.host.id] = counts.get(entry.record.host.id, 0) + 1
    hosts = sorted(newest)
    values = {name: [fact(newest[host].record) for host in hosts] for name, fact in FACTS.items()}
    differing = [name for name, texts in values.items() if len(set(texts)) > 1]
    shared = tuple(
        (name, texts[0])
        for name, texts in values.items()
        if texts and name not in differing and texts[0] != units.NOT_KNOWN
    )
    calibrations = sorted({metric for host in hosts for metric in newest[host].record.calibration.before})
    columns = [Column("host"), Column("results", figures=True)]
    columns += [Column(name) for name in differing]
    columns += [Column(f"calibration: {_spoken(metric)}", figures=True) for metric in calibrations]
    rows = []
    for at, host in enumerate(hosts):
        record = newest[host].record
        cells = [Cell(host), Cell(str(counts[host]), counts[host])]
        cells += [Cell(values[name][at]) for name in differing]
        cells += [_calibration(metric, record.calibration.before.get(metric)) for metric in calibrations]
        rows.append(Row(tuple(cells), host, anchor=anchor("h", host)))
    return Table("Hosts, and only what differs between them", tuple(columns), tuple(rows)), shared


def _calibration(metric: str, value: float | None) -> Cell:
    if value is None:
        return Cell(units.NOT_KNOWN)
    if metric.endswith("_bytes_per_s"):
        return Cell(f"{units.size(value)}/s", value)
    return Cell(units.seconds(value) if metric.endswith("_s") else f"{value:.4g}", value)


def _spoken(metric: str) -> str:
    return metric.removesuffix("_bytes_per_s").removesuffix("_per_s").removesuffix("_s").replace("_", " ")
