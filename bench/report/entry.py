"""What a report is made of: a record, its samples and where it came from (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.record.schema import Experiment, Record, Run
from bench.report.status import FAILED, STATES, State, state_of, state_of_trial
from bench.report.text import plain

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison  # most results are shown without, and it brings the statistics

_WORDS = 40
"""The most characters of what was asked of a side."""
NO_SAMPLES: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entry:
    """One result as a report takes it.

    ``origin`` is where it was read (a folder, an archive). ``samples`` holds the text of ``samples.csv`` by the run's
    index; a report asks only for :attr:`typical` of those that :func:`timeline_entries` names. ``comparison`` is this
    result against a baseline, if a report was given one. The head of an experiment has its ``base``, if that is there
    too, and is compared with it (:mod:`bench.report.experiments`); else ``undecided`` tells why nothing is decided.
    """

    record: Record
    origin: str = ""
    samples: Mapping[int, str] = field(default_factory=lambda: NO_SAMPLES)
    comparison: Comparison | None = None
    base: Entry | None = None
    undecided: str = ""
    group: str = field(init=False, compare=False)
    """The diagnostic, and how it ran if not as usual (profile, variant, limits, engine): times within are alike."""
    setup: tuple[str, ...] = field(init=False, compare=False)
    """How it ran, in words; of an experiment both sides first, and its id last."""

    def __post_init__(self) -> None:
        from bench.compare.likeness.configuration import setup_of  # here, since an empty list has none

        # Worked out once: a report sorts and groups by it many times.
        name, setup = self.record.diagnostic.name, setup_of(self.record)
        told = self.record.experiment
        if self.base is not None and isinstance(told, Experiment):
            setup = (" → ".join(self.sides), *setup[:-1], f"experiment {told.id}")
        object.__setattr__(self, "setup", setup)
        object.__setattr__(self, "group", f"{name} ({', '.join(setup)})" if setup else name)

    @property
    def key(self) -> tuple[str, str]:
        """Group and host: what belongs in one line of history."""
        return self.group, self.record.host.id

    @property
    def state(self) -> State:
        """The result's worst word: its own, its comparison's, or how the base of its experiment ended."""
        trial = self.comparison.experiment if self.comparison is not None else None
        if self.comparison is not None and trial is not None and self.record.outcome not in FAILED:
            found = [state_of(self.record), state_of_trial(self.comparison.status, trial.compared)]
        else:
            found = [state_of(self.record, self.comparison.status if self.comparison is not None else None)]
        if self.undecided:
            found.append(STATES["not_measured"])
        if self.base is not None and self.base.record.outcome in FAILED:
            found.append(state_of(self.base.record))
        return min(found, key=lambda state: state.rank)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences: the comparison's first if it decides the state, then the verdict's own."""
        own = ((self.undecided,) if self.undecided else ()) + self.record.verdict.reasons
        if self.base is not None and self.base.record.outcome in FAILED:
            own += self.base.record.verdict.reasons
        decided = self.base is not None or self.state != state_of(self.record)
        return (*self.comparison.reasons, *own) if self.comparison is not None and decided else own

    @property
    def sides(self) -> tuple[str, str]:
        """What was asked of the base and of the head of an experiment, in the words of the command line."""
        records = (self.base.record if self.base is not None else self.record, self.record)
        told = [one.experiment.words if isinstance(one.experiment, Experiment) else "" for one in records]
        base, head = (plain(words, _WORDS) for words in told)
        return base or "base", head or ("the working tree" if base else "head")

    @property
    def results(self) -> int:
        """How many results it is."""
        return 1 if self.base is None else 2

    @property
    def decision(self) -> str:
        """What an experiment shows, in a sentence, or why it shows nothing; empty of any other result."""
        return self.comparison.reasons[0] if self.base is not None and self.comparison is not None else self.undecided

    @property
    def passed(self) -> tuple[Run, ...]:
        """The runs whose wall time is a timing of the diagnostic."""
        return tuple(run for run in self.record.measured_runs if run.outcome == "passed" and _is_time(run.wall_s))

    @property
    def walls(self) -> tuple[float, ...]:
        """Wall times of the passed runs, in seconds."""
        return tuple(run.wall_s for run in self.passed if run.wall_s is not None)

    @property
    def wall_s(self) -> float | None:
        """The median wall time of the passed runs, or ``None``."""
        if not self.walls:
            return None
        from statistics import median

        return median(self.walls)

    @property
    def typical(self) -> Run | None:
        """The run to show in detail: the passed run nearest the median, else the last run."""
        middle = self.wall_s
        if middle is None:
            return self.record.runs[-1] if self.record.runs else None
        return min(self.passed, key=lambda run: abs((run.wall_s or 0.0) - middle))


def _is_time(wall_s: float | None) -> bool:
    """A report shows a damaged record too; what is no time is left out of it, and ``verify`` names it."""
    return wall_s is not None and math.isfinite(wall_s) and wall_s > 0


def worst_first(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries for a reader in a hurry: by severity, then diagnostic, host and the newest before the older."""
    newest = sorted(entries, key=lambda entry: entry.record.stamp, reverse=True)
    return sorted(newest, key=lambda entry: (entry.state.rank, *entry.key))


def newest_per_key(entries: Iterable[Entry]) -> list[Entry]:
    """Return the newest result of each diagnostic on each host, in order of their names."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.stamp):
        newest[entry.key] = entry
    return [newest[key] for key in sorted(newest)]


def by_group(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Return entries by :attr:`Entry.group`, in order of the names, each list from the oldest to the newest."""
    groups: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.group, entry.record.stamp)):
        groups.setdefault(entry.group, []).append(entry)
    return groups


def timeline_entries(entries: Sequence[Entry], most: int = 200) -> list[Entry]:
    """Return the entries whose timeline a page draws: the newest of each key, at most ``most``, the worst first."""
    return worst_first(newest_per_key(entries))[:most]
