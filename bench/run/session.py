"""One command's time on a host: the place, the host's state and calibration around the runs, and the runs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from bench.catalog.model import SELFTEST
from bench.compare.hostid import host_id
from bench.engine.protocol import Ending, Engine, Event, Need, Notify, Place
from bench.host.calibration import calibrate
from bench.host.disturbances import disturbances
from bench.host.evidence import read_disk_usage, read_system_load
from bench.host.identity import read_class
from bench.host.neighbours import Watcher
from bench.host.state import read_state
from bench.record.names import make_stamp
from bench.record.schema import HostClass, HostState, Warning_
from bench.run.plan import Plan
from bench.run.reading import Reading, read_run
from bench.run.selftest.warn import selftest_warning


class Watch:
    """Follows a command for the person who waits; this one says nothing (see ``bench.cli.progress``)."""

    def run_begins(self, plan: Plan, index: int) -> None:
        """A run is about to start."""

    def event(self, event: Event) -> None:
        """The supervisor said something."""

    def run_ended(self, reading: Reading) -> None:
        """A run has been read."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The host at one moment: state, calibration and evidence, with the reasons for what is missing."""

    state: HostState
    state_unavailable: Mapping[str, str]
    calibration: Mapping[str, float | None]
    calibration_unavailable: Mapping[str, str]
    system_load: str
    disk_usage: str


@dataclass(frozen=True, slots=True)
class OneRun:
    """A run as it was read, and the folder of its evidence."""

    reading: Reading
    out: Path
    ending: Ending


@dataclass(slots=True)
class Session:
    """Holds what several runs of one command share. Use as a context manager; its folder goes when it ends.

    Args:
        engine: where to run.
        notify: takes plain lines.
        watch: follows the runs.
        results: the folder whose disk is described.
        calibration: whether the host is calibrated before and after.
    """

    engine: Engine
    notify: Notify
    results: Path
    watch: Watch = field(default_factory=Watch)
    calibration: bool = True
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _places: dict[Need, Place] = field(default_factory=dict)
    _folder: tempfile.TemporaryDirectory[str] | None = None
    _runs: int = 0
    _distrust: tuple[Warning_, ...] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def place(self, need: Need) -> Place:
        """The image or environment for a need, prepared once."""
        if need not in self._places:
            self._places[need] = self.engine.prepare(need, self.notify)
        return self._places[need]

    def host_class(self) -> tuple[HostClass, dict[str, str]]:
        """The class of the machine that measures."""
        return read_class()

    def stamp(self) -> str:
        """The name of a result that is finished now."""
        return make_stamp(self.clock())

    def observe(self) -> Observation:
        """The host now."""
        state, state_missing = read_state()
        calibration, calibration_missing = calibrate() if self.calibration else ({}, {})
        disk = read_disk_usage(existing(self.results))
        return Observation(state, state_missing, calibration, calibration_missing, read_system_load(), disk)

    def run(self, plan: Plan, index: int, labels: Mapping[str, str] | None = None) -> OneRun:
        """One run of a plan, in a fresh container that carries ``labels``.

        Raises:
            NotMeasured: nothing could be started.
        """
        place = self.place(plan.need)
        assert self._folder is not None  # noqa: S101, a session is used inside its context
        out = Path(self._folder.name) / f"run-{self._runs:04}"
        out.mkdir()
        self._runs += 1
        self.watch.run_begins(plan, index)
        with Watcher() as watcher:
            ending = self.engine.execute(place, replace(plan.task, labels=labels or {}), out, self.watch.event)
        reading = read_run(out, index, ending)
        found = (*disturbances(watcher.summary(), reading.run), *self._known_wrong(plan))
        run = msgspec.structs.replace(reading.run, warnings=(*reading.run.warnings, *found))
        reading = replace(reading, run=run)
        self.watch.run_ended(reading)
        return OneRun(reading, out, ending)

    def _known_wrong(self, plan: Plan) -> tuple[Warning_, ...]:
        """What every result says on a host whose readings did not hold against loads of known cost."""
        if plan.diagnostic.name == SELFTEST:
            return ()
        if self._distrust is None:
            warning = selftest_warning(self.results, host_id(self.host_class()[0]), self.engine.name)
            self._distrust = (warning,) if warning else ()
        return self._distrust


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
