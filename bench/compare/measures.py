"""What can be compared of a result: each figure of its runs, by name, with its unit and direction (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.record.schema import Better, Record, Run, Word

CALL, WALL, CPU = "call", "wall", "cpu"
Value = float | None
WALL_TIME = "wall time"
LABELS = {
    "wall": WALL_TIME,
    "call": "time in the tests' calls",
    "cpu": "CPU time",
    "peak_memory": "peak memory",
    "max_rss": "max RSS",
    "minor_faults": "minor faults",
    "major_faults": "major faults",
}
"""What our own figures are called; a test's own are called as it calls them."""
WORDS: dict[Word, str] = {
    "better": "better",
    "worse": "worse",
    "more": "more",
    "less": "less",
    "same": "same",
    "cannot_be_said": "cannot be said",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of every run.

    Attributes:
        values: one a run, in the order of the record's runs; ``None`` for a run that does not have it.
        unit: ``s``, ``B``, empty for a count, or what the test calls it.
        better: the direction of improvement; ``none`` if nobody told.
    """

    values: tuple[Value, ...]
    unit: str
    better: Better


def _call_s(run: Run) -> Value:
    times = [test.call_s for test in run.tests if test.call_s is not None]
    return sum(times) if times else None


_FIGURES: Mapping[str, tuple[str, Callable[[Run], Value]]] = {
    CALL: ("s", _call_s),
    WALL: ("s", lambda run: run.wall_s),
    CPU: ("s", lambda run: run.cpu.total_s),
    "peak_memory": ("B", lambda run: run.memory.peak_bytes),
    "max_rss": ("B", lambda run: run.memory.max_rss_bytes),
    "minor_faults": ("", lambda run: run.faults.minor),
    "major_faults": ("", lambda run: run.faults.major),
}
"""What is counted of every run, less of which is better: its unit, and where the record has it."""


def measures(record: Record) -> dict[str, Measure]:
    """Return what the runs of a record have a figure of, by name: ours first, then the test's own metrics.

    ``call`` is the time in the tests' own calls, summed. A metric that is called like one of ours has ``metric:``
    before its name. A metric whose unit or direction is not the same in every run has those of the last one, and no
    value in a run that has it in another unit.
    """
    found = {
        name: Measure(tuple(read(run) for run in record.runs), unit, "lower") for name, (unit, read) in _FIGURES.items()
    }
    own = {name: metric for run in record.runs for name, metric in run.metrics.items()}
    for name, last in own.items():
        of_runs = [run.metrics.get(name) for run in record.runs]
        values = tuple(one.value if one is not None and one.unit == last.unit else None for one in of_runs)
        found[f"metric:{name}" if name in _FIGURES else name] = Measure(values, last.unit, last.better)
    return {name: one for name, one in found.items() if any(value is not None for value in one.values)}


def units_apart(a: Measure | None, b: Measure | None) -> str | None:
    """Return that two sides have a figure in different units, as a clause; ``None`` if they do not."""
    if a is None or b is None or a.unit == b.unit:
        return None
    return f"one side has it in '{a.unit}', the other in '{b.unit}'"


def label(name: str) -> str:
    """Return what a figure is called."""
    return LABELS.get(name, name.removeprefix("metric:"))
