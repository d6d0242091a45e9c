"""The write-once bundle: one folder that holds one record and its evidence.

A bundle is written in a ``.partial`` neighbour, every file synced, and renamed into place; rename(2) refuses to replace
a folder that holds something, so of two writers one wins and nobody's evidence is touched. The neighbour holds the
bundle and, beside it, the mark by which a leftover is known (``bench.record.storage.partial``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import DamagedData, NotMeasured, UsageError
from bench.names import PARTIAL, check_part, is_file_name, next_stamp, parse_stamp
from bench.record import codec
from bench.record.schema import Record
from bench.record.storage.disk import disk_errors, make_folders, remove_empty, sync_folder, sync_tree, write_synced
from bench.record.storage.manifest import MANIFEST, hash_file, list_files, render_manifest
from bench.record.storage.partial import make_named, mark, remove_marked

RECORD = "record.json"
_MADE = "bundle"
"""The folder in a ``.partial`` one that becomes the bundle."""
MAX_RECORD_BYTES = 32 * 1024 * 1024
_BINARY_SUFFIXES = {".gz", ".zst", ".xz", ".zip", ".png", ".npz", ".pt"}

Content = bytes | Path | Callable[[Record], bytes | str]
"""What a file holds: bytes, a file to copy, or a function of the final record (its stamp may have moved on)."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle on disk. ``record_bytes`` is ``record.json`` as it stands, unknown keys included."""

    path: Path
    record: Record
    record_bytes: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        """Host id, diagnostic and stamp: what makes a result that result."""
        return self.record.host.id, self.record.diagnostic.name, self.record.stamp

    def files(self) -> tuple[str, ...]:
        """Return names of the plain files of the bundle, sorted."""
        return tuple(list_files(self.path)[0])

    def read_text(self, name: str, limit: int = 16 * 1024 * 1024) -> str | None:
        """Return text of one file, at most ``limit`` bytes of it, or ``None`` if the bundle has no such file."""
        if not is_file_name(name) or name not in self.files():
            return None
        with (self.path / name).open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")


def write_bundle(
    results: Path,
    record: Record,
    files: Mapping[str, Content],
    *,
    secrets: Collection[str] | None = None,
    taken: Literal["next", "refuse"] = "next",
) -> Path:
    """Write a bundle, all of it or nothing.

    Every file and the record are redacted on the way (``bench.record.redact``). ``record.json`` and the manifest are
    made here.

    Args:
        results: the results folder; made if missing.
        record: what was measured; its host id, diagnostic and stamp decide where the bundle goes.
        files: the evidence, by name relative to the bundle.
        secrets: values that must not appear anywhere, beside those of the record's own environment
            (:func:`hidden_values`).
        taken: what to do if the stamp exists: take the next free second, or refuse.

    Returns:
        The bundle's folder.

    Raises:
        DamagedData: a name that a bundle cannot hold.
        NotMeasured: the disk is full or failed, or a source file is gone.
        UsageError: the folder cannot be written, or the stamp exists and ``taken`` is ``refuse``.
    """
    from bench.record.redact import redact_record  # its patterns take longer to read than a bundle

    hidden = hidden_values(record, secrets)
    parent = results / check_part(record.host.id, "host id") / check_part(record.diagnostic.name, "diagnostic")
    parse_stamp(record.stamp)
    for name in files:
        if not is_file_name(name) or name in (RECORD, MANIFEST):
            raise DamagedData(f"{name!r:.80} cannot name a file of a bundle", "names are ASCII without spaces")
    record = redact_record(record, hidden)
    with disk_errors(results):
        made = make_folders(parent)
        try:
            return _write_at_free_stamp(parent, record, files, hidden, taken)
        except BaseException:
            remove_empty(made)
            raise


def hidden_values(record: Record, secrets: Collection[str] | None = None) -> frozenset[str]:
    """Return values that no file of a record's bundle may hold.

    Args:
        record: not redacted yet: the secrets that were set for it (``--env``), and what a test recorded under a
            secret's name, are hidden wherever they stand.
        secrets: further ones; by default those of this process' environment.
    """
    from bench.record.redact import hidden_strings, secret_values

    recorded = secret_values(record.environ, hidden_strings(record).values())
    return recorded.union(secret_values(os.environ) if secrets is None else secrets)


