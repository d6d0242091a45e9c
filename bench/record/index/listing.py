"""The bundles of a folder: what is known of each, read anew only where its record changed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, DamagedData, ExitCode, UsageError
from bench.record.index.columns import beyond
from bench.record.index.entries import Entry, Mark, load, mark_of, number, save, settled
from bench.record.schema import Record
from bench.record.storage.bundle import RECORD, read_bundle
from bench.record.storage.find import Follow
from bench.record.storage.manifest import list_files
from bench.record.storage.twins import twice
from bench.record.storage.walk import bundle_paths, folder_parts

Take = Callable[[Entry, Record], object]
"""Is given each record that is read."""
NEWEST = 200
"""Results of one kind on one host that are compared, from the newest backwards: a host drifts over the years."""
NO_RECORD: Mark = (-1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Listing:
    """The readable bundles of a folder, in order of host, diagnostic and stamp, each result once.

    ``damaged`` are the bundles that cannot be read, ``twins`` the results that are there twice. ``read`` counts the
    records that were read for it.
    """

    root: Path
    entries: tuple[Entry, ...] = ()
    damaged: tuple[Entry, ...] = ()
    twins: tuple[BenchError, ...] = ()
    read: int = 0

    @property
    def found(self) -> bool:
        """Whether there is a bundle, readable or not."""
        return bool(self.entries or self.damaged)

    @property
    def problems(self) -> tuple[BenchError, ...]:
        """Why each of the damaged bundles cannot be read."""
        return tuple(_error(entry.problem) for entry in self.damaged if entry.problem is not None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a query cannot hold of the records."""
        told = (entry for entry in self.entries if entry.remark)
        return tuple(f"{self.root / entry.path}: {entry.remark}, and null in a query" for entry in told)

    def below(self, folder: str) -> Listing:
        """Return the part of it that lies in a folder, by its path relative to the root."""
        start = os.path.normpath(folder) + os.sep
        entries, damaged = (
            tuple(entry for entry in group if entry.path.startswith(start)) for group in (self.entries, self.damaged)
        )
        return Listing(self.root, entries, damaged)

    def path(self, entry: Entry) -> Path:
        """Return the folder of a bundle."""
        return self.root / entry.path


def list_results(root: Path, follow: Follow = iter, take: Take = lambda _entry, _record: None) -> Listing:
    """Return the bundles of a folder of results; one that is damaged stops nothing.

    Args:
        root: the folder; one that is missing has none.
        follow: given the folders whose record is read, since nobody has read it or it changed.
        take: given each of them that can be read.
    """
    if not root.is_dir():
        return Listing(root)
    now = _marks(root)
    if not now:
        return Listing(root)
    known = load(root)
    found: list[Entry] = []
    fresh: list[str] = []
    for path, mark in now.items():
        entry = known.get(path)
        if entry is not None and entry.mark == mark:
            found.append(entry)
        else:
            fresh.append(path)
    fresh.sort()
    found += [_read(root, str(path), now, take) for path in follow([Path(path) for path in fresh])]
    # Those that changed too shortly ago are not kept: of them alone nothing is written.
    if len(known) != len(found) - len(fresh) or any(settled(now[path]) for path in fresh):
        save(root, found)
    return _listing(root, found, len(fresh))


def _marks(root: Path) -> dict[str, Mark]:
    """What each bundle's record is known by, by path relative to the root."""
    top = str(root)
    skip = len(top.rstrip(os.sep)) + 1
    marks: dict[str, Mark] = {}
    for path in bundle_paths(top):
        try:
            mark = mark_of(os.stat(f"{path}/{RECORD}", follow_symlinks=False))  # noqa: PTH116 - see bundle_paths
        except OSError:
            if not os.path.isdir(path):  # noqa: PTH112 - removed meanwhile
                continue
            mark = NO_RECORD
        marks[path[skip:]] = mark
    return marks


def _read(root: Path, path: str, now: dict[str, Mark], take: Take) -> Entry:
    mark = now[path]
    at = number(path, mark)
    try:
        record = read_bundle(root / path).record
    except BenchError as error:
        return Entry(path, mark, at, problem=(error.what, error.cause, error.fix, int(error.exit_code)))
    except MemoryError:
        what = f"{root / path} cannot be read: this process has no memory left for it"
        return Entry(path, NO_RECORD, at, problem=(what, "", "", int(ExitCode.DAMAGED)))
    entry = Entry(
        path,
        mark,
        at,
        sys.intern(record.host.id),
        sys.intern(record.diagnostic.name),
        record.stamp,
        sys.intern(kind_of(record)),
        remark=beyond(record) or "",
    )
    take(entry, record)
    return entry


def kind_of(record: Record) -> str:
    """Return what sets results of one diagnostic apart in a history: results of two kinds may be of one group there,
    those of one kind never are of two.
    """
    limits = record.engine.limits
    parts = (
        record.variant,
        record.diagnostic.profile,
        record.engine.name,
        limits.cpus,
        limits.cpuset,
        limits.memory_bytes,
        limits.threads,
        record.profiler,
    )
    return "|".join(str(part)[:200] for part in parts)


def _listing(root: Path, found: Sequence[Entry], read: int) -> Listing:
    readable: dict[tuple[str, str, str], Entry] = {}
    damaged: list[Entry] = []
    twins: list[BenchError] = []
    for entry in sorted(found, key=lambda one: folder_parts(one.path)):
        if entry.problem is not None:
            damaged.append(entry)
            continue
        twin = readable.setdefault(entry.key, entry)
        if twin is not entry:
            try:
                readable[entry.key], complaint = _the_fuller(root, twin, entry)
            except BenchError as error:  # changed meanwhile
                complaint = error
            twins.append(complaint)
    entries = tuple(readable[key] for key in sorted(readable))
    return Listing(root, entries, tuple(damaged), tuple(twins), read)


def _the_fuller(root: Path, one: Entry, other: Entry) -> tuple[Entry, BenchError]:
    """Of two bundles of one result that with more files, the first if they have as many; and what to say of it."""
    first, second = (other, one) if len(_files(root / other.path)) > len(_files(root / one.path)) else (one, other)
    return first, twice(read_bundle(root / first.path), read_bundle(root / second.path))


def _files(folder: Path) -> list[str]:
    return list_files(folder)[0]


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
