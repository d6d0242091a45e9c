"""The child's output on disk, bounded: its head and its tail are kept, and where it was cut is marked."""

from __future__ import annotations

import os

CHUNK = 256 * 1024


class BoundedLog:
    """Takes bytes without end and keeps at most ``limit`` of them.

    The first half of the limit goes straight to ``path``. What follows goes to ``path.tail``, a ring of the other half
    that is written over and over; :meth:`close` puts both together. A supervisor that is killed leaves both files, so
    the evidence is there either way. The ring is on disk and not in memory, because our memory counts in what is
    measured.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._head_limit = limit // 2
        self._tail_limit = limit - self._head_limit
        self._head = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._ring: int | None = None
        self._head_bytes = 0
        self._ring_bytes = 0
        self.total_bytes = 0
        self.error: str | None = None
        self.last = b""

    def write(self, data: bytes) -> None:
        """Take some output. A disk that is full costs the output, never the run: see :attr:`error`."""
        self.total_bytes += len(data)
        self.last = data[-2048:] if len(data) >= 2048 else (self.last + data)[-2048:]
        room = self._head_limit - self._head_bytes
        if room > 0:
            self._head_bytes += self._put(self._head, data[:room], None)
            data = data[room:]
        if not data:
            return
        if self._ring is None:
            self._ring = self._open_ring()
        if self._ring is None:
            return
        data_start = max(0, len(data) - self._tail_limit)
        self._ring_bytes += data_start
        view = memoryview(data)[data_start:]
        while view:
            offset = self._ring_bytes % self._tail_limit
            part = view[: self._tail_limit - offset]
            self._put(self._ring, bytes(part), offset)
            self._ring_bytes += len(part)
            view = view[len(part) :]

    def close(self) -> int:
        """Put head and tail together; returns how many bytes were cut."""
        cut = max(0, self._ring_bytes - self._tail_limit)
        if self._ring is not None:
            if cut:
                self._put(self._head, b"\n[\xe2\x80\xa6 %d bytes cut \xe2\x80\xa6]\n" % cut, None)
            start = self._ring_bytes % self._tail_limit if cut else 0
            end = self._tail_limit if cut else self._ring_bytes
            self._copy(start, end)
            if cut:
                self._copy(0, start)
            os.close(self._ring)
            self._ring = None
            os.unlink(self._path + ".tail")
        os.close(self._head)
        return cut

    def last_line(self) -> str:
        """The last line of output that is not blank, as text; one that says ``error:`` goes before others."""
        lines = [line.strip() for line in self.last.decode("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if "error: " in line.lower()]
        return (errors or lines or [""])[-1]

    def _open_ring(self) -> int | None:
        try:
            return os.open(self._path + ".tail", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            self.error = self.error or f"{error.strerror}"
            return None

    def _copy(self, start: int, end: int) -> None:
        while start < end and self._ring is not None:
            data = os.pread(self._ring, min(CHUNK, end - start), start)
            if not data:
                return
            self._put(self._head, data, None)
            start += len(data)

    def _put(self, fd: int, data: bytes, offset: int | None) -> int:
        done = 0
        try:
            while done < len(data):
                rest = data[done:]
                done += os.write(fd, rest) if offset is None else os.pwrite(fd, rest, offset + done)
        except OSError as error:
            self.error = self.error or f"{error.strerror}"
        return done
