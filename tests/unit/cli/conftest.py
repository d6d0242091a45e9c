"""A deterministic engine in place of Docker, so that the command line is tested to its exit codes without one."""

import json
import re
import shutil
import signal
from dataclasses import dataclass, field, replace

import pytest

from bench.cli import main
from bench.cli.start.handed import Machine
from bench.engine.protocol import KILLED, Capacity, Ending, Place
from bench.errors import NotMeasured
from bench.host.monitor.monitor import Sample, Summary
from bench.record.schema import Engine, HostClass, HostState, Image
from bench.run.host_snapshot import HostProbes

IMAGE = Image("bench-cpu:test", "sha256:1", "base@sha256:2", "3" * 64, "4" * 64, "3.13.5", "2.7.1+cpu")


@dataclass
class FakeEngine:
    """Answers with the outcomes it is given, then with passes of the wall times it is given."""

    outcomes: list = field(default_factory=list)
    walls: list = field(default_factory=list)
    fingerprint: str = "4" * 64
    engine: str = "docker"
    remote: bool = False
    machine: str = ""
    executed: list = field(default_factory=list)
    orphaned: list = field(default_factory=list)
    recovered: list = field(default_factory=list)
    left: str = "passed"
    swept: int = 0
    kept: set = field(default_factory=set)
    discarded: list = field(default_factory=list)

    address: str = "fake"

    @property
    def name(self):
        return self.engine

    def describe(self, limits, security="default"):
        return Engine(self.engine, "27.0", 2, {"network": "none"}, limits)

    def capacity(self):
        return Capacity(2, 16 * 1024**3)

    def neighbour(self):
        return None

    def prepare(self, need, notify):
        if need.kind == "cuda":
            raise NotMeasured("no NVIDIA GPU was found", "looked at NVML", "install the driver")
        image = Image(
            **{name: getattr(IMAGE, name) for name in IMAGE.__struct_fields__} | {"fingerprint": self.fingerprint}
        )
        return Place("/py", "/agent", "/diag", "sha256:1", image=image)

    def execute(self, place, task, out, on_event):
        self.executed.append(task)
        outcome = self.outcomes.pop(0) if self.outcomes else "passed"
        if isinstance(outcome, BaseException):
            raise outcome
        for event in ({"event": "collected", "tests": 2}, {"event": "test"}, {"event": "sample", "cpu_ratio": 0.5}):
            on_event(event)
        wall = self.walls.pop(0) if self.walls else 10.0
        if outcome == "daemon":
            return Ending(None, error="the Docker daemon went away")
        write_result(out, outcome, wall)
        if task.env.get("BENCH_PROFILER_OUT"):
            (out / "operators.json").write_text(json.dumps([{"name": "aten::mm", "self_s": 1.5, "calls": 3}]))
        return Ending(0, interrupted=outcome == "interrupted", commands=("docker create", "python -m pytest"))

    def sweep(self, notify, keep=()):
        self.swept += 1
        self.kept = set(keep)

    def orphans(self):
        return self.orphaned

    def recover(self, orphan, out):
        self.recovered.append(orphan.run_id)
        write_result(out, self.left, 5.0)
        interrupted = self.left == "interrupted"
        return Ending(0, interrupted=interrupted, commands=("python -m pytest",), error=KILLED, killed=True)

    def discard(self, orphan):
        self.discarded.append(orphan.run_id)
        return True


def write_result(out, outcome, wall):
    result = {
        "state": "ended",
        "outcome": outcome,
        "exit_code": {"passed": 0, "failed": 1}.get(outcome),
        "signal": None if outcome in {"passed", "failed"} else 9,
        "started_at": "2026-01-01T00:00:00Z",
        "wall_s": wall,
        "effective_timeout_s": 1200.0,
        "cgroup_version": 2,
        "cpu": {"user_s": wall * 0.9, "system_s": wall * 0.1, "total_s": wall, "throttled_s": 0.0},
        "memory": {"peak_bytes": 10**9, "anon_peak_bytes": 5 * 10**8, "max_rss_bytes": 6 * 10**8},
        "faults": {"minor": 1000, "major": 0},
        "tests": [{"node": "test_grad.py::test_a", "outcome": outcome, "call_s": wall}],
        "unavailable": {"memory.swap_peak_bytes": "no swap accounting"},
        "signature": None if outcome == "passed" else "test_grad.py::test_a: AssertionError",
    }
    (out / "result.json").write_text(json.dumps(result))
    (out / "samples.csv").write_text("t_s,cpu_total_s\n1.0,1.0\n")
    (out / "pytest.log").write_text("1 passed\n")
    (out / "pytest.junit.xml").write_text("<testsuites/>\n")


class Handed:
    """The machine that commands are handed; without an engine it is this one."""

    machine = None

    def choose(self, choose):
        """Have the engine chosen by a function."""
        self.machine = replace(self.machine, choose=choose)

    def calibrate(self, calibrate):
        """Have the host calibrated by a function."""
        self.machine = replace(self.machine, probes=replace(self.machine.probes, calibrate=calibrate))

    def main(self, words=None):
        """Run a command on it."""
        return main(words, self.machine)


@pytest.fixture
def handed():
    return Handed()


@pytest.fixture
def engine(monkeypatch, tmp_path, handed):
    """The fake engine, chosen whatever is asked for; the host is still, known and not calibrated."""
    made = FakeEngine()
    known = HostClass(cpu_model="Test CPU", cores=2, threads=2, memory_bytes=16 * 1024**3, kernel="6.1")
    still = HostProbes(
        read_class=lambda: (known, {"gpu": "none was found"}),
        read_state=lambda _earlier: (HostState(load=0.1), {"governor": "a VM"}),
        calibrate=lambda: ({"one_core_s": 0.1}, {}),
        read_system_load=lambda: "lscpu\n",
        read_disk_usage=lambda folder: f"disk of {folder}\n",
        follow=StillMonitor,
    )
    handed.machine = Machine(lambda name, host, notify: made, still)
    monkeypatch.setenv("BENCH_LOCK_FOLDER", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BENCH_WORK", "0")  # who counts says so
    monkeypatch.chdir(tmp_path)
    return made


class StillMonitor:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def summary(self):
        return Summary(0.0, 2, tuple(Sample(t_s, 0.0, 0.0, 2 * t_s, 0.0) for t_s in (0.0, 1.0)))


@pytest.fixture
def bench_(capsys, tmp_path, handed):
    """Run a command: its exit code, standard output and standard error."""

    def run(*words):
        code = handed.main([str(word) for word in words])
        said = capsys.readouterr()
        assert not re.search(r"\x1b", said.out + said.err), "control codes without a terminal"
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def stock(tmp_path_factory):
    """Folders of results that several tests begin with, by their wall times."""
    return tmp_path_factory.mktemp("stock"), {}


@pytest.fixture
def measured(engine, bench_, tmp_path, stock):
    """Put results of grad_cpu into ``results``, one for each list of wall times; `bench run` itself makes them, once."""

    def put(*results):
        home, made = stock
        key = tuple(map(tuple, results))
        if key not in made:
            folder = home / str(len(made))
            for walls in key:
                engine.walls = list(walls)
                code = bench_("run", "grad_cpu", "--repeat", len(walls), "--results", folder, "--quiet")[0]
                assert code in {0, 1}
            engine.executed.clear()
            made[key] = folder
        shutil.copytree(made[key], tmp_path / "results")
        return tmp_path / "results"

    return put


@pytest.fixture(autouse=True)
def sigterm():
    """A command takes SIGTERM for its own process; the tests' gets it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
