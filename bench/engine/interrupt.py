"""Ctrl-C as a count instead of an exception, for as long as a container of ours is alive.

An exception can strike between any two lines, also inside the clean-up. So while something has to be cleaned up, the
first signal only says "stop in order", the second "kill it", and only a third one raises, if the engine hangs.

The same holds for evidence that is not yet written: a command holds its interrupts from before the first run until its
bundle is on disk. What is entered within shares the count, so none is lost between two holds.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Interrupts:
    """Counts SIGINT, SIGTERM and SIGHUP while entered; outside of the main thread what the main one counts meanwhile.

    Args:
        patience: which signal, of those that come while this one is the innermost, raises KeyboardInterrupt.
    """

    def __init__(self, patience: int = 3) -> None:
        self._patience = patience
        self._previous: dict[signal.Signals, object] = {}
        self._outer: Interrupts | None = None
        self._came = 0
        self._breaks = False
        self._count = 0
        self._main: Interrupts | None = None

    @property
    def count(self) -> int:
        """How many there were."""
        return max(self._count, self._main.count if self._main is not None else 0)

    @count.setter
    def count(self, number: int) -> None:
        self._count = number

    def __enter__(self) -> Self:
        holder = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
        if threading.current_thread() is not threading.main_thread():
            self._main = holder if isinstance(holder, Interrupts) else None
        else:
            self._outer = holder
            if isinstance(self._outer, Interrupts):
                self.count = self._outer.count
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if isinstance(self._outer, Interrupts):
            self._outer.count = max(self._outer.count, self.count)
        self._previous.clear()

    def add(self) -> None:
        """Count one more, as for a KeyboardInterrupt that somebody else raised."""
        self.count += 1

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Let the next signal raise KeyboardInterrupt at once: for work within the hold that may be given up."""
        self._breaks = True
        try:
            yield
        finally:
            self._breaks = False

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self._came += 1
        breaks, self._breaks = self._breaks, False  # once: it may strike while the block ends
        if breaks or self._came >= self._patience:
            raise KeyboardInterrupt
