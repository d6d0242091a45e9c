"""Bundles of a tree that nobody vouches for, copied into the results one by one."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.importer.read.walk import File
from bench.importer.result.rows import Row
from bench.names import PARTIAL, is_file_name, is_stamp, record_id
from bench.record.codec import NewerSchema
from bench.record.storage.archive import DEFAULT_MAX_BYTES, leaves, move_in
from bench.record.storage.bundle import RECORD, read_bundle
from bench.record.storage.disk import disk_errors, make_folders
from bench.record.storage.manifest import MANIFEST
from bench.record.storage.partial import IMPORT, held
from bench.record.storage.twins import place_for
from bench.record.storage.verify import verify_bundle

_CHUNK = 1024**2


def bundle_homes(files: Sequence[File]) -> list[str]:
    """Return folders, relative to the tree, that are bundles or claim to be, by a record or a manifest."""
    return sorted({file.name.rpartition("/")[0] for file in files if file.path.name in (RECORD, MANIFEST)})


def import_bundle(folder: Path, source: str, results: Path) -> Row:
    """Copy one bundle into the results, verify the copy, and rename it into place.

    Args:
        folder: the bundle; it is only read.
        source: what the row calls it.
        results: the results folder.

    Raises:
        UsageError: the results folder cannot be written.
        NotMeasured: the disk is full.
    """
    with disk_errors(results):
        make_folders(results)
        with held(results, IMPORT, PARTIAL) as workshop:
            copy = workshop / (folder.name if is_stamp(folder.name) else "bundle")
            wrong = _copy(folder, copy)
            return Row(source, "damaged", wrong) if wrong else _take_in(copy, source, results)


def _take_in(copy: Path, source: str, results: Path) -> Row:
    try:
        record = read_bundle(copy, f"{source}/{RECORD}").record
    except NewerSchema as error:
        return Row(source, "damaged", str(error))
    except BenchError as error:
        return Row(source, "damaged", error.what if not error.cause else f"{error.what}: {error.cause}")
    if copy.name != record.stamp:
        copy = copy.rename(copy.with_name(record.stamp)) if is_stamp(record.stamp) and not is_stamp(copy.name) else copy
    if problems := verify_bundle(copy, called="it"):
        return Row(source, "damaged", f"is damaged: {problems[0]}", problems=tuple(problems))
    place = record_id(*read_bundle(copy).key)
    if (reason := leaves(results, place)) is not None:
        return Row(source, "refused", reason)
    target = place_for(copy, place, results)
    if target is None:
        why = f"the result that is here as {place} is of the same run and differs; remove one of the two"
        return Row(source, "damaged", why, results / place, record)
    if os.path.lexists(results / target):
        return Row(source, "present", None, results / target, record)
    path = move_in(copy, target, results)
    said = None if target == place else f"another run has its id {place}"
    return Row(source, "imported", said, path, read_bundle(path).record)


def _copy(folder: Path, copy: Path) -> str | None:
    """The plain files of a bundle, bounded; what is wrong if one is none."""
    left = DEFAULT_MAX_BYTES
    for here, subfolders, names in os.walk(folder):
        subfolders.sort()
        inside = Path(here).relative_to(folder)
        for name in sorted(names):
            relative = (inside / name).as_posix()
            if not is_file_name(relative):
                return f"holds {relative!r:.120}, which is no file of a bundle"
            try:
                descriptor = os.open(Path(here, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                return f"{relative} cannot be read: {error.strerror}"
            with os.fdopen(descriptor, "rb") as source:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    return f"{relative} is not a plain file"
                make_folders((copy / relative).parent)
                with (copy / relative).open("xb") as target:
                    while chunk := source.read(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            return f"is larger than {DEFAULT_MAX_BYTES} bytes"
                        target.write(chunk)
        if any(Path(here, name).is_symlink() for name in subfolders):
            return "holds a link"
    make_folders(copy)
    return None
