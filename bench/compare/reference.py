"""Which results are held against one another: those that words name, and those that serve one as reference (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.compare import sample
from bench.compare.configuration import setup_of
from bench.compare.differences import differences
from bench.compare.sample import walls
from bench.compare.stats.noise import session_noise
from bench.record.schema import Record

_Key = TypeVar("_Key")
Kind = tuple[str, str]
"""Profile and variant: results of one kind do the same work in the same way."""
USUAL: Kind = ("full", "")


@dataclass(frozen=True, slots=True)
class Aligned:
    """For each word the results to pool, oldest first; ``left_out`` gives the others by id, with the reason."""

    groups: tuple[tuple[Record, ...], ...]
    left_out: dict[str, str]


def kind(record: Record) -> Kind:
    """A record's kind. Older evidence knows no profile; it is full."""
    return record.diagnostic.profile or USUAL[0], record.variant or USUAL[1]


def align(groups: Sequence[Sequence[Record]]) -> tuple[Aligned, ...]:
    """Sort the results of one diagnostic into what may be pooled, once for each kind that all words have.

    A word that names several results, such as a host, is a history, and a history is of one kind: profiles and variants
    are not pooled. Where no kind is in all words, each gives its usual one, and the comparison names the difference. A
    result that a word names by itself is not part of another's history. What was not measured or ran under the profiler
    is passed over where there is something else.

    Args:
        groups: for each word at least one record.
    """
    why: dict[str, str] = {}
    usable = [_usable(group, why) for group in _apart(groups)]
    hosts = _shared(usable, lambda record: record.host.id)
    if not hosts:
        return _by_kind(usable, why)
    there = {host: [[record for record in group if record.host.id == host] for group in usable] for host in hosts}
    chosen = [host for host in sorted(hosts) if _shared(there[host], kind)] or sorted(hosts)
    for record in (record for group in usable for record in group if record.host.id not in chosen):
        why[record.id] = _other(record) if record.host.id in hosts else f"it ran on another host, {record.host.id}"
    return tuple(aligned for host in chosen for aligned in _by_kind(there[host], why))


def _by_kind(usable: Sequence[Sequence[Record]], why: dict[str, str]) -> tuple[Aligned, ...]:
    shared = _shared(usable, kind)
    if not shared:
        return (_chosen(usable, [_usual(group) for group in usable], why),)
    return tuple(_chosen(usable, [one] * len(usable), why, shared) for one in sorted(shared, key=_order))


def _shared(groups: Sequence[Sequence[Record]], key: Callable[[Record], _Key]) -> set[_Key]:
    """The keys that a record of every group has."""
    return set.intersection(*({key(record) for record in group} for group in groups))


def _apart(groups: Sequence[Sequence[Record]]) -> list[list[Record]]:
    """Each result only in the smallest of the groups that name it, as long as every group keeps one."""
    sizes: dict[str, int] = {}
    for group in groups:
        for record in group:
            sizes[record.id] = min(sizes.get(record.id, len(group)), len(group))
    own = [[record for record in group if sizes[record.id] == len(group)] for group in groups]
    return [kept or list(group) for kept, group in zip(own, groups, strict=True)]


def _usable(group: Sequence[Record], why: dict[str, str]) -> list[Record]:
    kept = [record for record in group if sample.walls(record) and not record.profiler]
    if not kept:
        return list(group)
    for record in group:
        if record.profiler:
            why[record.id] = "it ran under the profiler"
        elif not sample.walls(record):
            why[record.id] = "it has no run that passed with a wall time"
    return kept


def _usual(group: Sequence[Record]) -> Kind:
    """The kind that stands for a group: as the diagnostic is, else that of the newest result."""
    kinds = {kind(record) for record in group}
    return USUAL if USUAL in kinds else kind(max(group, key=lambda record: record.stamp))


