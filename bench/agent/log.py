"""The child's output on disk, bounded: its head and its tail are kept, and where it was cut is marked."""

from __future__ import annotations

import os

from .out import quietly, same, write_anew

CHUNK = 256 * 1024
RESERVE_BYTES = 64 * 1024
"""Room for the tail that is taken at the start, for a disk that is full later."""


class BoundedLog:
    """Takes bytes without end and keeps at most ``limit`` of them.

    The first half of the limit goes straight to ``path``. What follows goes to ``path.tail``, a ring of the other half
    that is written over and over; :meth:`close` puts both together. A supervisor that is killed leaves both files, so
    the evidence is there either way. The ring is on disk and not in memory, because our memory counts in what is
    measured.

    On a disk that is full the head ends where it could be written to, and the ring stays within the room that it has:
    the end of the output tells why a run failed.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._head_limit = limit // 2
        self._tail_limit = limit - self._head_limit
        self._head = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._ring: int | None = None
        self._reserve_bytes = min(RESERVE_BYTES, self._tail_limit)
        self._reserve = self._open_reserve()
        self._head_bytes = 0
        self._ring_bytes = 0
        self.total_bytes = 0
        self.error: str | None = None
        self.changed: str | None = None
        """What the tests made of the file, which is written anew where that is possible."""
        self.last = b""

    def write(self, data: bytes) -> None:
        """Take some output. A disk that is full costs the output, never the run: see :attr:`error`."""
        self.total_bytes += len(data)
        self.last = data[-2048:] if len(data) >= 2048 else (self.last + data)[-2048:]
        room = self._head_limit - self._head_bytes
        if room > 0:
            part = data[:room]
            done = self._put(self._head, part, self._head_bytes)
            self._head_bytes += done
            if done < len(part):
                self._head_limit = self._head_bytes
            data = data[done:]
        if data:
            self._to_ring(data)

    def close(self) -> int:
        """Put head and tail together; returns how many bytes were cut."""
        if self._reserve is not None:
            os.close(self._reserve)
            quietly(os.unlink, self._reserve_path)
            self._reserve = None
        if os.fstat(self._head).st_size < self._head_bytes:
            self.changed = "was cut short"
        whole = self._head
        if self._ring is not None:
            kept, whole = self._join(self._ring)
        else:
            kept = self._head_bytes + self._append_last(self.total_bytes - self._head_bytes)
        self._put_in_place(whole)
        if self._ring is not None:
            os.close(self._ring)
            self._ring = None
        os.close(self._head)
        return self.total_bytes - kept

    def _put_in_place(self, whole: int) -> None:
        """See that the file with both parts lies under the log's name, also where the tests took it away."""
        if same(os.fstat(whole), self._path):
            return
        self.changed = "was removed or replaced"
        try:
            write_anew(self._path, whole)
        except OSError as error:
            self.changed = f"{self.changed}, and cannot be written anew: {error.strerror}"

    def last_line(self) -> str:
        """The last line of output that is not blank, as text; one that says ``error:`` goes before others."""
        lines = [line.strip() for line in self.last.decode("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if "error: " in line.lower()]
        return (errors or lines or [""])[-1]

    @property
    def _ring_path(self) -> str:
        return self._path + ".tail"

    @property
    def _reserve_path(self) -> str:
        return self._path + ".reserve"

    def _open_reserve(self) -> int | None:
        try:
            fd = os.open(self._reserve_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError:
            return None
        try:
            os.posix_fallocate(fd, 0, self._reserve_bytes)
        except OSError:  # a file system without preallocation, or full already
            os.close(fd)
            quietly(os.unlink, self._reserve_path)
            return None
        return fd

    def _to_ring(self, data: bytes) -> None:
        if self._ring is None:
            self._ring = self._open_ring()
        if (self._ring is None and not self._take_reserve()) or not self._tail_limit:
            return
        if len(data) > self._tail_limit:
            data, self._ring_bytes = data[-self._tail_limit :], 0  # all that the ring holds is cut
        view = memoryview(data)
        while view and self._ring is not None:
            offset = self._ring_bytes % self._tail_limit
            part = view[: self._tail_limit - offset]
            done = self._put(self._ring, bytes(part), offset)
            self._ring_bytes += done
            view = view[done:]
            if done < len(part) and not self._stay_within():
                return

    def _open_ring(self) -> int | None:
        try:
            return os.open(self._ring_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            self.error = self.error or f"{error.strerror}"
            return None

    def _stay_within(self) -> bool:
        """The ring cannot grow: let it go round in the room that it has, the reserve's if that is more."""
        if self._ring_bytes >= self._tail_limit:
            return False  # it has all its room, so that this is another fault
        if self._ring_bytes < self._reserve_bytes and self._take_reserve():
            return True
        self._tail_limit = self._ring_bytes
        return self._tail_limit > 0

    def _take_reserve(self) -> bool:
        """Make the reserve the ring, with what the ring holds (less than the reserve does)."""
        if self._reserve is None:
            return False
        held = b"" if self._ring is None else os.pread(self._ring, self._ring_bytes, 0)
        quietly(os.rename, self._reserve_path, self._ring_path)  # the room is that of the descriptor
        if self._ring is not None:
            os.close(self._ring)
        self._ring, self._reserve = self._reserve, None
        self._tail_limit = self._reserve_bytes
        self._put(self._ring, held, 0)
        return True

    def _tail(self) -> tuple[int, int]:
        """Where in the ring the output's last part begins, and its length."""
        if self._ring_bytes <= self._tail_limit:
            return 0, self._ring_bytes
        return self._ring_bytes % self._tail_limit, self._tail_limit

    def _join(self, ring: int) -> tuple[int, int]:
        """Put the tail behind the head; returns how many bytes are kept of all, and which file holds both."""
        start, length = self._tail()
        mark = _mark(self.total_bytes - self._head_bytes - length)
        at = self._head_bytes
        if self._put(self._head, mark, at) == len(mark) and self._copy(ring, start, length, at + len(mark)):
            quietly(os.unlink, self._ring_path)
            return self._head_bytes + length, self._head
        return self._fold(ring, start, length)

    def _fold(self, ring: int, start: int, length: int) -> tuple[int, int]:
        """Put head and tail together in the larger of the two files, without any more room; returns what is kept, and
        which file that is.

        What of them does not fit goes from the middle. Where not even that can be done, both files stay.
        """
        head_room, ring_room = os.fstat(self._head).st_size, os.fstat(ring).st_size
        room = max(head_room, ring_room)
        rest = room if room >= self.total_bytes else max(room - len(_mark(self.total_bytes)), 0)
        tail = min(length, max(rest // 2, rest - self._head_bytes))
        head = min(self._head_bytes, rest - tail)
        mark = _mark(self.total_bytes - head - tail)
        start = (start + length - tail) % (self._tail_limit or 1)  # 0: not even a byte had room
        if head_room < ring_room:
            text = os.pread(self._head, head, 0) + mark + self._read(ring, start, tail)
            if self._put(ring, text, 0) == len(text):
                os.ftruncate(ring, len(text))
                if same(os.fstat(ring), self._ring_path):
                    quietly(os.rename, self._ring_path, self._path)
                return head + tail, ring
            return head + tail, self._head
        at = head + len(mark)
        if self._put(self._head, mark, head) == len(mark) and self._copy(ring, start, tail, at):
            os.ftruncate(self._head, at + tail)
            quietly(os.unlink, self._ring_path)
        return head + tail, self._head

    def _append_last(self, cut: int) -> int:
        """Without a ring, what is in memory is the tail; returns how much of it could be written."""
        last = self.last[-cut:] if cut else b""
        mark = _mark(cut - len(last))
        done = self._put(self._head, mark + last, self._head_bytes)
        return max(done - len(mark), 0)

    def _copy(self, ring: int, start: int, length: int, at: int) -> bool:
        """Copy a part of the ring into the head's file; returns whether all of it could be written."""
        while length:
            data = self._read(ring, start, min(CHUNK, length))
            if not data or self._put(self._head, data, at) < len(data):
                return False
            start, length, at = (start + len(data)) % self._tail_limit, length - len(data), at + len(data)
        return True

    def _read(self, ring: int, start: int, length: int) -> bytes:
        """A part of the ring, from ``start`` on and round."""
        data = os.pread(ring, min(length, self._tail_limit - start), start)
        return data + os.pread(ring, length - len(data), 0)

    def _put(self, fd: int, data: bytes, offset: int) -> int:
        """Write all or as much as can be; returns how much."""
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(fd, data[done:], offset + done)
        except OSError as error:
            self.error = self.error or f"{error.strerror}"
        return done


def _mark(cut: int) -> bytes:
    return b"\n[\xe2\x80\xa6 %d bytes cut \xe2\x80\xa6]\n" % cut if cut else b""
