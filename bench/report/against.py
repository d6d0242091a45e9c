"""Results beside a baseline: which of its results each is held against, and with what outcome (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.compare.alignment import reference
from bench.compare.comparison import Comparison, compare
from bench.compare.reference import Pool
from bench.errors import DamagedData
from bench.record.schema import Record
from bench.report.entry import Entry, newest_per_key


def against(
    entries: Sequence[Entry], baseline: Sequence[Record], history: Sequence[Record] = ()
) -> tuple[list[Entry], list[DamagedData]]:
    """Return the same entries in the same order, the newest of each group on each host with its comparison.

    A result that cannot be compared, since it or its baseline has a wall time that is none, stays without; what is
    wrong with it comes back too.

    Args:
        entries: results, any order. One that ran under the profiler is compared with nothing, an experiment with its
            own base alone.
        baseline: results to compare with, any order.
        history: all results at hand, for the A/A noise, as ``bench compare`` takes them.
    """
    newest = {id(entry) for entry in newest_per_key([entry for entry in entries if not entry.record.profiler])}
    known = {entry.record.diagnostic.name for entry in entries}
    pools = {name: (_of(name, baseline), _of(name, history)) for name in known}
    made: list[Entry] = []
    problems: list[DamagedData] = []
    for entry in entries:
        try:
            asked = id(entry) in newest and entry.base is None
            made.append(_compared(entry, *pools[entry.record.diagnostic.name]) if asked else entry)
        except DamagedData as error:
            made.append(entry)
            problems.append(error)
    return made, problems


def with_comparisons(entries: Sequence[Entry], made: Sequence[Comparison]) -> list[Entry]:
    """Return the same entries in the same order, each with the comparison that was made of it, if there is one."""
    by_id = {one.b.id: one for one in made}
    return [entry if entry.base is not None else _with(entry, by_id.get(entry.record.id)) for entry in entries]


def _with(entry: Entry, made: Comparison | None) -> Entry:
    """The comparison of an experiment decides it, wherever its base is."""
    decided = made is not None and made.experiment is not None
    return replace(entry, comparison=made, undecided="" if decided else entry.undecided)


def _compared(entry: Entry, baseline: Sequence[Record], history: Sequence[Record]) -> Entry:
    chosen = reference(entry.record, baseline)
    if not chosen:
        return entry
    return replace(entry, comparison=compare(chosen, entry.record, history=history))


def _of(name: str, records: Sequence[Record]) -> Pool:
    """The results of one diagnostic: no other's is a reference, or says what noise is."""
    return Pool([record for record in records if record.diagnostic.name == name])
