"""Turns signals into something to read, so that one poll waits for everything. As process 1 a signal without a handler
is lost.

The signals that ask us to stop are blocked and read with their senders: what the measured processes send us is no
wish of the user's, and stops nothing. All others but KILL and STOP are blocked.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from .calls import SIGINFO_BYTES, parse_signals, signalfd

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
OTHERS = signal.valid_signals() - {*STOPPING, signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP}
"""What would end or stop us by default, and nobody has a reason to send. A fault of our own ends us all the same."""


class Signals:
    """Handlers for the time of the run. One of ``fds`` is readable when a signal has come.

    ``inside`` tells whether a process is one of the measured ones; ``sent_inside`` is the first signal of theirs.
    """

    def __init__(self) -> None:
        self._fd, self._write_end = os.pipe()
        os.set_blocking(self._fd, False)
        os.set_blocking(self._write_end, False)
        self._old_fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        self._old: dict[int, Any] = {}
        for number in (*STOPPING, signal.SIGCHLD):
            self._old[number] = signal.signal(number, _nothing)
        self._with_senders = signalfd(tuple(STOPPING))
        self._old_mask: Any = signal.pthread_sigmask(signal.SIG_BLOCK, OTHERS)
        if self._with_senders is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        self.inside: Callable[[int], bool] = _nobody
        self.sent_inside: str | None = None

    @property
    def fds(self) -> tuple[int, ...]:
        """What to wait for."""
        return (self._fd,) if self._with_senders is None else (self._fd, self._with_senders)

    def take(self) -> int:
        """How many times we were asked to stop, by others than the measured processes, since the last call."""
        asked = sum(number in STOPPING for number in _read_all(self._fd, 512))
        if self._with_senders is None:
            return asked
        for came in parse_signals(_read_all(self._with_senders, 8 * SIGINFO_BYTES)):
            if came.pid != os.getpid() and self.inside(came.pid):
                self.sent_inside = self.sent_inside or signal.Signals(came.number).name
            else:
                asked += 1
        return asked

    def close(self) -> None:
        """Give the handlers back."""
        if self._with_senders is not None:
            os.close(self._with_senders)
        while signal.sigtimedwait(OTHERS - self._old_mask, 0) is not None:
            pass  # else it would be delivered now
        signal.pthread_sigmask(signal.SIG_SETMASK, self._old_mask)
        for number, old in self._old.items():
            signal.signal(number, old)
        signal.set_wakeup_fd(self._old_fd)
        os.close(self._fd)
        os.close(self._write_end)


def _read_all(fd: int, size: int) -> bytes:
    found = b""
    while True:
        try:
            data = os.read(fd, size)
        except BlockingIOError:
            return found
        found += data


def _nothing(number: int, frame: FrameType | None) -> None:
    """The wake-up pipe has the signal already."""


def _nobody(pid: int) -> bool:
    """Before there is a run."""
    return pid < 0
