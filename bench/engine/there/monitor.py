"""Following an engine's machine while something is measured on it, by the command's helper container there.

    with monitor_there.during(seen, place, latest_s) as monitor:
        ...  # the run
    monitor.summary()

It is what :class:`bench.host.monitor.monitor.HostMonitor` is to this machine: a moment a second, and one at a run's
begin and end. What it cannot see is missing with the reason; it never ends the run that it follows.
"""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Self

from bench.engine.protocol import Place
from bench.engine.there.helper import HelperThere
from bench.engine.there.look import Seen
from bench.engine.there.sampler import Moment, parse_moment_there
from bench.engine.there.script import MOMENT
from bench.host.monitor.monitor import MOST_SAMPLES, Summary
from bench.host.sensors import cpu_limit_c, cpu_sensor_paths

ANSWER_S = 5.0
"""For the moment at a run's begin and end, which the helper is asked for."""
SPARE_S = 600.0
"""Beyond a run that may take its time to its end: for how long a helper is there at least."""


class MonitorThere:
    """Follows the runs of one command. ``helper`` is the command's helper there; ``cpus`` are those of its machine."""

    def __init__(self, helper: HelperThere, cpus: int) -> None:
        self._helper, self._cpus = helper, cpus
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
        self._sensors, self._limit_c = cpu_sensor_paths(seen.texts), cpu_limit_c(seen.texts)
        self._helper.hold(place, latest_s + SPARE_S)
        return RunThere(self)

    def ask(self) -> None:
        """Have the helper tell this very moment, and wait for it."""
        self._take(0.0)
        if self._helper.runs and self._helper.ask(MOMENT) and not self._take(ANSWER_S):
            self.problem = self.problem or "the helper on the engine's machine did not answer"

    def forget(self) -> None:
        """Forget what was seen so far."""
        self._take(0.0)
        if self._helper.runs:
            self._helper.problem = ""
        self.problem = ""
        self._moments.clear()

    def summary(self) -> Summary:
        """Return what has been seen since the last run began."""
        problem = self._helper.problem or self.problem
        if not self._moments:
            return Summary(0.0, self._cpus, (), problem=problem)
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
            problem=problem,
        )

    def _take(self, wait_s: float) -> bool:
        """Take what has come, and for so long what still comes up to a moment that was asked for; whether it came."""
        for event in self._helper.said(wait_s):
            if (moment := parse_moment_there(event, self._sensors)) is not None:
                self._moments.append(moment)
                if len(self._moments) > MOST_SAMPLES:
                    del self._moments[1:-1:2]
                if wait_s and moment.asked:
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
