"""Reads the lines that are appended to a file, a bounded piece at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

READ_BYTES = 256 * 1024
LINE_BYTES = 1024 * 1024
"""More than any line of the plugin's; a longer one is passed over."""
TURN_BYTES = 1024 * 1024
"""Read in one turn, so that a flood cannot hold up the deadline."""
LAST_BYTES = 16 * 1024 * 1024
"""Read at the end; of more, the beginning (a turn) and the end."""


class Lines:
    """The lines of one file. It is made before a test can put something else there, and kept open: a file that is
    renamed or removed is read to its end. ``passed_over_bytes`` counts what was not looked at.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = b""
        self._in_long_line = False
        self.passed_over_bytes = 0
        flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self._fd = os.open(path, flags, 0o644)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                self._close_fd()
        except OSError:
            self._fd = -1

    def turn(self) -> Iterator[bytes]:
        """Some of the lines that are new."""
        yield from self._read(TURN_BYTES)

    def last(self) -> Iterator[bytes]:
        """The lines that are left, or the last of them; a last one that has no end is none."""
        if self._fd < 0:
            return
        left = os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR)
        if left > LAST_BYTES + TURN_BYTES:
            yield from self._read(TURN_BYTES)  # before a quick flood stands what pytest began with
            left = os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR)
            self.passed_over_bytes += left - LAST_BYTES + len(self._rest)
            os.lseek(self._fd, left - LAST_BYTES, os.SEEK_CUR)
            self._rest, self._in_long_line = b"", True  # it begins within a line
        yield from self._read(min(left, LAST_BYTES))
        self._remove_empty()
        self._close_fd()

    def _remove_empty(self) -> None:
        """Nobody wrote to it: a command that is no pytest."""
        try:
            ours = os.fstat(self._fd)
            if ours.st_size == 0 and os.path.samestat(ours, os.lstat(self._path)):
                os.unlink(self._path)
        except OSError:
            pass

    def _read(self, limit: int) -> Iterator[bytes]:
        while limit > 0 and self._fd >= 0 and (data := os.read(self._fd, min(READ_BYTES, limit))):
            limit -= len(data)
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            for line in lines:
                if self._in_long_line:
                    self.passed_over_bytes += len(line)
                    self._in_long_line = False
                elif line:
                    yield line
            if len(self._rest) > LINE_BYTES:
                self.passed_over_bytes += len(self._rest)
                self._rest, self._in_long_line = b"", True

    def _close_fd(self) -> None:
        os.close(self._fd)
        self._fd = -1
