"""Turns signals into bytes in a pipe, so that one poll waits for everything. As process 1 a signal without a handler
is lost.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Handlers for the time of the run. ``fd`` is readable when a signal has come."""

    def __init__(self) -> None:
        self.fd, self._write_end = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._write_end, False)
        self._old_fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        self._old: dict[int, Any] = {}
        for number in (*STOPPING, signal.SIGCHLD):
            self._old[number] = signal.signal(number, _nothing)

    def take(self) -> int:
        """How many times we were asked to stop since the last call."""
        asked = 0
        while True:
            try:
                data = os.read(self.fd, 512)
            except BlockingIOError:
                return asked
            asked += sum(number in STOPPING for number in data)

    def close(self) -> None:
        """Give the handlers back."""
        for number, old in self._old.items():
            signal.signal(number, old)
        signal.set_wakeup_fd(self._old_fd)
        os.close(self.fd)
        os.close(self._write_end)


def _nothing(number: int, frame: FrameType | None) -> None:
    """The wake-up pipe has the signal already."""
