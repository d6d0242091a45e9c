"""The bundles right below one folder: what they are known by together, and what is known of them."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from bench.record.index.entries import Entry, Mark, mark_of, settled
from bench.record.storage.walk import RECORD, path_in

NO_RECORD: Mark = (-1, 0, 0, 0)
_marks = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
_ENTRIES = msgspec.msgpack.Decoder(list[Entry])


@dataclass(frozen=True, slots=True)
class Seen:
    """The bundles of a folder as the disk has them at this moment: their names in order and the mark of each record."""

    folder: str
    names: Sequence[str]
    marks: Sequence[Mark]

    @property
    def signature(self) -> bytes:
        """A digest that is another one as soon as one of the records is."""
        named = "\0".join(self.names).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(named + b"\0\0" + msgspec.msgpack.encode(self.marks), digest_size=16).digest()

    def by_path(self) -> dict[str, Mark]:
        """Return the mark of each bundle's record, by its path relative to the root."""
        return {path_in(self.folder, name): mark for name, mark in zip(self.names, self.marks, strict=True)}


def look(root: str, folder: str, names: Iterable[str]) -> Seen:
    """Return the bundles of a folder that are still there.

    Args:
        root: the folder of results.
        folder: the folder, relative to it; empty for the root itself.
        names: their names.
    """
    known = sorted(names)
    at = path_in(root, folder)
    try:
        # Without a step of Python's between two of them: there may be a hundred thousand.
        return Seen(folder, known, list(map(_marks, map(os.lstat, [f"{at}/{name}/{RECORD}" for name in known]))))
    except OSError:
        marks = {name: _mark(f"{at}/{name}") for name in known}
        there = {name: mark for name, mark in marks.items() if mark is not None}
        return Seen(folder, list(there), list(there.values()))


def _mark(path: str) -> Mark | None:
    """What a bundle's record is known by; ``None`` if the bundle was removed meanwhile."""
    try:
        return mark_of(os.lstat(f"{path}/{RECORD}"))
    except OSError:
        return NO_RECORD if os.path.isdir(path) else None  # noqa: PTH112 - of a string, as all paths here


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of the bundles of a folder; of many, each entry is worked out of the index when asked for.

    ``signature`` is empty if the entries are not all of them. ``newest`` has the last result of each diagnostic and
    host by its stamp, ``marked`` those with a problem or a remark, ``numbers`` the numbers of the readable ones.
    ``distinct`` tells that no result is there twice.
    """

    folder: str
    signature: bytes
    newest: Sequence[Entry]
    marked: Sequence[Entry]
    numbers: bytes
    distinct: bool
    held: Sequence[Entry] | msgspec.Raw

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """Hosts and diagnostics that it has results of."""
        return {(entry.host, entry.diagnostic) for entry in self.newest}

    def entries(self) -> Sequence[Entry]:
        """Return all entries, in order of their paths."""
        return _ENTRIES.decode(self.held) if isinstance(self.held, msgspec.Raw) else self.held


def group_of(folder: str, signature: bytes, entries: Iterable[Entry]) -> Group:
    """Return what is kept of a folder's bundles.

    Args:
        folder: the folder, relative to the root.
        signature: of :class:`Seen`.
        entries: one a bundle.
    """
    known = sorted(entries, key=lambda entry: entry.path)
    readable = [entry for entry in known if entry.problem is None]
    newest: dict[tuple[str, str], Entry] = {}
    for entry in readable:
        there = newest.get(entry.key[:2])
        if there is None or entry.stamp >= there.stamp:
            newest[entry.key[:2]] = entry
    return Group(
        folder,
        signature,
        tuple(newest.values()),
        tuple(entry for entry in known if entry.problem is not None or entry.remark),
        array("q", [entry.at for entry in readable]).tobytes(),
        len({entry.key for entry in readable}) == len(readable),
        known,
    )


def lasting(group: Group) -> Group:
    """Return what of a group may be kept: without the records that may change again before their times tell."""
    entries = group.entries()
    kept = [entry for entry in entries if settled(entry.mark)]
    return group if len(kept) == len(entries) else group_of(group.folder, b"", kept)
