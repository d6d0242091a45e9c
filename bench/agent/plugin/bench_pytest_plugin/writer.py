"""Appends what pytest does to a file, line by line, also where the disk is full."""

from __future__ import annotations

import json
import os
from typing import Any

SPARE_BYTES = 64 * 1024
LAST_BYTES = 1024

_dumps = json.JSONEncoder(allow_nan=False).encode


class Writer:
    """Appends JSON lines. A full disk, or a file that cannot be opened, costs the lines and not the tests.

    With ``spare``, lines that cannot be appended go to ``path.spare``, whose room is taken at the start, and the last
    part of that room is kept for the last line: how pytest ended is known on a full disk too. A spare file of size 0
    says that not even that could be written. ``lost`` counts the lines that had no room.
    """

    def __init__(self, path: str, spare: bool = False) -> None:
        self._pid = os.getpid()
        self._torn = False
        self._spare = _make_spare(path + ".spare") if spare else -1
        self._spare_id = _identity(self._spare)
        self._spare_bytes = 0
        self.lost = 0
        self._path = path
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self._fd = os.open(self._path, flags, 0o644)
        except OSError:
            self._fd = -1
        self._id = _identity(self._fd)

    def put(self, kind: str, **values: Any) -> None:
        """Append one line; a forked child of a test stays silent."""
        self._put({"type": kind, **values}, SPARE_BYTES - LAST_BYTES)

    def put_if_room(self, kind: str, **values: Any) -> None:
        """Append a line that others can do without: on a full disk it is not written, nor counted as lost."""
        if os.getpid() == self._pid:
            self._append(_encode({"type": kind, **values}))

    def put_last(self, kind: str, **values: Any) -> None:
        """Append the line that must not be lost, of at most ``LAST_BYTES``."""
        self._put({"type": kind, **values}, SPARE_BYTES)

    def _put(self, entry: dict[str, Any], spare_bytes: int) -> None:
        if os.getpid() != self._pid:
            return
        line = _encode(entry)
        if not self._append(line) and not self._save(line, spare_bytes):
            self.lost += 1

    def _append(self, line: bytes) -> bool:
        if _identity(self._fd) != self._id:  # a test closed what it did not open, and the number may be another file's
            self._open()
        try:
            if self._torn:
                os.write(self._fd, b"\n")
                self._torn = False
            self._torn = 0 < os.write(self._fd, line) < len(line)
        except OSError:
            return False
        return not self._torn

    def _save(self, line: bytes, spare_bytes: int) -> bool:
        full = self._spare_bytes + len(line) > spare_bytes
        if self._spare < 0 or full or _identity(self._spare) != self._spare_id:
            return False
        try:
            done = os.pwrite(self._spare, line, self._spare_bytes)
            if done < len(line):
                os.ftruncate(self._spare, 0)
        except OSError:  # a file system that writes elsewhere than where it took the room
            os.ftruncate(self._spare, 0)
            return False
        self._spare_bytes += done
        return done == len(line)


def _identity(fd: int) -> tuple[int, int] | None:
    """Which file a descriptor stands for; ``None`` where it stands for none."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make_spare(path: str) -> int:
    """A new file with room and no lines; -1 where there is none, or where another pytest in this run has made it.

    Preallocated and not written, since what is written counts as the run's own output to the disk.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError:
        return -1
    try:
        os.posix_fallocate(fd, 0, SPARE_BYTES)
    except OSError:
        os.close(fd)
        os.unlink(path)
        return -1
    return fd


def _encode(entry: dict[str, Any]) -> bytes:
    """One line of JSON. Where a value does not fit after all, the plain ones are kept: a test must not lose its end."""
    try:
        text = _dumps(entry)
    except (ValueError, TypeError, RecursionError, OverflowError):
        kinds = (str, int, bool, type(None))
        text = _dumps({key: value for key, value in entry.items() if type(value) in kinds})
    return text.encode("ascii") + b"\n"
