"""Two results of one id: whether they are one run or two, and the next free stamp for the second."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import msgspec

from bench.errors import BenchError, UsageError
from bench.names import next_stamp, record_id
from bench.record.codec import encode
from bench.record.schema import Record
from bench.record.storage.bundle import RECORD, Bundle, read_bundle
from bench.record.storage.disk import write_synced
from bench.record.storage.manifest import MANIFEST, hash_file, list_files, render_manifest

MAX_TWINS = 1000
"""So many results of one id and other stamps are looked at."""
_NAMING_ID = (".md", ".txt")
_MAX_TEXT_BYTES = 4 * 1024**2
WAS = "other_stamp"
"""Key of ``tool`` that holds the stamp a result had where it was made."""


def same_run(one: Record, other: Record) -> bool:
    """Return whether two records of one id are of the same run: as far as both know, it began then and took as long."""
    if len(one.runs) != len(other.runs):
        return False
    pairs = [
        pair
        for mine, theirs in zip(one.runs, other.runs, strict=True)
        for pair in (
            (mine.started_at, theirs.started_at),
            (mine.wall_s, theirs.wall_s),
            (mine.pytest_s, theirs.pytest_s),
        )
    ]
    return all(first == second for first, second in pairs if first is not None and second is not None)


def twice(here: Bundle, there: Bundle) -> UsageError:
    """Return what to report of a tree that holds an id twice, of which the first counts."""
    place = record_id(*here.key)
    if here.record_bytes == there.record_bytes:
        return UsageError(f"{there.path} is a copy of {here.path}")
    if same_run(here.record, there.record):
        return UsageError(f"{there.path} is {place} too, of the same run as {here.path}, and differs")
    return UsageError(
        f"{there.path} is {place} too, another run than {here.path}",
        fix=f"'bench import {there.path}' gives it another stamp",
    )


def digests(folder: Path) -> dict[str, str]:
    """Return SHA-256 of each file of a bundle."""
    return {name: hash_file(folder / name) for name in list_files(folder)[0]}


def place_for(folder: Path, place: str, results: Path, taken: Collection[str] = ()) -> str | None:
    """Return where a verified bundle goes: its place, or one with a later stamp if another run has that.

    Args:
        folder: the bundle.
        place: ``host/diagnostic/stamp`` by its own id.
        results: the results folder.
        taken: places that others are about to take.

    Returns:
        The place, which exists if the same bundle is there; ``None`` if the same run is there and differs.
    """
    new = read_bundle(folder).record
    at = place
    for _ in range(MAX_TWINS):
        here = results / at
        if not os.path.lexists(here) and at not in taken:
            return at
        if os.path.lexists(here):
            if digests(here) == digests(folder) or (at != place and _is_copy(here, folder, new.stamp)):
                return at
            try:
                there = read_bundle(here).record
            except BenchError:
                return None
            if same_run(there, new):
                return None
        head, _, stamp = at.rpartition("/")
        at = f"{head}/{next_stamp(stamp)}"
    raise UsageError(f"over {MAX_TWINS} results follow {place}", fix="import into another folder with --results")


def restamp(folder: Path, stamp: str) -> None:
    """Give a bundle another stamp, keeping in its record the one it had; all else stays as it is."""
    bundle = read_bundle(folder)
    old = bundle.record.id
    record = restamped(bundle.record, stamp)
    _replace(folder / RECORD, encode(record, bundle.record_bytes))
    for name in list_files(folder)[0]:
        if name.endswith(_NAMING_ID) and name.startswith(("summary", "analysis/")):
            if (folder / name).stat().st_size > _MAX_TEXT_BYTES:
                continue  # none that this tool wrote
            data = (folder / name).read_bytes()
            _replace(folder / name, data.replace(old.encode(), record.id.encode()))
    names = {name: digest for name, digest in digests(folder).items() if name != MANIFEST}
    _replace(folder / MANIFEST, render_manifest(names).encode("ascii"))


def restamped(record: Record, stamp: str) -> Record:
    """Return the record under another stamp; it keeps the one that it had."""
    why = f"another result has {record.stamp}, its own; the stamp is the next free one"
    return msgspec.structs.replace(
        record,
        stamp=stamp,
        id=record_id(record.host.id, record.diagnostic.name, stamp),
        tool={**record.tool, WAS: record.stamp},
        unavailable={"stamp": why, **record.unavailable},
    )


def _replace(path: Path, data: bytes) -> None:
    path.unlink()
    write_synced(path, data)


def _is_copy(here: Path, folder: Path, stamp: str) -> bool:
    """Whether what is here is that bundle, brought in before under another stamp."""
    try:
        there = read_bundle(here).record
    except BenchError:
        return False
    if there.tool.get(WAS) != stamp:
        return False
    mine, theirs = digests(folder), digests(here)
    changed = {name for name in mine if name.startswith(("summary", "analysis/"))} | {RECORD, MANIFEST}
    same_files = {k: v for k, v in mine.items() if k not in changed} == {
        k: v for k, v in theirs.items() if k not in changed
    }
    return same_files and same_run(there, read_bundle(folder).record)
