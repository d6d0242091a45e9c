"""Tar archives from a container: data from elsewhere, of which only plain files below one folder are taken."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bench.engine.transfer.bounds import MAX_BYTES, MAX_FILES, TOO_LARGE, Copied, GaveUp

MAX_PARTS = 100
MAX_PART_BYTES = 255
MAX_PATH_BYTES = 2000
"""Of a file's path below the folder; the system allows 4095 in all."""
_PIECE = 1 << 20
_SHOWN = 200


def at_most(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the pieces of a stream that is no longer than ``size`` bytes.

    Raises:
        GaveUp: it is longer.
    """
    for piece in pieces:
        size -= len(piece)
        if size < 0:
            raise GaveUp(TOO_LARGE)
        yield piece


class Stream:
    """An iterator of byte pieces as the one method that ``tarfile`` needs of a stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = filter(None, pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        out = bytearray()
        while len(out) < size:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                break
            missing = size - len(out)
            out += piece[:missing]
            self._rest = piece[missing:]
        return bytes(out)


def unpack(
    pieces: Iterable[bytes], top: str, target: Path, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES
) -> Copied:
    """Write the regular files of a tar stream under ``target``, without the leading folder ``top``.

    Only files and folders are taken (no links, devices or pipes), no path leaves ``target``, nothing that the stream
    has twice is overwritten, and what is there already is left as it is. The sum is bounded: a file that would pass the
    bound is left out, and said so; once that much has been passed over, the rest of the stream is not read.

    Args:
        pieces: the tar, in pieces.
        top: the folder that the tar's names begin with; empty if they begin with none.
        target: an existing folder.
        max_bytes: the most that is written.
        max_files: the most files that are written.

    Raises:
        OSError: the disk is full or cannot be written.
        tarfile.TarError: the stream is damaged; what came before stays.
        GaveUp: the stream was given up on; what came before stays.
    """
    files = size = passed = 0
    whole = True
    notes: list[str] = []
    written: set[tuple[str, ...]] = set()
    stream: Any = Stream(pieces)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            parts = safe_parts(member.name, top)
            if parts is not None and not _can_be_written(parts):
                parts = None
            if member.isdir() and parts is not None:
                target.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            elif parts is None or not parts or not member.isreg():
                notes.append(f"{member.name[:_SHOWN]!a} was not copied: {'no plain file' if parts else 'its path'}")
            elif parts not in written and os.path.lexists(target.joinpath(*parts)):
                continue  # from an earlier copying, whole
            elif files >= max_files:
                whole = False
                notes.append(f"more than {max_files} files; the rest was not copied")
                break
            elif size + member.size > max_bytes:
                whole = False
                passed += member.size
                rest = " and what follows it" if passed > max_bytes else ""
                notes.append(
                    f"{member.name[:_SHOWN]!a} ({member.size} bytes){rest} was not copied: more than {max_bytes} in all"
                )
                if rest:
                    break
            else:
                content = archive.extractfile(member)
                size += _write(content, target.joinpath(*parts)) if content else 0
                written.add(parts)
                files += 1
    return Copied(files, size, tuple(notes[:20]), whole)


def unpack_one(pieces: Iterable[bytes], name: str, target: Path, max_bytes: int) -> str | None:
    """Write the one file of a tar stream; returns why not, ``None`` if it was written or is none of that name.

    Raises as :func:`unpack` does.

    Args:
        pieces: the tar, in pieces.
        name: the file's name.
        target: an existing folder.
        max_bytes: the most that is written.
    """
    stream: Any = Stream(pieces)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        member = next(iter(archive), None)
        if member is None or member.name != name:
            return None
        if not member.isreg():
            return f"{name!a} was not copied: no plain file"
        if member.size > max_bytes:
            return f"{name!a} ({member.size} bytes) was not copied: more than {max_bytes}"
        content = archive.extractfile(member)
        if content is not None:
            _write(content, target / name)
    return None


def safe_parts(name: str, top: str) -> tuple[str, ...] | None:
    """Return the parts of a member's path below ``top``, all of them if that is empty.

    ``None`` if the path leaves it or has control characters.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or (top and path.parts[:1] != (top,)):
        return None
    if any(ord(letter) < 32 or ord(letter) == 127 or letter in "\\:" for letter in name):
        return None
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8 come as lone surrogates
        return None
    return path.parts[1:] if top else path.parts


def _can_be_written(parts: tuple[str, ...]) -> bool:
    sizes = [len(part.encode()) for part in parts]
    return len(parts) <= MAX_PARTS and max(sizes, default=0) <= MAX_PART_BYTES and sum(sizes) <= MAX_PATH_BYTES


def _write(stream: IO[bytes], target: Path) -> int:
    """Write a file that is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        raise FileExistsError(f"the archive has {target.name} twice")
    size = 0
    fresh = target.with_name(f".{target.name[:200]}.part")
    try:
        with fresh.open("wb") as file:
            while piece := stream.read(_PIECE):
                size += file.write(piece)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return size