def read_bundle(path: Path, called: str | None = None, *, explained: bool = True) -> Bundle:
    """Read a bundle's record; its files are read when asked for.

    Args:
        path: the bundle's folder, or its ``record.json``.
        called: what messages call it, if its path means nothing to the reader.
        explained: whether the record has the reasons for its nulls.

    Raises:
        UsageError: nothing is there.
        DamagedData: no record, or one that cannot be read (:func:`bench.record.codec.decode`).
    """
    folder = path.parent if path.name == RECORD else path
    if not folder.is_dir():
        raise UsageError(f"there is no bundle at {path}", fix="give a folder that holds a record.json")
    file = folder / RECORD
    said = called or str(file)
    try:
        if file.is_symlink() or not file.is_file():
            raise DamagedData(
                f"{called or folder} has no {RECORD}", "it is not a bundle or was cut off", "restore it from its source"
            )
        if file.stat().st_size > MAX_RECORD_BYTES:
            raise DamagedData(f"{said} is larger than a record can be", f"over {MAX_RECORD_BYTES} bytes")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{said} cannot be read", str(error.strerror)) from None
    return Bundle(folder, codec.decode(data, said, explained=explained), data)


def _write_at_free_stamp(
    parent: Path, record: Record, files: Mapping[str, Content], secrets: frozenset[str], taken: str
) -> Path:
    while True:
        with _claim(parent, record.stamp) as partial:
            if partial is not None:
                made = _fill(partial, record, files, secrets)
                if (path := _publish(made, parent / record.stamp)) is not None:
                    return path
        if taken == "refuse":
            raise _taken(parent / record.stamp)
        stamp = next_stamp(record.stamp)
        record = msgspec.structs.replace(record, stamp=stamp, id=record.id.replace(record.stamp, stamp))


def _taken(place: Path) -> UsageError:
    if os.path.lexists(place):
        return UsageError(f"{place} exists", "bundles are written once", "compare the two, or remove the old one")
    what = f"{place.with_name(f'{place.name}{PARTIAL}')} is in the way"
    return UsageError(what, "somebody writes that bundle, or it is no folder of ours", "try again, or move it away")


@contextlib.contextmanager
def _claim(parent: Path, stamp: str) -> Iterator[Path | None]:
    """The ``.partial`` folder of a stamp, ours alone and gone afterwards; ``None`` if the stamp is taken."""
    partial = parent / f"{stamp}{PARTIAL}"
    lock = _begin(partial, parent / stamp)
    if lock is None:
        yield None
        return
    try:
        mark(partial)
        # Another writer may have renamed its own into place since we looked.
        yield None if os.path.lexists(parent / stamp) else partial
    finally:
        with contextlib.suppress(OSError):
            if _is_open_as(lock, partial):
                remove_marked(partial)
        os.close(lock)


def _begin(partial: Path, place: Path) -> int | None:
    """The lock of a new folder; ``None`` if it or its place is taken.

    Somebody who tidies up may take it for a leftover before it is locked: then it is made once more.
    """
    while not os.path.lexists(place):
        try:
            make_named(partial, 0o055)
        except FileExistsError:
            return None
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_open_as(lock, partial):
                return lock
            os.close(lock)
    return None


def _is_open_as(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def _fill(partial: Path, record: Record, files: Mapping[str, Content], secrets: frozenset[str]) -> Path:
    from bench.record.redact import redact_bytes

    folder = partial / _MADE
    folder.mkdir()
    contents: dict[str, Content] = {**files, RECORD: codec.encode(record)}
    for name in sorted(contents):
        target = folder / name
        make_folders(target.parent)
        data = _bytes_of(contents[name], record)
        if name != RECORD and not (b"\0" in data[:8192] and target.suffix in _BINARY_SUFFIXES):
            data = redact_bytes(data, secrets)
        write_synced(target, data)
    digests = {name: hash_file(folder / name) for name in contents}
    write_synced(folder / MANIFEST, render_manifest(digests).encode("ascii"))
    sync_tree(folder)
    return folder


def _bytes_of(content: Content, record: Record) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, Path):
        try:
            return content.read_bytes()
        except OSError as error:
            raise NotMeasured(f"{content} cannot be copied into the bundle", str(error.strerror)) from None
    made = content(record)
    return made.encode("utf-8", "replace") if isinstance(made, str) else made


def _publish(made: Path, path: Path) -> Path | None:
    try:
        made.rename(path)
    except OSError:
        if os.path.lexists(path):
            return None
        raise
    sync_folder(path.parent)
    return path
