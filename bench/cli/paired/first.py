"""Whether an experiment is the first thing that was measured of its test: then it is shown in three lines."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BenchError
from bench.record.storage.bundle import read_bundle
from bench.run.ab.experiment import Done

_FEW = 6
"""Earlier results up to which they are read, to see whether they measured anything."""


def is_first(done: Done) -> bool:
    """Return whether the folder of results has nothing else that was measured of this diagnostic.

    A test that could not begin, for want of a package, was not measured.
    """
    folder = done.head.path.parents[2]
    known = {path.resolve() for path in folder.glob(f"*/{done.head.record.diagnostic.name}/*")}
    others = known - {done.base.path.resolve(), done.head.path.resolve()}
    return len(others) <= _FEW and not any(map(_has_measured, others))


def _has_measured(path: Path) -> bool:
    try:
        return read_bundle(path, explained=False).record.outcome != "not_measured"
    except BenchError:
        return True
