"""One command's time on a host: the place, the host's state and calibration around the runs, and the runs."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from bench.catalog.model import SELFTEST
from bench.engine.protocol import Ending, Engine, Event, Need, Notify, OnEvent, Place, Task
from bench.engine.task import latest_end_s
from bench.engine.there.helper import HelperThere
from bench.engine.there.look import Seen, calibrate_there, look, place_of
from bench.engine.there.monitor import MonitorThere, RunThere
from bench.errors import BenchError
from bench.host.monitor.disturbances import Monitored, monitored, not_monitored
from bench.host.monitor.monitor import HostMonitor
from bench.host.state import Earlier
from bench.names import make_stamp
from bench.record.host_id import host_id
from bench.record.schema import HostClass, Record, Run, Warning_
from bench.run.host_snapshot import ELSEWHERE, THIS_MACHINE, HostProbes, HostSnapshot, host_class, take_snapshot
from bench.run.observer import CALIBRATING, Observer
from bench.run.plan import Plan
from bench.run.result.description import Descriptions, complete, key_of
from bench.run.result.held import with_limits_held
from bench.run.result.reading import OneRun, read_run
from bench.run.store.kept import Result, Store, engine_key, make_store, settle
from bench.run.trust import selftest_warning

LOOKING = "looking at the host"
NOWHERE = Place("", "", "", "")
"""A place that was not prepared: neither image nor environment."""


def own_fault(error: Exception) -> str:
    """Return an unforeseen error in one line: what the system refused, else a fault of bench and where it struck."""
    if isinstance(error, OSError) and error.strerror:
        return f"the system refused{f' {error.filename}' if error.filename else ''}: {error.strerror}"[:300]
    ours = [one for one in traceback.extract_tb(error.__traceback__) if f"{os.sep}bench{os.sep}" in one.filename]
    where = f" in {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"a fault of bench itself{where} ({type(error).__name__}: {error})"[:300]


@dataclass(slots=True)
class Session:
    """Holds what several runs of one command share. Use as a context manager; its store goes when it ends.

    What has been measured and is in no bundle stays in the store, for the next command to finish.

    Args:
        engine: where to run.
        notify: takes plain lines.
        observer: follows the runs.
        results: the folder whose disk is described.
        calibration: whether the host is calibrated before and after.
        probes: what looks at this machine.
        descriptions: what is known of the environments that are run in.
    """

    engine: Engine
    notify: Notify
    results: Path
    observer: Observer = field(default_factory=Observer)
    calibration: bool = True
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    probes: HostProbes = THIS_MACHINE
    descriptions: Descriptions = field(default_factory=Descriptions)
    _places: dict[Need, Place] = field(default_factory=dict)
    _store: Store | None = None
    _distrust: tuple[Warning_, ...] | None = None
    _host: tuple[HostClass, dict[str, str]] | None = None
    _there: Seen | None = None
    _blind: bool = False
    _helper: HelperThere | None = None
    _monitor: MonitorThere | None = None
    _earlier: Earlier | None = None

    def __enter__(self) -> Self:
        self._store = make_store(self.engine)
        self._earlier = self.probes.read_earlier()
        return self

    def __exit__(self, *_: object) -> None:
        if self._helper is not None:
            self._helper.close()
        if self.store.unfinished():
            then = ", and the next command finishes it" if self.store.owned else ""
            self.notify(f"what was measured is kept in {self.store.path}{then}")
        else:
            self.store.remove()

    def beside(self, engine: Engine) -> Session:
        """Return a session in another engine, with all else as it is here."""
        shared = self.observer, self.calibration, self.clock, self.probes, self.descriptions
        return Session(engine, self.notify, self.results, *shared)

    @property
    def store(self) -> Store:
        """What has been measured so far."""
        assert self._store is not None  # noqa: S101, a session is used inside its context
        return self._store

    def begin(self, record: Record, asked: int) -> Result:
        """Keep what is known of a result before its first run, and how many runs it asks for."""
        return self.store.begin(record, asked, self.results)

    def place(self, need: Need) -> Place:
        """Return the image or environment for a need, prepared once."""
        if need not in self._places:
            self._places[need] = self.engine.prepare(need, self.notify)
        return self._places[need]

    def adopt(self, need: Need, place: Place) -> None:
        """Take a place that was prepared for a need before the session began."""
        self._places[need] = place

    def place_so_far(self, need: Need) -> Place:
        """Return the place for a need as far as it was prepared; one of which nothing is known if it was not."""
        return self._places.get(need, NOWHERE)

    def host_class(self) -> tuple[HostClass, dict[str, str]]:
        """Return the class of the machine that measures, looked up once."""
        if self._host is None:
            seen = self._look()
            host = host_class(self.probes, self.engine, seen)
            if self.engine.remote and seen is None and not self._blind:
                return host  # asked again once there is an image to look with
            self._host = host
        return self._host

    def _look(self) -> Seen | None:
        """What the machine of an engine that may be elsewhere reports of itself; ``None`` if it cannot be asked."""
        place = place_of(tuple(self._places.values()))
        if not self.engine.remote or place is None or self._blind:
            return None
        try:
            self._there = look(self._helper_there(), place)
        except Exception as error:  # it describes the host, and is no part of the run
            why = str(error) if isinstance(error, BenchError) else own_fault(error)
            self.notify(f"the host is described by what its engine reports: {why}")
            self._blind = True
            return None
        if self._there.is_here:
            self._helper_there().close()  # it is looked at from here
        return self._there

    def _helper_there(self) -> HelperThere:
        """The one helper of this session on its engine's machine."""
        if self._helper is None:
            self._helper = HelperThere(self.engine)
        return self._helper

    @property
    def elsewhere(self) -> bool:
        """Whether the runs are on another machine than this one, as far as that is known."""
        return self.engine.remote and (self._there is None or not self._there.is_here)

    def stamp(self) -> str:
        """Return the name of a result that is written now."""
        return make_stamp(self.clock())

    def snapshot(self) -> HostSnapshot:
        """Return the host now."""
        seeing = not self.engine.remote or place_of(tuple(self._places.values())) is not None
        with self.observer.doing(CALIBRATING if self.calibration and seeing else LOOKING):
            seen = self._there if self._there is not None and self._there.is_here else self._look()
            now = take_snapshot(
                self.probes,
                self.engine,
                self.results,
                calibration=self.calibration,
                seen=seen,
                earlier=self._earlier,
            )
            place = place_of(tuple(self._places.values()))
            if not self.calibration or seen is None or place is None or not self.elsewhere:
                return now
            figures, missing = calibrate_there(self._helper_there(), place)
            return replace(now, calibration=figures, calibration_unavailable=missing)

    def run(self, plan: Plan, index: int, result: Result) -> OneRun:
        """Make one run of a plan for a result that was begun, in a fresh container, and return it.

        Args:
            plan: what to run.
            index: the number of the run in its result, from 0 on.
            result: the result in this session's store.

        Raises:
            NotMeasured: nothing could be started.
        """
        place = self.place(plan.need)
        key = key_of(engine_key(self.engine), self.host_class()[0], place, plan.task)
        known = self.descriptions.get(key, plan.task)
        out, labels = self.store.start(result, index, key)
        self.observer.run_begins(plan, index)
        with self._follow(place, plan.task) as monitor:
            task = replace(plan.task, labels=labels, describe=known is None)
            ending = self._execute(place, task, out, self._pass_on)
        if known is None:
            self.descriptions.learn(key, plan.task, out)
        else:
            complete(out, known)
        reading = read_run(out, index, ending)
        reading = replace(reading, run=with_limits_held(reading.run, plan.task.limits))
        seen = self._seen(monitor, reading.run)
        of_place = (Warning_("environment", said) for said in place.warnings)
        left_out = plan.task.tree.left_out if plan.task.tree is not None else ()
        of_tree = (Warning_("left_out", f"not copied into the run: {what}") for what in left_out)
        found = (*seen.warnings, *self._known_wrong(plan), *of_place, *of_tree)
        run = msgspec.structs.replace(reading.run, warnings=(*reading.run.warnings, *found), host_during=seen.figures)
        reading = replace(reading, run=run, unavailable={**reading.unavailable, **seen.unavailable})
        self.store.keep(out, result, reading, ending)
        if ending.left is not None:
            settle(ending.left)
        self.observer.run_ended(reading)
        return OneRun(reading, out, ending)

    def run_aside(self, plan: Plan, name: str) -> tuple[Path, Ending]:
        """Make a run that belongs to no result: nothing of it is kept if the command is killed.

        Args:
            plan: what to run.
            name: what its folder in the store begins with, for this command's time.

        Raises:
            NotMeasured: nothing could be started.
        """
        place = self.place(plan.need)
        made = len(list(self.store.path.glob(f"{name}-*")))  # both sides of an experiment may share a session
        out = self.store.path / f"{name}-{made:02}"
        out.mkdir()
        ending = self._execute(place, replace(plan.task, labels={}), out, lambda _event: None)
        if ending.left is not None:
            settle(ending.left)
        return out, ending

    def _pass_on(self, event: Event) -> None:
        """Pass an event on; the host's state after a run begins with the end of the test, while its files are read."""
        if event.get("event") == "ended":
            self._earlier = self.probes.read_earlier()
        self.observer.event(event)

    def _execute(self, place: Place, task: Task, out: Path, on_event: OnEvent) -> Ending:
        """Run a task. A fault of our own on the way costs what it hit, and not the evidence that came by then."""
        try:
            return self.engine.execute(place, task, out, on_event)
        except BenchError:
            raise
        except Exception as error:
            if not any(out.iterdir()):
                raise
            return Ending(None, error=own_fault(error))

    def _follow(self, place: Place, task: Task) -> HostMonitor | RunThere:
        """What follows the machine that the run is on; this one, unseen, if that one cannot be asked."""
        if not self.elsewhere or self._there is None:
            return self.probes.follow()
        if self._monitor is None:
            self._monitor = MonitorThere(self._helper_there(), self.host_class()[0].threads or 1)
        return self._monitor.during(self._there, place, latest_end_s(task))

    def _seen(self, monitor: HostMonitor | RunThere, run: Run) -> Monitored:
        if self.elsewhere and self._there is None:
            return not_monitored(ELSEWHERE, run)
        try:
            return monitored(monitor.summary(), run)
        except Exception as error:  # as above: it describes the host, and is no part of the run
            return not_monitored(own_fault(error), run)

    def _known_wrong(self, plan: Plan) -> tuple[Warning_, ...]:
        """What every result reports on a host whose readings did not hold against loads of known cost."""
        if plan.diagnostic.name == SELFTEST:
            return ()
        if self._distrust is None:
            warning = selftest_warning(self.results, host_id(self.host_class()[0]), self.engine.name)
            self._distrust = (warning,) if warning else ()
        return self._distrust
