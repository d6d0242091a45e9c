"""Ctrl-C as a count instead of an exception, for as long as a container of ours is alive.

An exception can strike between any two lines, also inside the clean-up. So while something has to be cleaned up, the
first signal only says "stop in order", the second "kill it", and only a third one raises, where the engine hangs.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Interrupts:
    """Counts SIGINT, SIGTERM and SIGHUP while entered; outside of the main thread only what :meth:`add` adds."""

    def __init__(self, patience: int = 3) -> None:
        self._patience = patience
        self._previous: dict[signal.Signals, object] = {}
        self.count = 0

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous.clear()

    def add(self) -> None:
        """Count one more, as for a KeyboardInterrupt that somebody else raised."""
        self.count += 1

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count >= self._patience:
            raise KeyboardInterrupt
