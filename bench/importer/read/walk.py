"""The plain files of a tree that nobody vouches for: bounded in number, depth and size, links never followed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from bench.errors import UsageError
from bench.names import PARTIAL
from bench.record.storage.manifest import Problem

MAX_FILES = 50_000
MAX_DEPTH = 12
KEPT_BYTES = 4 * 1024**2
"""So much of the beginning, and of the end, of one file is read; between them a line names what was left out."""
MAX_STREAM_BYTES = 1024**3
_CHUNK = 1024**2
_MEMORY = 64 * 1024**2
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError, ValueError)
"""What reading raises: no right to, or compressed data that is damaged."""
_PASSED_OVER = {"__pycache__", "node_modules"}
PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}


@dataclass(frozen=True, slots=True)
class File:
    """A plain file of a tree: its name relative to the root, its size in bytes and its time in seconds since 1970."""

    name: str
    path: Path
    size: int
    modified: float


def walk(root: Path) -> tuple[list[File], list[Problem]]:
    """Return the plain files below ``root``, sorted, and what was left out.

    Raises:
        UsageError: the root cannot be read, or holds too many files.
    """
    files: list[File] = []
    problems: list[Problem] = []

    def failed(error: OSError) -> None:
        if Path(error.filename) == root:
            raise UsageError(f"{root} cannot be read", str(error.strerror)) from None
        where = os.path.relpath(error.filename, root)
        problems.append(Problem(where, f"cannot be read: {error.strerror}; left out"))

    for here, folders, names in os.walk(root, onerror=failed):
        inside = Path(here).relative_to(root)
        links = [name for name in sorted(folders) if Path(here, name).is_symlink()]
        problems += [Problem((inside / name).as_posix(), "a link; left out") for name in links]
        if len(inside.parts) >= MAX_DEPTH and folders:
            problems.append(Problem(inside.as_posix(), f"what lies more than {MAX_DEPTH} folders deep is left out"))
            folders.clear()
        folders[:] = sorted(name for name in folders if _entered(name))
        for name in sorted(names):
            relative = (inside / name).as_posix()
            try:
                about = Path(here, name).lstat()
            except OSError as error:
                problems.append(Problem(relative, f"cannot be read: {error.strerror}; left out"))
                continue
            if not stat.S_ISREG(about.st_mode):
                problems.append(Problem(relative, "not a plain file; left out"))
                continue
            files.append(File(relative, Path(here, name), about.st_size, about.st_mtime))
            if len(files) > MAX_FILES:
                raise UsageError(f"{root} holds over {MAX_FILES} files", fix="import its folders one after another")
    return files, problems


def read(file: File, *, unpack: bool = True) -> tuple[bytes, list[Problem]]:
    """Return a file's content, unpacked if it is compressed; the middle of one that is too large is left out.

    Args:
        file: where it is; a link that has taken its place is not followed.
        unpack: whether to look into gz, bz2 and xz.

    Returns:
        The bytes, and what is wrong: unreadable, damaged, or too large.
    """
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as raw:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return b"", [Problem(file.name, "not a plain file; left out")]
            return _read(raw, file) if unpack else _window(raw, file.name)
    except OSError as error:
        return b"", [Problem(file.name, f"cannot be read: {error.strerror or error}; left out")]


def read_head(file: File, count: int = 65536) -> tuple[bytes, list[Problem]]:
    """Return the beginning of a file, unpacked if it is compressed; nothing of one that cannot be read."""
    return _opened(file, lambda raw: _unpacked(raw, _kind(raw)).read(count))


def read_whole(file: File, most: int) -> tuple[bytes | None, list[Problem]]:
    """Return all of a file, unpacked if it is compressed, or ``None`` and what is wrong with it.

    Args:
        file: where it is; a link that has taken its place is not followed.
        most: so many bytes may it have, unpacked.
    """

    def all_of(raw: IO[bytes]) -> bytes:
        stream, found = _unpacked(raw, _kind(raw)), bytearray()
        while len(found) <= most and (chunk := stream.read(_CHUNK)):
            found += chunk
        return bytes(found)

    data, problems = _opened(file, all_of)
    if len(data) > most:
        return None, [Problem(file.name, f"not read: larger than {most} bytes")]
    return (None if problems else data), problems


def _opened(file: File, take: Callable[[IO[bytes]], bytes]) -> tuple[bytes, list[Problem]]:
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as raw:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return b"", [Problem(file.name, "not a plain file; left out")]
            return take(raw), []
    except _DAMAGED as error:
        return b"", [Problem(file.name, f"cannot be read: {getattr(error, 'strerror', None) or error}")]


def _kind(raw: IO[bytes]) -> str | None:
    kind = packed(raw.read(8))
    raw.seek(0)
    return kind


def packed(head: bytes) -> str | None:
    """Return how a file is compressed, by its first bytes: ``gz``, ``bz2``, ``xz``, or not at all."""
    return next((kind for magic, kind in PACKED.items() if head.startswith(magic)), None)


def _read(raw: IO[bytes], file: File) -> tuple[bytes, list[Problem]]:
    kind = _kind(raw)
    try:
        return _window(_unpacked(raw, kind), file.name)
    except _DAMAGED as error:
        if kind is None:
            raise
        return b"", [Problem(file.name, f"damaged: {kind} data that cannot be unpacked: {error}")]


def _unpacked(raw: IO[bytes], kind: str | None) -> IO[bytes]:
    if kind == "gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if kind == "bz2":
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if kind == "xz":
        return cast("IO[bytes]", _Xz(raw))
    return raw


class _Xz:
    """Reads xz data with a bound on the memory that its header may ask for."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._decoder = raw, lzma.LZMADecompressor(memlimit=_MEMORY)

    def read(self, count: int) -> bytes:
        while not self._decoder.eof:
            given = self._raw.read(_CHUNK) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not given:
                raise EOFError("it is cut off")
            if data := self._decoder.decompress(given, count):
                return data
        return b""


def _window(stream: IO[bytes], name: str) -> tuple[bytes, list[Problem]]:
    head, tail, total = bytearray(), bytearray(), 0
    while chunk := stream.read(_CHUNK):
        total += len(chunk)
        if total > MAX_STREAM_BYTES:
            return b"", [Problem(name, f"damaged or no log: larger than {MAX_STREAM_BYTES} bytes; left out")]
        room = max(0, KEPT_BYTES - len(head))
        head += chunk[:room]
        tail += chunk[room:]
        if len(tail) > 2 * KEPT_BYTES:
            del tail[: len(tail) - KEPT_BYTES]
    left_out = total - len(head) - len(tail)
    if left_out <= 0:
        return bytes(head + tail), []
    del tail[: max(0, len(tail) - KEPT_BYTES)]
    left_out = total - len(head) - len(tail)
    line = f"\n[{left_out} bytes left out]\n".encode()
    return bytes(head) + line + bytes(tail), [Problem(name, f"larger than is read: {left_out} bytes of it left out")]


def _entered(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(PARTIAL) and name not in _PASSED_OVER
