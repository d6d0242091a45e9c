"""What the supervisor tells the engine while it works: one JSON object a line on standard output.

========================  ==========================================================================================
event                     keys beside ``event``
========================  ================================================================================
``started``               ``at`` (UTC), ``deadline_s``, ``pid``
``collected``             ``tests``
``test_started``          ``node``, ``index`` (from 1), ``of``
``test``                  ``node``, ``outcome``, ``setup_s``, ``call_s``, ``teardown_s``, ``index``, ``of``
``progress``              ``done``, ``of``, ``label``: a test's own, written to the file that BENCH_EVENTS names
``sample``                ``elapsed_s``, ``cpu_s``, ``cpu_ratio`` (CPUs in use), ``memory_bytes``,
                          ``anon_bytes``, ``pids``
``stopping``              ``reason``: ``timeout`` or ``interrupt``
``ended``                 ``outcome``, ``wall_s``, ``signature``
``describing``            after the end: the place is being asked about itself
========================  ================================================================================
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import stat
from collections import deque
from typing import Any

LINE_BYTES = 4000
"""Below PIPE_BUF (4096), so that a line arrives whole or not at all."""

WAITING_LINES = 2000


class Events:
    """Writes events to a file descriptor without ever waiting for its reader.

    A reader that is slow makes lines queue (samples go first when the queue is full); a reader that is gone makes them
    vanish.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting: deque[bytes] = deque()
        self._gone = False
        self._flags: int | None = None
        try:
            mode = os.fstat(fd).st_mode
            if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
                self._flags = fcntl.fcntl(fd, fcntl.F_GETFL)
                fcntl.fcntl(fd, fcntl.F_SETFL, self._flags | os.O_NONBLOCK)
        except OSError:
            self._gone = True

    def emit(self, event: str, **values: Any) -> None:
        """Send one event, now or as soon as the reader takes it."""
        if self._gone:
            return
        line = _encode({"event": event, **values})
        if len(self._waiting) >= WAITING_LINES:
            self._thin()
        self._waiting.append(line)
        self.flush(0.0)

    def flush(self, limit_s: float) -> None:
        """Send what waits; for at most ``limit_s`` seconds where the reader is slow."""
        while self._waiting and not self._gone:
            try:
                sent = os.write(self._fd, self._waiting[0])
            except BlockingIOError:
                if limit_s <= 0 or not select.select([], [self._fd], [], limit_s)[1]:
                    return
                limit_s = 0.0 if limit_s < 0.05 else limit_s / 2
                continue
            except OSError:
                self._gone = True
                return
            line = self._waiting.popleft()
            if sent < len(line):
                self._waiting.appendleft(line[sent:])

    def close(self) -> None:
        """Give the reader a last chance and leave the descriptor as it was found."""
        self.flush(2.0)
        if self._flags is not None:
            fcntl.fcntl(self._fd, fcntl.F_SETFL, self._flags)

    def _thin(self) -> None:
        kept = [line for line in self._waiting if b'"event": "sample"' not in line[:24]]
        self._waiting = deque(kept[-WAITING_LINES // 2 :])


def _encode(event: dict[str, Any]) -> bytes:
    line = json.dumps(event).encode("ascii")
    if len(line) > LINE_BYTES:
        short = {key: value[:500] if isinstance(value, str) else value for key, value in event.items()}
        line = json.dumps(short).encode("ascii")
    if len(line) > LINE_BYTES:
        line = json.dumps({"event": event["event"]}).encode("ascii")
    return line + b"\n"
