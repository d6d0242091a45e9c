"""Which results of those that words or a baseline name are held against one another (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.compare.likeness.configuration import setup_of
from bench.compare.reference import USUAL, Bar, Kind, barred, candidates, kind, like
from bench.record.schema import Record

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Aligned:
    """For each word the results to pool, oldest first; ``left_out`` gives the others by id, with the reason."""

    groups: tuple[tuple[Record, ...], ...]
    left_out: dict[str, str]


def align(groups: Sequence[Sequence[Record]]) -> tuple[Aligned, ...]:
    """Return the results of one diagnostic sorted into what may be pooled, once for each kind that all words have.

    A word that names several results, such as a host, is a history, and a history is of one kind: profiles and variants
    are not pooled. If no kind is in all words, each gives its usual one, and the comparison names the difference. A
    result that a word names by itself is not part of another's history. What was not measured or ran under the profiler
    is passed over if there is something else.

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


_PASSED_OVER: dict[Bar, str] = {
    "profiled": "it ran under the profiler",
    "side": "it is a side of an experiment ('bench ab')",
    "no_time": "it has no run that passed with a wall time",
}


def _usable(group: Sequence[Record], why: dict[str, str]) -> list[Record]:
    bars = [(record, barred(record, record.diagnostic.name)) for record in group]
    kept = [record for record, bar in bars if bar is None]
    if kept:
        why.update({record.id: _PASSED_OVER[bar] for record, bar in bars if bar is not None})
    if kept or not all(bar == "side" for _, bar in bars):
        return kept or list(group)
    newest = max(group, key=lambda record: record.stamp)  # of sides none is like another: one alone stands for its word
    why.update({record.id: _PASSED_OVER["side"] for record in group if record is not newest})
    return [newest]


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


def reference(record: Record, baseline: Sequence[Record]) -> list[Record]:
    """Return the results of a baseline to compare one with, oldest first; none if it has none of the diagnostic.

    They are those that are like it in all, as ``bench run --baseline`` chooses. Else, of those of its profile and
    variant, the ones that ran the same way on its host, or on its host at all, or anywhere; of several groups that of
    the newest.
    """
    if alike := like(record, baseline):
        return list(alike)
    named = candidates(record, baseline)
    if not named:
        return []
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
