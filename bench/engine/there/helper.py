"""The one helper container of a command on an engine's machine: started once, asked by signals, removed at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from bench.engine.protocol import EngineLost, Event, Place
from bench.engine.stream import End, EventReader
from bench.engine.there.script import READY, SCRIPT, arguments
from bench.errors import BenchError

START_S = 60.0
"""For the helper's first word: its container is made and a Python starts in it."""
LASTS_S = 7200.0
"""How long a helper that nobody asks stays at least, whatever becomes of the command; the next command removes it."""
POLL_S = 0.2
CANNOT = "this engine starts no helper beside a run"
GONE = "the helper on the engine's machine has ended"


class Helper(Protocol):
    """A container that was made and fills nothing: what it prints, its start, signals to it."""

    def events(self) -> EventReader:
        """A reader of what it prints."""
        ...

    def start(self) -> None:
        """Start it. Raises NotMeasured if it cannot be."""
        ...

    def signal(self, name: str) -> None:
        """Send it a signal. Raises EngineLost if nothing answers."""
        ...


@runtime_checkable
class StartsHelpers(Protocol):
    """An engine that can run something of ours beside the runs."""

    def helper(self, place: Place, argv: Sequence[str]) -> AbstractContextManager[Helper]:
        """Return a container that runs the place's Python with ``argv``; leaving the context removes it."""
        ...


class HelperThere:
    """Holds the helper of one command; what it cannot do it has the reason for in ``problem``, and raises nothing.

    Args:
        engine: where it is started.
        clock: a monotonic clock.
    """

    def __init__(self, engine: object, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._context: AbstractContextManager[Helper] | None = None
        self._helper: Helper | None = None
        self._reader: EventReader | None = None
        self._lasts_s = self._until = 0.0
        self.problem = ""

    @property
    def runs(self) -> bool:
        """Whether it can be asked."""
        return self._reader is not None

    def hold(self, place: Place, lasts_s: float = 0.0) -> bool:
        """Have a helper that is there for so long, a new one if need be; return whether it is.

        Args:
            place: an image that the engine has.
            lasts_s: seconds until it is asked again at the latest.
        """
        if not self.runs or self._clock() + lasts_s > self._until:
            self.close()
            self._start(place, max(lasts_s, LASTS_S))
        return self.runs

    def ask(self, name: str) -> bool:
        """Send a signal that asks for something; return whether that went well."""
        if self._helper is None:
            return False
        try:
            self._helper.signal(name)
        except EngineLost as error:
            self.problem = self.problem or f"the helper on the engine's machine was lost: {error}"
            return False
        self._until = self._clock() + self._lasts_s
        return True

    def said(self, wait_s: float = 0.0) -> Iterator[Event]:
        """Yield what it has said, and what it still says, until it has said nothing more for ``wait_s`` in all."""
        until = self._clock() + wait_s
        while self._reader is not None:
            item = self._reader.next(min(wait_s, POLL_S))
            if isinstance(item, End):
                self._reader = None
                self.problem = self.problem or (f"{GONE}: {item.error}" if item.error else GONE)
            elif item is not None:
                yield item
            if (item is None or wait_s) and self._clock() >= until:
                return

    def close(self) -> None:
        """Remove it."""
        context, self._context = self._context, None
        self._helper = self._reader = None
        if context is not None:
            context.__exit__(None, None, None)

    def _start(self, place: Place, lasts_s: float) -> None:
        self.problem = ""
        if not isinstance(self._engine, StartsHelpers):
            self.problem = CANNOT
            return
        try:
            context = self._engine.helper(place, ("-c", SCRIPT, *arguments(lasts_s)))
            helper = context.__enter__()
            self._context = context
            self._reader = helper.events()
            helper.start()
        except (BenchError, EngineLost) as error:  # it describes the host, and is no part of the run
            self.close()
            self.problem = f"no helper could be started on the engine's machine: {error}"
            return
        for event in self.said(START_S):  # a signal that comes before it listens is lost
            if event.get(READY):
                self._helper, self._lasts_s, self._until = helper, lasts_s, self._clock() + lasts_s
                return
        why = self.problem or "it said nothing"
        self.close()
        self.problem = f"no helper could be started on the engine's machine: {why}"
