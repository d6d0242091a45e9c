"""What the host did while a result's runs went on: a line a run, and why a figure is missing (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import units
from bench.record.schema import Record
from bench.report.html.model import Cell, Column, Row, Table

_NO_REASON = "the record does not say why"
LABELS: Mapping[str, str] = {
    "window_s": "watched for",
    "others_cpus": "CPUs used by others",
    "steal_ratio": "CPU time stolen",
    "stolen_s": "stolen",
    "load_max": "highest load",
    "frequency_min_hz": "lowest frequency",
    "frequency_max_hz": "highest frequency",
    "temperature_max_c": "highest temperature",
    "swapped_bytes": "swapped",
    "throttle_events": "slowed by heat, times",
    "pressure_cpu_ratio": "CPU pressure",
    "pressure_memory_ratio": "memory pressure",
    "pressure_io_ratio": "I/O pressure",
}
_UNITS: Mapping[str, Callable[[float], str]] = {
    "_s": units.seconds,
    "_ratio": units.percent,
    "_hz": units.hertz,
    "_bytes": units.size,
    "_c": lambda value: f"{value:.0f} °C",
}


_ALL = "all of it"


def host_during(record: Record) -> Table | None:
    """Return the figures of ``runs[].host_during``, those alone that a run has; ``None`` if there is no run.

    The table's note has the reasons of what is missing.
    """
    if not record.runs:
        return None
    found = dict.fromkeys(name for run in record.runs for name in run.host_during)
    shown = [name for name in found if any(run.host_during.get(name) is not None for run in record.runs)]
    rows = tuple(
        Row((Cell(str(run.index), run.index), *(_cell(name, run.host_during.get(name)) for name in shown)))
        for run in record.runs
    )
    heads = (Column("run", figures=True), *(Column(label(name), figures=True) for name in shown))
    return Table("The host during the runs", heads, rows if shown else (), _missing(record, list(found)))


def label(name: str) -> str:
    """Return a figure's name in words; one that a later version added without its unit."""
    if name in LABELS:
        return LABELS[name]
    unit = _unit(name)
    return name.removesuffix(unit or "").replace("_", " ")


def _unit(name: str) -> str | None:
    return next((unit for unit in _UNITS if name.endswith(unit)), None)


def _cell(name: str, value: float | None) -> Cell:
    if value is None:
        return Cell(units.NOT_KNOWN)
    unit = _unit(name)
    return Cell(f"{value:.4g}" if unit is None else _UNITS[unit](value), value)


def _missing(record: Record, names: Sequence[str]) -> str:
    """Each reason once, with what it is for; empty if nothing is missing."""
    runs: dict[tuple[str, str], list[int]] = {}
    for at, run in enumerate(record.runs):
        whole = record.unavailable.get(f"runs[{at}].host_during", _NO_REASON)
        for name in names if run.host_during else ("",):
            if run.host_during.get(name) is None:
                why = record.unavailable.get(f"runs[{at}].host_during.{name}", whole)
                runs.setdefault((name, why), []).append(run.index)
    labels: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for (name, why), which in runs.items():
        labels.setdefault((why, tuple(which)), []).append(label(name) if name else _ALL)
    said = []
    for (why, whose), of in labels.items():
        every = len(whose) == len(record.runs)
        said.append(why if every and of == [_ALL] else f"{', '.join(of)}{'' if every else _of_runs(whose)}: {why}")
    return f"Not known: {'; '.join(said)}." if said else ""


def _of_runs(which: Sequence[int]) -> str:
    return f" (run {', '.join(map(str, which))})"
