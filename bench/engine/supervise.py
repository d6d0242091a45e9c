"""Following a started container to its end: events on, interrupts in, and every way in which the engine can fail us.

The deadline of a run is the supervisor's. The one here only ends a supervisor that is itself broken, and no call waits
for longer than a moment, since ``wait(timeout=)`` of an engine's client limits the waiting and not the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import EngineLost, Event, OnEvent, State
from bench.engine.stream import End, EventReader

POLL_S = 0.2
SETTLING_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
KILLED = 128 + 9
QUIET_S = 20.0
SOON_S = 2.0
"""After which silence the engine is asked again, if a stream ended and it still said that the container runs."""
RETURN_PATIENCE_S = 15.0
HURRY_S = 5.0
KILLED_PATIENCE_S = 15.0


class Followed(Protocol):
    """What is followed: a container, or a process of this host. Each method raises EngineLost if nothing answers."""

    def events(self) -> EventReader:
        """A reader of what it prints from now on."""
        ...

    def signal(self, name: str) -> None:
        """Send a signal to the supervisor."""
        ...

    def state(self) -> State | None:
        """Its state; ``None`` if it is gone."""
        ...


def _deaf(_event: Event) -> None:
    """Nobody listens any more."""


@dataclass(frozen=True, slots=True)
class Followup:
    """How it ended. ``state`` is ``None`` if the engine or the container is gone; ``error`` says what broke;
    ``ended`` is the supervisor's last event, if it was heard.
    """

    state: State | None
    interrupted: bool
    error: str | None
    ended: Event | None = None


class Follower:
    """Follows one container. ``latest_s`` and ``stop_s`` are seconds; see :mod:`bench.engine.task`."""

    def __init__(
        self,
        container: Followed,
        interrupts: Interrupts,
        on_event: OnEvent,
        *,
        latest_s: float,
        stop_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._container = container
        self._interrupts = interrupts
        self._on_event = on_event
        self._clock = clock
        self._stop_s = stop_s
        self._latest = clock() + latest_s
        self._answered = 0
        self._killed = False
        self._error: str | None = None
        self._ended_event: Event | None = None

    def follow(self, reader: EventReader) -> Followup:
        """Follow to the end; never raises for a broken engine."""
        heard = self._clock()
        while True:
            self._answer_interrupts()
            if self._clock() > self._latest and not self._kill_late():
                return self._ended(None)
            item = reader.next(POLL_S)
            if item is None:
                if self._clock() - heard < QUIET_S:
                    continue
            elif not isinstance(item, End):
                heard = self._clock()
                self._tell(item)
                continue
            state = self._ask()  # the stream ended, or has been quiet for long
            if isinstance(item, End) and item.error is None and self._error is None:
                state = self._settled(state)
            if state is None or not state.running:
                return self._ended(state)
            heard = self._clock()
            if isinstance(item, End):  # cut off, and still running: an engine that restarted under its containers
                time.sleep(POLL_S)
                reader.close()
                reader = self._attach() or reader
                heard -= (
                    QUIET_S - SOON_S
                )  # an engine that is behind: it may have ended, and then nothing comes any more

    def _attach(self) -> EventReader | None:
        try:
            return self._container.events()
        except EngineLost:
            return None  # its old reader says "end" no more; silence leads back to asking

    def _tell(self, event: dict[str, object]) -> None:
        if event.get("event") == "ended":
            self._ended_event = event
        if event.get("event") == "stopping" and event.get("reason") == "interrupt" and not self._interrupts.count:
            self._error = "the run was stopped from outside (by hand, or by the engine's own shutdown)"
        try:
            self._on_event(event)
        except KeyboardInterrupt:
            self._interrupts.add()
        except (OSError, SystemExit):  # whoever listens is gone; the run goes on
            self._on_event = _deaf

    def _answer_interrupts(self) -> None:
        count = self._interrupts.count
        if count == self._answered:
            return
        if self._answered == 0:
            self._signal("SIGTERM")
            self._latest = min(self._latest, self._clock() + self._stop_s)
        if count > 1:  # the supervisor takes a second TERM as "at once", and still writes what it has measured
            self._signal("SIGTERM")
            self._latest = min(self._latest, self._clock() + HURRY_S)
        self._answered = count

    def _kill_late(self) -> bool:
        """End a supervisor that did not end itself; ``False`` if that was tried before and did not help."""
        if self._killed:
            self._error = self._error or "the container outlived its kill"
            return False
        if self._interrupts.count < 2:
            self._error = self._error or "the supervisor did not end by itself and was killed by the engine"
        self._kill()
        return True

    def _kill(self) -> None:
        self._killed = True
        self._latest = self._clock() + KILLED_PATIENCE_S
        self._signal("SIGKILL")

    def _signal(self, name: str) -> None:
        try:
            self._container.signal(name)
        except EngineLost as error:
            self._error = self._error or f"the engine did not take {name}: {error}"

    def _ask(self) -> State | None:
        """The container's state; waits a while for an engine that is gone."""
        lost: float | None = None
        while True:
            try:
                state = self._container.state()
            except EngineLost as error:
                now = self._clock()
                lost = now if lost is None else lost
                self._error = f"the engine went away during the run: {error}"
                if now - lost > RETURN_PATIENCE_S or self._interrupts.count > max(1, self._answered):
                    return None
                time.sleep(POLL_S)
                continue
            if lost is not None:
                self._error = f"the engine went away during the run and came back after {self._clock() - lost:.1f} s"
            if state is None:
                self._error = self._error or "the container was removed by somebody else during the run"
            return state

    def _settled(self, state: State | None) -> State | None:
        """The state after the stream's end, which an engine may see a moment before that of the container itself."""
        for pause_s in SETTLING_S:
            if state is None or not state.running:
                break
            time.sleep(pause_s)
            state = self._ask()
        return state

    def _ended(self, state: State | None) -> Followup:
        if state is not None and state.exit_code == KILLED and not (self._killed or state.oom_killed):
            who = "" if state.oom_killed is False else ", or by the kernel for memory: this engine does not tell"
            self._error = self._error or f"the supervisor was killed by somebody else during the run{who}"
        return Followup(state, self._interrupts.count > 0, self._error, self._ended_event)
