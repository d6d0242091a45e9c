"""A stand-in engine and a still host for the tests of ``bench.run``: no command line, no Docker, no look at the machine."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.catalog.load import builtin, find
from bench.engine.protocol import KILLED, Capacity, Ending, Place
from bench.host.monitor.monitor import Sample, Summary
from bench.record.schema import Engine, HostClass, HostState, Image, Source
from bench.run.host_snapshot import HostProbes
from bench.run.plan import Options, make_plan
from bench.run.session import Session

IMAGE = Image("bench-cpu:test", "sha256:1", "base@sha256:2", "3" * 64, "4" * 64, "3.13.5", "2.7.1+cpu")


@dataclass
class StandIn:
    """Answers each run with the next of its outcomes: a word, an exception to raise, else a pass.

    ``seconds`` tells how long a task takes.
    """

    outcomes: list = field(default_factory=list)
    remote: bool = False
    unprepared: BaseException | None = None
    executed: list = field(default_factory=list)
    orphaned: list = field(default_factory=list)
    discarded: list = field(default_factory=list)
    kept: set | None = None
    name: str = "docker"
    address: str = "stand-in"
    machine: str = ""
    seconds: Callable = lambda task: 10.0

    def describe(self, limits, security="default"):
        return Engine(self.name, "27.0", 2, {"profile": security}, limits)

    def capacity(self):
        return Capacity(2, 16 * 1024**3)

    def neighbour(self):
        return None

    def prepare(self, need, notify):
        if self.unprepared is not None:
            raise self.unprepared
        notify(f"prepared {need.kind}")
        return Place("/py", "/agent", "/diag", "sha256:1", image=IMAGE, warnings=("made of an older base",))

    def execute(self, place, task, out, on_event):
        self.executed.append(task)
        outcome = self.outcomes.pop(0) if self.outcomes else "passed"
        if isinstance(outcome, BaseException):
            raise outcome
        on_event({"event": "collected", "tests": 1})
        write_result(out, outcome, self.seconds(task))
        return Ending(0, interrupted=outcome == "interrupted", commands=("python -m pytest",))

    def orphans(self):
        return self.orphaned

    def recover(self, orphan, out):
        write_result(out, "passed", 5.0)
        return Ending(0, error=KILLED, killed=True)

    def discard(self, orphan):
        self.discarded.append(orphan.run_id)
        return True

    def sweep(self, notify, keep=()):
        self.kept = set(keep)


def write_result(out, outcome, wall_s=10.0):
    result = {"state": "ended", "outcome": outcome, "wall_s": wall_s, "started_at": "2026-01-01T00:00:00Z"}
    (out / "result.json").write_text(json.dumps(result | {"cgroup_version": 2}))


class Follower:
    """What follows a host that is busy with something else."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def summary(self):
        return Summary(0.0, 2, tuple(Sample(float(t), 2.0 * t, 0.0, 0.0, 0.0, load=3.0) for t in range(9)))


@pytest.fixture
def probes():
    """A host that is known and calibrated; each calibration takes 0.1 s longer than the one before."""
    calibrations = itertools.count(1)
    return HostProbes(
        read_class=lambda: (HostClass(cpu_model="Test CPU", cores=2, threads=2), {"gpu": "none was found"}),
        read_state=lambda _earlier: (HostState(load=0.1), {"governor": "a VM"}),
        calibrate=lambda: ({"one_core_s": 0.1 * next(calibrations)}, {"pressure": "no such file"}),
        read_system_load=lambda: "lscpu\n",
        read_disk_usage=lambda folder: f"disk of {folder}\n",
        follow=Follower,
    )


@pytest.fixture
def stand_in():
    return StandIn()


@pytest.fixture
def said():
    return []


@pytest.fixture
def open_session(stand_in, probes, said, tmp_path, monkeypatch):
    """A session in the stand-in engine; its clock goes on by a minute at each look."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BENCH_LOCK_FOLDER", str(tmp_path))
    minutes = itertools.count()

    def made(**changes):
        session = Session(
            stand_in,
            said.append,
            tmp_path / "results",
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=next(minutes)),
            probes=probes,
        )
        return replace(session, **changes)

    return made


@pytest.fixture
def plan():
    return make_plan(find(builtin(), "grad_cpu"), Options(repeat=2), Source(kind="catalog", sha256="0" * 64))
