"""What all rounds agree on: a variant used less than the reference in each of them (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec

from bench import units
from bench.record.schema import Record, Run

FEWEST = 3
"""Rounds that must agree. Of identical variants one in four agrees over three rounds: the size has to speak as well."""
LEAST = 0.1
"""The change in the median that is worth a word where all rounds agree."""

FIGURES: Mapping[str, tuple[str, Callable[[Run], float | None]]] = {
    "wall time": ("less", lambda run: run.wall_s),
    "CPU time": ("less", lambda run: run.cpu.total_s),
    "time in the kernel": ("less", lambda run: run.cpu.system_s),
    "minor faults": ("fewer", lambda run: run.faults.minor),
    "peak memory": ("less", lambda run: run.memory.peak_bytes),
}
"""What is looked at in each round: what it is called, and where the record has it."""


class Agreed(msgspec.Struct, frozen=True):
    """A figure that was less in every round, or more: the median of its ratios to the reference's run of the round."""

    figure: str
    ratio: float
    rounds: int

    @property
    def text(self) -> str:
        """As in ``5.2x fewer minor faults``."""
        word, _ = FIGURES[self.figure]
        if self.ratio > 1:
            return f"{units.change(self.ratio - 1)} {self.figure}"
        much = f"{units.times(1 / self.ratio)}" if self.ratio <= 0.5 else units.percent(1 - self.ratio, 0)
        return f"{much} {word} {self.figure}"


def agreed(reference: Record, variant: Record) -> tuple[Agreed, ...]:
    """Return the figures of which all rounds say the same: the rounds in which both passed, at least ``FEWEST``.

    Args:
        reference: the first variant.
        variant: another, whose run of each round has the same index.
    """
    ours = {run.index: run for run in reference.runs if run.outcome == "passed"}
    rounds = [(ours[run.index], run) for run in variant.runs if run.outcome == "passed" and run.index in ours]
    found = (_agreed(name, rounds) for name in FIGURES)
    return tuple(one for one in found if one is not None)


def _agreed(name: str, rounds: Sequence[tuple[Run, Run]]) -> Agreed | None:
    _, read = FIGURES[name]
    values = [(read(one), read(two)) for one, two in rounds]
    ratios = [two / one for one, two in values if one is not None and two is not None and one > 0 and two > 0]
    if len(ratios) < max(FEWEST, len(rounds)):
        return None
    middle = median(ratios)
    same = all(ratio < 1 for ratio in ratios) or all(ratio > 1 for ratio in ratios)
    return Agreed(name, middle, len(ratios)) if same and abs(middle - 1) >= LEAST else None
