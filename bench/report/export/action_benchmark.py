"""Results for github-action-benchmark: its custom formats, in which smaller or bigger is better (pure).

Each is a JSON list of ``{name, unit, value, range, extra}``. Names have to stay the same from commit to commit,
whatever else is in a report: they hold the diagnostic and how it ran, the host and the metric, but never a stamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, stdev
from typing import Any

from bench import units
from bench.record.schema import Better
from bench.report.entry import Entry, newest_per_key
from bench.report.text import plain


def smaller_is_better(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return median wall times and metrics that should fall, of the newest results: for ``customSmallerIsBetter``."""
    return _export(entries, "lower")


def bigger_is_better(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return metrics that should rise, of the newest results: for ``customBiggerIsBetter``."""
    return _export(entries, "higher")


def _export(entries: Sequence[Entry], better: Better) -> list[dict[str, Any]]:
    exported = []
    for entry in newest_per_key(entries):
        if not entry.passed:
            continue
        name = f"{entry.group} on {entry.record.host.id}"
        if better == "lower":
            exported.append(_line(entry, f"{name}: wall time", "s", entry.walls))
        for metric, unit, values in _metrics(entry, better):
            exported.append(_line(entry, f"{name}: {metric}", unit, values))
    return exported


def _metrics(entry: Entry, better: Better) -> list[tuple[str, str, list[float]]]:
    found: dict[tuple[str, str], list[float]] = {}
    for run in entry.passed:
        for name, metric in run.metrics.items():
            if metric.better == better and metric.value is not None:
                found.setdefault((name, metric.unit), []).append(metric.value)
    return [(name, unit, values) for (name, unit), values in sorted(found.items())]


def _line(entry: Entry, name: str, unit: str, values: Sequence[float]) -> dict[str, Any]:
    line: dict[str, Any] = {"name": plain(name), "unit": plain(unit), "value": median(values)}
    if len(values) > 1:
        line["range"] = f"± {stdev(values):.6g}"
    count = units.counted(len(values), "run")
    line["extra"] = plain(f"{entry.state.label}; median of {count}; {entry.record.id}")
    return line
