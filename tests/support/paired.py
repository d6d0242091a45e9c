"""Sides of an experiment as records: runs in pairs, by what their calls took."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from bench.compare.experiment import place
from bench.record.schema import Experiment, Outcome, Record, Run, Source
from bench.record.schema import TestResult as Node
from tests.support.records import make_record, replace

STAMPS = {"base": "20260102T030405Z", "head": "20260102T030406Z"}


def noisy(level: float, count: int, seed: int) -> list[float]:
    """Times of so many runs, one percent about a level."""
    draw = random.Random(seed)
    return [level * (1 + draw.uniform(-0.01, 0.01)) for _ in range(count)]


def run(index: int, call: float, outcome: Outcome = "passed", **changes: Any) -> Run:
    """A run whose one test took so long."""
    node = Node("test_x.py::test_y", outcome, call_s=call)
    return Run(index, outcome, wall_s=call + 1, tests=(node,), **changes)


def told(side: str, pairs: Iterable[int], seed: int = 3, **changes: Any) -> Experiment:
    """What a side's record has of its experiment."""
    pairs = tuple(pairs)
    return replace(Experiment("ab-1", side, pairs, tuple(place(side, seed, pair) for pair in pairs), seed), **changes)


def side(
    name: str, calls: Sequence[float | Run], pairs: Iterable[int] | None = None, seed: int = 3, **changes: Any
) -> Record:
    """The record of a side, ``changes`` those of its experiment."""
    runs = tuple(one if isinstance(one, Run) else run(index, one) for index, one in enumerate(calls))
    made = make_record(stamp=STAMPS[name], runs=runs, source=Source("project", sha256=name), ceiling_s=0.5)
    return replace(made, experiment=told(name, range(len(runs)) if pairs is None else pairs, seed, **changes))
