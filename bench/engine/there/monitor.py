"""Following an engine's machine while something is measured on it, by a helper container there, started once a command.

    with watch.during(seen, place, latest_s) as monitor:
        ...  # the run
    monitor.summary()

It is what :class:`bench.host.monitor.monitor.HostMonitor` is to this machine: a moment a second, and one at a run's
begin and end. What it cannot see is missing with the reason; it never ends the run that it follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from bench.engine.protocol import EngineLost, Place
from bench.engine.stream import End, EventReader
from bench.engine.there.look import Seen
from bench.engine.there.sampler import SCRIPT, Moment, argument, parse_moment_there
from bench.errors import BenchError
from bench.host.monitor.monitor import INTERVAL_S, MOST_COST, MOST_SAMPLES, Summary
from bench.host.sensors import cpu_limit_c, cpu_sensor_paths

ANSWER_S = 5.0
"""For the moment at a run's begin and end, which the helper is asked for."""
POLL_S = 0.2
SPARE_S = 600.0
"""What a helper may outlive the run that it was started for, until it ends by itself."""
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


class MonitorThere:
    """Holds the helper of one command. ``engine`` is where it is started; ``cpus`` are those of its machine."""

    def __init__(self, engine: object, cpus: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._cpus = cpus
        self._clock = clock
        self._context: AbstractContextManager[Helper] | None = None
        self._helper: Helper | None = None
        self._reader: EventReader | None = None
        self._until = 0.0
        self._sensors: tuple[str, ...] = ()
        self._limit_c = 0.0
        self._moments: list[Moment] = []
        self.problem = ""

    def during(self, seen: Seen, place: Place, latest_s: float) -> RunThere:
        """Return what follows the machine for one run.

        Args:
            seen: what the machine said of itself before.
            place: an image that the engine has.
            latest_s: seconds that the run lasts at most.
        """
        lost = self._helper is not None and self._reader is None
        if lost or self._clock() + latest_s > self._until:
            self.close()
            self._start(seen, place, latest_s + SPARE_S)
        return RunThere(self)

    def ask(self) -> None:
        """Have the helper tell this very moment, and wait for it."""
        if self._take(0.0, until=0.0) and self._helper is not None:
            try:
                self._helper.signal("SIGUSR1")
            except EngineLost as error:
                self.problem = self.problem or f"the helper on the engine's machine was lost: {error}"
                return
            if not self._take(POLL_S, until=self._clock() + ANSWER_S):
                self.problem = self.problem or "the helper on the engine's machine did not answer"

    def forget(self) -> None:
        """Forget what was seen so far."""
        if self._take(0.0, until=0.0):
            self.problem = ""
        self._moments.clear()

    def summary(self) -> Summary:
        """Return what has been seen since the last run began."""
        if not self._moments:
            return Summary(0.0, self._cpus, (), problem=self.problem)
        first, last = self._moments[0], self._moments[-1]
        throttles = [one.throttles for one in self._moments if one.asked and one.throttles is not None]
        zero_s = first.sample.t_s
        return Summary(
            started_at=first.at,
            cpus=self._cpus,
            samples=tuple(replace(one.sample, t_s=one.sample.t_s - zero_s) for one in self._moments),
            throttle_events=throttles[-1] - throttles[0] if len(throttles) > 1 else None,
            temperature_limit_c=self._limit_c,
            cost_s=last.sample.own_s - first.sample.own_s,
            problem=self.problem,
        )

    def close(self) -> None:
        """Remove the helper."""
        context, self._context = self._context, None
        self._helper = self._reader = None
        if context is not None:
            context.__exit__(None, None, None)

    def _start(self, seen: Seen, place: Place, lasts_s: float) -> None:
        self._until = self._clock() + lasts_s
        self._sensors, self._limit_c = cpu_sensor_paths(seen.texts), cpu_limit_c(seen.texts)
        self.problem = ""
        if not isinstance(self._engine, StartsHelpers):
            self.problem = CANNOT
            return
        said = argument(seen.texts, INTERVAL_S, MOST_COST, lasts_s)
        try:
            context = self._engine.helper(place, ("-c", SCRIPT, said))
            helper = context.__enter__()
            self._context = context
            self._reader = helper.events()
            helper.start()
            self._helper = helper
        except (BenchError, EngineLost) as error:  # it describes the host, and is no part of the run
            self.close()
            self.problem = f"no helper could be started on the engine's machine: {error}"

    def _take(self, wait_s: float, *, until: float) -> bool:
        """Take what has come, and until then what still comes up to a moment that was asked for; whether it goes on."""
        while self._reader is not None:
            item = self._reader.next(wait_s)
            if item is None:
                if self._clock() >= until:
                    return until == 0.0
            elif isinstance(item, End):
                self._reader = None
                self.problem = self.problem or (f"{GONE}: {item.error}" if item.error else GONE)
            elif (moment := parse_moment_there(item, self._sensors)) is not None:
                self._moments.append(moment)
                if len(self._moments) > MOST_SAMPLES:
                    del self._moments[1:-1:2]
                if until and moment.asked:
                    return True
        return False


class RunThere:
    """Follows an engine's machine from ``__enter__`` to ``__exit__``; :meth:`summary` can be asked afterwards."""

    def __init__(self, there: MonitorThere) -> None:
        self._there = there

    def __enter__(self) -> Self:
        self._there.forget()
        self._there.ask()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._there.ask()

    def summary(self) -> Summary:
        """Return what was seen."""
        return self._there.summary()
