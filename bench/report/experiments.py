"""The two sides of each experiment as one entry, with what its pairs of runs show (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.compare.comparison import compare
from bench.errors import BenchError
from bench.record.schema import Experiment, Side
from bench.report.entry import Entry

_OTHER: dict[Side, Side] = {"base": "head", "head": "base"}


def with_experiments(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries in their order, of each experiment its head alone, which has the verdict and the base.

    A side without the other one stays, and its entry tells that nothing is decided. Of an experiment that was gone on
    with, the newest results of both sides belong together. An experiment is judged once.
    """
    found: dict[tuple[str, str], dict[Side, list[Entry]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.stamp, reverse=True):
        told = entry.record.experiment
        if isinstance(told, Experiment):
            key = told.id, entry.record.diagnostic.name
            found.setdefault(key, {"base": [], "head": []})[told.side].append(entry)
    made: dict[int, Entry | None] = {}
    for (name, _), sides in found.items():
        for base, head in zip(sides["base"], sides["head"], strict=False):
            made |= _together(base, head)
        for side, other in _OTHER.items():
            for alone in sides[side][len(sides[other]) :]:
                made[id(alone)] = replace(alone, undecided=_alone(name, side, older=bool(sides[other])))
    kept = (made.get(id(entry), entry) for entry in entries)
    return [entry for entry in kept if entry is not None]


def sides_apart(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield every result by itself, for those who judge it by other means: of an experiment its base, then its head."""
    for entry in entries:
        if entry.base is None:
            yield entry
        else:
            yield from (entry.base, replace(entry, base=None, comparison=None))


def _together(base: Entry, head: Entry) -> dict[int, Entry | None]:
    """What becomes of both sides: one entry, unless they cannot be judged."""
    try:
        return {id(base): None, id(head): replace(head, base=base, comparison=compare(base.record, head.record))}
    except BenchError as error:  # a report shows damaged results too; `verify` is what names the damage
        return {id(side): replace(side, undecided=f"nothing is decided: {error}") for side in (base, head)}


def _alone(experiment: str, side: Side, *, older: bool) -> str:
    if older:
        return f"nothing is decided by this {side} of experiment {experiment}: newer results of it have all its pairs"
    return f"nothing is decided: the {_OTHER[side]} of experiment {experiment} is not among these results"
