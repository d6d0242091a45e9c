"""Sides of a comparison: ten runs that scatter by one percent, others like them, slower and faster ones."""

from __future__ import annotations

import numpy as np

from bench.record.schema import Record, Warning_
from tests.support.records import record, replace


def noisy(level: float = 100.0, count: int = 10, seed: int = 0, deviation: float = 0.01) -> list[float]:
    return (level * np.random.default_rng(seed).lognormal(0, deviation, count)).tolist()


def with_warnings(made: Record, code: str = "cpu_steal") -> Record:
    """The same with such a warning of each run."""
    runs = tuple(replace(run, warnings=(Warning_(code, "disturbed"),)) for run in made.runs)
    return replace(made, runs=runs)


A = record(noisy(seed=1), id="a")
SAME = record(noisy(seed=2), id="b")
SLOWER = record(noisy(110, seed=3), id="c")
FASTER = record(noisy(90, seed=4), id="d")
