"""The bundles of a folder: what is known of each, read anew only where its record changed."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import BenchError, ExitCode
from bench.record.index.entries import Entry, Mark, number
from bench.record.index.groups import NO_RECORD, Group, Seen, group_of, lasting, look
from bench.record.index.kept import load, save
from bench.record.index.results import Listing
from bench.record.schema import Record
from bench.record.storage.bundle import read_bundle
from bench.record.storage.find import Follow
from bench.record.storage.manifest import list_files
from bench.record.storage.twins import twice
from bench.record.storage.walk import bundles_by_folder, folder_parts

Take = Callable[[Entry, Record], object]
"""Is given each record that is read; it has no reasons for its nulls."""


@dataclass(slots=True)
class _Changed:
    """A folder whose bundles are not as the index has them: what is known of them still, and which are to be read."""

    seen: Seen
    signature: bytes
    was: Group | None
    fresh: dict[str, Mark]
    entries: list[Entry]

    def group(self) -> Group:
        """What is known of it once they have been read."""
        marks = self.seen.by_path()
        whole = all(entry.mark == marks[entry.path] for entry in self.entries)
        return group_of(self.seen.folder, self.signature if whole else b"", self.entries)


def list_results(root: Path, follow: Follow = iter, take: Take = lambda _entry, _record: None) -> Listing:
    """Return the bundles of a folder of results; one that is damaged stops nothing.

    Every record is asked for its size, times and inode, since somebody may have edited it where it lies; it is read if
    one of them changed.

    Args:
        root: the folder; one that is missing has none.
        follow: given the folders whose record is read, since nobody has read it or it changed.
        take: given each of them that can be read.
    """
    if not root.is_dir():
        return Listing(root)
    seen = _look(str(root))
    if not seen:
        return Listing(root)
    known = load(root)
    same: list[Group] = []
    changed: list[_Changed] = []
    for one in seen:
        signature, was = one.signature, known.get(one.folder)
        if was is not None and was.signature == signature:
            same.append(was)
        else:
            changed.append(_changed(one, signature, was))
    fresh = _read_fresh(root, changed, follow, take)
    groups = [one.group() for one in changed]
    keep = [lasting(group) for group in groups]
    gone = known.keys() - {one.folder for one in seen}
    if gone or any(_worth_keeping(group, one.was) for group, one in zip(keep, changed, strict=True)):
        save(root, [*same, *keep])
    listing = Listing(root, (*same, *groups), read=fresh)
    twins, lost = _twins(listing)
    return replace(listing, twins=twins, lost=lost)


def _look(top: str) -> list[Seen]:
    """What the disk has, by folder; folders whose bundles were all removed meanwhile are left out."""
    skip = len(top.rstrip(os.sep)) + 1
    seen = (look(top, folder[skip:], names) for folder, names in bundles_by_folder(top).items())
    return [one for one in seen if one.names]


def _changed(seen: Seen, signature: bytes, was: Group | None) -> _Changed:
    known = {entry.path: entry for entry in was.entries()} if was is not None else {}
    fresh: dict[str, Mark] = {}
    entries: list[Entry] = []
    for path, mark in seen.by_path().items():
        entry = known.get(path)
        if entry is not None and entry.mark == mark:
            entries.append(entry)
        else:
            fresh[path] = mark
    return _Changed(seen, signature, was, fresh, entries)


def _worth_keeping(now: Group, was: Group | None) -> bool:
    """Whether more is known than the index has: of records alone that changed too shortly ago nothing is written."""
    if was is None:
        return bool(now.entries())
    if now.signature not in (b"", was.signature):
        return True
    return [(one.path, one.mark) for one in now.entries()] != [(one.path, one.mark) for one in was.entries()]


def _read_fresh(root: Path, changed: Sequence[_Changed], follow: Follow, take: Take) -> int:
    """Read the records that are new or changed; returns how many there are."""
    of = {path: one for one in changed for path in one.fresh}
    paths = sorted(of)
    with _uncollected():
        for folder, path in zip(follow([Path(path) for path in paths]), paths, strict=True):
            of[path].entries.append(_read(root, str(folder), of[path].fresh[path], take))
    return len(paths)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the search for cycles, which records have none of: it goes through all that was read, again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read(root: Path, path: str, mark: Mark, take: Take) -> Entry:
    from bench.record.index.columns import beyond  # here, since the index mostly has all there is

    at = number(path, mark)
    try:
        record = read_bundle(root / path, explained=False).record
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


def _twins(listing: Listing) -> tuple[tuple[BenchError, ...], frozenset[str]]:
    """What to report of results that are there twice, and the paths of those that do not count.

    Only folders that share a host and a diagnostic can hold one result between them.
    """
    homes = Counter(pair for group in listing.groups for pair in group.pairs)
    near = [group for group in listing.groups if not group.distinct or any(homes[pair] > 1 for pair in group.pairs)]
    readable: dict[tuple[str, str, str], Entry] = {}
    twins: list[BenchError] = []
    lost: set[str] = set()
    entries = (entry for group in near for entry in group.entries() if entry.problem is None)
    for entry in sorted(entries, key=lambda one: folder_parts(one.path)):
        twin = readable.setdefault(entry.key, entry)
        if twin is entry:
            continue
        try:
            readable[entry.key], complaint = _the_fuller(listing.root, twin, entry)
        except BenchError as error:  # changed meanwhile
            complaint = error
        lost.add((entry if readable[entry.key] is twin else twin).path)
        twins.append(complaint)
    return tuple(twins), frozenset(lost)


def _the_fuller(root: Path, one: Entry, other: Entry) -> tuple[Entry, BenchError]:
    """Of two bundles of one result that with more files, the first if they have as many; and what to say of it."""
    first, second = (other, one) if len(_files(root / other.path)) > len(_files(root / one.path)) else (one, other)
    return first, twice(read_bundle(root / first.path), read_bundle(root / second.path))


def _files(folder: Path) -> list[str]:
    return list_files(folder)[0]
