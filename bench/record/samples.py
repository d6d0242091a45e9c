"""The figures in ``samples.csv``, for a run whose supervisor did not live to sum it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

TOTALS = {
    "cpu_user_s": "cpu.user_s",
    "cpu_system_s": "cpu.system_s",
    "cpu_total_s": "cpu.total_s",
    "throttled_s": "cpu.throttled_s",
    "cpu_pressure_some_s": "cpu.pressure_some_s",
    "cpu_pressure_full_s": "cpu.pressure_full_s",
    "memory_pressure_some_s": "memory.pressure_some_s",
    "minor_faults": "faults.minor",
    "major_faults": "faults.major",
    "read_bytes": "io.read_bytes",
    "write_bytes": "io.write_bytes",
    "io_pressure_some_s": "io.pressure_some_s",
}
"""Column to the path in a run: growth since the child's start, so that the last row counts."""

GAUGES = {
    "memory_bytes": "memory.peak_bytes",
    "anon_bytes": "memory.anon_peak_bytes",
    "swap_bytes": "memory.swap_peak_bytes",
    "pids": "pids_peak",
}
"""Column to the path in a run: values of a moment, of which the largest counts."""

NOT_ON_V1 = ("io.read_bytes", "io.write_bytes")
"""Version 1 does not charge the group for pages that are written back later (see ``bench.agent.measure``)."""

MAX_LINE = 4096
"""Characters of a line: the file lies where the run could write to it."""
MOST = 2.0**63
"""No counter of the kernel reaches it."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the samples give by path in the run, and where it comes from; ``t_s`` is the last sample's time."""

    t_s: float | None = None
    figures: dict[str, float | int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def read_samples(path: Path, cgroup_version: int | None) -> Sampled:
    """Return the figures of a ``samples.csv``; none if there is no such file."""
    if not path.is_file():
        return Sampled()
    last: dict[str, float] = {}
    most: dict[str, float] = {}
    count = 0
    with path.open(encoding="ascii", errors="replace") as file:
        header = file.readline(MAX_LINE).rstrip("\n").split(",")
        for line in iter(partial(file.readline, MAX_LINE), ""):
            row = _row(line, header)
            if row is not None:
                last, count = row, count + 1
                most |= {name: max(row[name], most.get(name, row[name])) for name in GAUGES if name in row}
    if not count:
        return Sampled()
    figures = {path: _value(name, last[name]) for name, path in TOTALS.items() if name in last}
    sources = dict.fromkeys(figures, f"the last of {count} samples")
    figures |= {path: _value(name, most[name]) for name, path in GAUGES.items() if name in most}
    sources |= {path: f"the largest of {count} samples" for path in figures if path not in sources}
    if cgroup_version == 1:
        figures = {path: value for path, value in figures.items() if path not in NOT_ON_V1}
    return Sampled(last["t_s"], figures, {path: sources[path] for path in figures})


def _row(line: str, header: list[str]) -> dict[str, float] | None:
    """A whole line's known values by column; ``None`` for one that was cut, which reads like smaller numbers."""
    cells = line.rstrip("\n").split(",")
    if not line.endswith("\n") or len(cells) != len(header):
        return None
    try:
        row = {name: float(cell) for name, cell in zip(header, cells, strict=True) if cell}
    except ValueError:
        return None
    return row if "t_s" in row and all(0 <= value < MOST for value in row.values()) else None


def _value(column: str, value: float) -> float | int:
    return value if column.endswith("_s") else round(value)
