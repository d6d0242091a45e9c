"""The bundles of a folder as the index knows them, and which of them somebody asks for (pure)."""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError, DamagedData, ExitCode, UsageError
from bench.record.index.entries import Entry

if TYPE_CHECKING:
    from bench.record.index.groups import Group

NEWEST = 200
"""Results of one kind on one host that are compared, from the newest backwards: a host drifts over the years."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The bundles of a folder, by the folders they lie in. Each result counts once.

    ``twins`` are the results that are there twice, ``lost`` the paths of those that do not count. ``read`` counts the
    records that were read for it.
    """

    root: Path
    groups: tuple[Group, ...] = ()
    twins: tuple[BenchError, ...] = ()
    lost: frozenset[str] = frozenset()
    read: int = 0
    _digests: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def found(self) -> bool:
        """Whether there is a bundle, readable or not."""
        return bool(self.groups)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The readable bundles, in order of host, diagnostic and stamp."""
        return self.of()

    def of(self, diagnostics: Collection[str] | None = None, hosts: Collection[str] | None = None) -> tuple[Entry, ...]:
        """Return the readable bundles in order of host, diagnostic and stamp.

        Args:
            diagnostics: these alone; by default all.
            hosts: theirs alone; by default all.
        """

        def asked(host: str, diagnostic: str) -> bool:
            return (diagnostics is None or diagnostic in diagnostics) and (hosts is None or host in hosts)

        found: list[Entry] = []
        for group in self.groups:
            fit = {pair: asked(*pair) for pair in group.pairs}
            if any(fit.values()):
                whole = all(fit.values()) and not group.marked and not self.lost
                found += group.entries() if whole else (one for one in self._counting(group) if asked(*one.key[:2]))
        return tuple(sorted(found, key=_by_key))

    def numbers(self) -> set[int]:
        """Return the numbers of the readable bundles' rows."""
        if self.lost:
            return {entry.at for entry in self.entries}
        return set(chain.from_iterable(array("q", group.numbers) for group in self.groups))

    def digest(self) -> bytes:
        """Return what tells this listing from any other; empty if that cannot be told from what is kept of it."""
        if not self._digests:  # a query asks for it several times
            self._digests.append(self._worked_out())
        return self._digests[0]

    def _worked_out(self) -> bytes:
        if self.lost or not all(group.signature for group in self.groups):
            return b""
        import hashlib

        parts = sorted((group.folder, group.signature.hex()) for group in self.groups)
        return hashlib.blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=16).digest()

    def newest(self) -> tuple[Entry, ...]:
        """Return the newest readable bundle of each diagnostic on each host, or a few of them, in that order."""
        found = chain.from_iterable(
            self._counting(group) if self._has_lost(group) else group.newest for group in self.groups
        )
        return tuple(sorted(found, key=_by_key))

    def _counting(self, group: Group) -> Iterator[Entry]:
        return (entry for entry in group.entries() if entry.problem is None and entry.path not in self.lost)

    def _has_lost(self, group: Group) -> bool:
        return any(os.path.dirname(path) == group.folder for path in self.lost)  # noqa: PTH120 - of a string

    @property
    def problems(self) -> tuple[BenchError, ...]:
        """Why each of the bundles that cannot be read cannot."""
        told = [entry for group in self.groups for entry in group.marked if entry.problem is not None]
        if not told:
            return ()
        from bench.record.storage.walk import folder_parts

        told.sort(key=lambda entry: folder_parts(entry.path))
        return tuple(_error(entry.problem) for entry in told if entry.problem is not None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a query cannot hold of the records."""
        marked = (entry for group in self.groups for entry in group.marked)
        told = sorted((one for one in marked if one.remark and one.path not in self.lost), key=_by_key)
        return tuple(f"{self.root / entry.path}: {entry.remark}, and null in a query" for entry in told)

    def below(self, *folders: str) -> Listing:
        """Return the part of it that lies in folders, by their paths relative to the root, without its twins."""
        starts = tuple(os.path.normpath(folder) + os.sep for folder in folders)
        return replace(self, groups=tuple(one for one in self.groups if f"{one.folder}/".startswith(starts)), twins=())

    def outside(self, folder: str) -> Listing:
        """Return the part of it that does not lie in a folder, by its path relative to the root, without its twins."""
        start = os.path.normpath(folder) + os.sep
        kept = tuple(one for one in self.groups if not f"{one.folder}/".startswith(start))
        return replace(self, groups=kept, twins=())

    def path(self, entry: Entry) -> Path:
        """Return the folder of a bundle."""
        return self.root / entry.path


def _by_key(entry: Entry) -> tuple[str, str, str]:
    return entry.host, entry.diagnostic, entry.stamp


def _error(problem: tuple[str, str, str, int]) -> BenchError:
    kind = DamagedData if problem[3] == ExitCode.DAMAGED else UsageError
    return kind(*problem[:3])


def newest_each(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the newest result of each diagnostic."""
    newest: dict[str, Entry] = {}
    for entry in entries:
        there = newest.get(entry.diagnostic)
        if there is None or entry.stamp >= there.stamp:
            newest[entry.diagnostic] = entry
    return newest


def newest_of_kinds(entries: Iterable[Entry], most: int = NEWEST) -> tuple[list[Entry], int]:
    """Return the newest results of each diagnostic, host and kind, and how many are older.

    Args:
        entries: results, any order.
        most: how many of each.
    """
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.diagnostic, entry.host, entry.kind), []).append(entry)
    newest = [entry for group in groups.values() for entry in sorted(group, key=lambda one: one.stamp)[-most:]]
    return newest, sum(max(len(group) - most, 0) for group in groups.values())
