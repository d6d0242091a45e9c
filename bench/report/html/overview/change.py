"""How a result's time changed: against a baseline, else against the results before it that are like it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench import units
from bench.compare.comparison import Comparison, compare
from bench.compare.measures import WALL, label
from bench.errors import BenchError
from bench.report.entry import Entry
from bench.report.presentation import less_one

POOLED = 5
"""Results before one that it is held against, the newest."""


@dataclass(frozen=True, slots=True)
class Change:
    """A ratio of wall times, with its 99 % interval if there were runs enough, ``against`` what it is held.

    ``shown`` tells that the runs show a change of the code against the results before, by the rules of ``compare``;
    ``higher`` that more of it is better, which wall time never is.
    """

    ratio: float
    low: float | None
    high: float | None
    against: str
    shown: bool = False
    higher: bool = False

    @property
    def text(self) -> str:
        """The change, in percent or as a factor."""
        return units.change(self.ratio - 1)

    @property
    def spoken(self) -> str:
        """The change with its interval and what it is held against."""
        if self.low is None and self.high is None:
            return f"{self.text} against {self.against}, too few runs for an interval"
        return f"{units.with_interval(self.ratio - 1, less_one(self.low), less_one(self.high))} against {self.against}"


def change_of(entry: Entry, before: Sequence[Entry] = ()) -> Change | None:
    """Return the change of a result: its comparison's, its record's own baseline's, or that from the results before it.

    Args:
        entry: the result.
        before: those before it on the same host that are like it, the oldest first.
    """
    trial = entry.comparison.experiment if entry.comparison is not None else None
    if entry.comparison is not None and entry.base is not None and trial is not None:
        return _of(entry.comparison, f"{entry.sides[0]}, {units.counted(trial.compared, 'pair')}")
    if entry.comparison is not None:
        return _of(entry.comparison, f"baseline {entry.comparison.a.stamp}")
    kept = entry.record.verdict.baseline
    if isinstance(kept.ratio, float):
        stamp = kept.stamp if isinstance(kept.stamp, str) else ""
        return Change(kept.ratio, _known(kept.ratio_low), _known(kept.ratio_high), f"baseline {stamp}".strip())
    if not before:
        return None
    pooled = [one.record for one in before[-POOLED:]]
    try:
        found = compare(pooled if len(pooled) > 1 else pooled[0], entry.record, ceiling=False)
    except BenchError:
        return None  # a report shows damaged results too; `verify` is what names the damage
    shown = found.status in ("code_regressed", "code_improved")
    return _of(found, f"{units.counted(len(pooled), 'result')} before it", shown=shown)


def _of(found: Comparison, against: str, *, shown: bool = False) -> Change | None:
    if found.ratio is None:
        return None
    against = against if found.metric == WALL else f"{against}, {label(found.metric)}"
    return Change(found.ratio, found.ratio_low, found.ratio_high, against, shown, found.better == "higher")


def _known(value: float | msgspec.UnsetType | None) -> float | None:
    return value if isinstance(value, float) else None