def _chosen(
    groups: Sequence[Sequence[Record]], kinds: Sequence[Kind], why: dict[str, str], shared: set[Kind] | None = None
) -> Aligned:
    """The groups' results of these kinds; what is of a kind that another table shows is not left out."""
    picked = tuple(
        tuple(sorted((record for record in group if kind(record) == wanted), key=lambda record: record.stamp))
        for group, wanted in zip(groups, kinds, strict=True)
    )
    other = {
        record.id: _other(record)
        for group, wanted in zip(groups, kinds, strict=True)
        for record in group
        if kind(record) != wanted and kind(record) not in (shared or ())
    }
    return Aligned(picked, {**why, **other})


def _other(record: Record) -> str:
    profile, variant = kind(record)
    return f"it is of another kind, profile {profile}" + (f", variant {variant}" if variant else "")


def _order(one: Kind) -> tuple[bool, Kind]:
    return one != USUAL, one


def reference_noise(a: Sequence[Record], b: Sequence[Record], history: Sequence[Record]) -> float | None:
    """The A/A noise of the reference: of its sessions, and of those in the history that are like it.

    What is judged is none of them, wherever it lies: a regression that counts as noise acquits itself. Other sources
    are none either, even of a project, whose source forces no status: what its commits change is no noise.
    """
    reference, judged = a[-1], {record.id for record in b}
    sessions = {record.id: record for record in (*history, *a) if record.id not in judged}
    return aa_noise([record for record in sessions.values() if _same_code(record, reference)])


def _same_code(record: Record, reference: Record) -> bool:
    return (
        record.diagnostic.name == reference.diagnostic.name
        and _code(record) == _code(reference)
        and not record.profiler
        and all(difference.forces is None for difference in differences(reference, record))
    )


def _code(record: Record) -> str | None:
    source = record.diagnostic.source
    return source.sha256 or source.commit


def like(record: Record, others: Sequence[Record], accept: Collection[str] = ()) -> tuple[Record, ...]:
    """Those of the others that may stand beside this record: same diagnostic, build, limits, host; oldest first."""
    fit = [
        other
        for other in others
        if other.id != record.id
        and other.diagnostic.name == record.diagnostic.name
        and not other.profiler
        and sample.walls(other)
        and all(one.forces is None or one.accepted for one in differences(other, record, accept))
    ]
    return tuple(sorted(fit, key=lambda other: other.stamp))


def reference(record: Record, baseline: Sequence[Record]) -> list[Record]:
    """The results of a baseline that one is compared with, oldest first; none where it has none of the diagnostic.

    Those that are like it in all, as ``bench run --baseline`` chooses. Else, of those of its profile and variant, the
    ones that ran the same way on its host, or on its host at all, or anywhere; of several groups that of the newest.
    """
    name = record.diagnostic.name
    named = [one for one in baseline if one.diagnostic.name == name and not one.profiler and one.id != record.id]
    alike = like(record, named)
    if alike or not named:
        return list(alike)
    of_kind = [one for one in named if kind(one) == kind(record)]
    (aligned, *_) = align([of_kind or named, [record]])
    pool = aligned.groups[0]
    ways = {one.id: (setup_of(one), one.host.id) for one in (record, *pool)}
    fit = (
        [one for one in pool if ways[one.id] == ways[record.id]]
        or [one for one in pool if one.host.id == record.host.id]
        or pool
    )
    newest = max(fit, key=lambda one: one.stamp)
    return [one for one in fit if ways[one.id] == ways[newest.id]]


def aa_noise(records: Sequence[Record]) -> float | None:
    """The difference between two results of the same code on one host that one pair in a hundred exceeds.

    A ratio minus 1: 0.02 says that two results may be 2 % apart with nothing changed. From the variance *between* the
    sessions' median logarithms, less what the runs within them explain (one-way random effects, method of moments;
    Searle, Casella & McCulloch 1992, Variance Components, section 3.6), times Student's t for the sessions and
    sqrt(2) for a pair. Where all sessions have one run each the two cannot be told apart, and the whole scatter
    counts.

    Args:
        records: results of the same diagnostic, build, limits and host; those without a passed run are left out.

    Returns:
        ``None`` for fewer than ``FEWEST_SESSIONS`` sessions.
    """
    return session_noise([walls(record) for record in records])
