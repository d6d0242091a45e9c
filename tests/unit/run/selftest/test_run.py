"""The self-test from its checks to a bundle, and what a failed one does to later results: with a pretended engine."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bench.catalog.load import builtin, find
from bench.cli import main
from bench.cli.start.handed import Machine
from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Capacity, Ending, Need, Place
from bench.errors import ExitCode, NotMeasured, UsageError
from bench.host.monitor.monitor import Sample, Summary
from bench.record.schema import Engine, HostClass, HostState, Image, Source
from bench.record.storage.verify import verify_bundle
from bench.run.host_snapshot import HostProbes
from bench.run.measurement import Measurement
from bench.run.plan import Options, make_plan
from bench.run.selftest.checks import BALLOON_BYTES, CHECKS
from bench.run.selftest.run import self_test
from bench.run.session import Session
from bench.run.trust import recall, remember, selftest_warning, warning_of

SELFTEST = find(builtin(), "selftest")
SOURCE = Source(kind="catalog", sha256="0" * 64)
SMALL = Need("small")
HOST = HostClass(cpu_model="Test CPU", cores=2, threads=2, memory_bytes=16 * 1024**3, kernel="6.1")
TRUTHS = {
    "cpu": {"cpu_total_s": 2.0},
    "threads": {"cpu_total_s": 2.0},
    "split": {"cpu_total_s": 2.0, "cpu_user_s": 1.0, "cpu_system_s": 1.0, "other_s": 0.0},
    "memory": {"anon_bytes": 500},
    "cache": {"anon_bytes": 500, "file_bytes": 500, "read_bytes": None},
    "faults": {"minor_faults": 100},
    "switches": {"voluntary": 7},
    "write": {"write_bytes": 64},
    "orphan": {"cpu_total_s": 2.0},
    "left": {"left": 1},
    "quota": {"held_back_s": 1.0, "unsure_s": 0.0},
    "balloon": {"outcome": "oom_killed"},
}


@dataclass
class Pretended:
    """Reads every load as it is, but for what ``wrong`` says; ``raises`` maps a load to what it raises."""

    name: str = "docker"
    wrong: dict = field(default_factory=dict)
    raises: dict = field(default_factory=dict)
    cpus: int = 2
    remote: bool = False
    machine: str = ""
    address: str = ""
    started: list = field(default_factory=list)

    def describe(self, limits, security="default"):
        return Engine(self.name, "27.0", 2, {}, limits)

    def capacity(self):
        return Capacity(self.cpus, 16 * 1024**3)

    def neighbour(self):
        return None

    def prepare(self, need, notify):
        assert need.kind == "small"
        return Place(
            "/py", "/agent", "/diag", "sha256:1", image=Image("bench-small:1", None, None, None, None, "3", None)
        )

    def execute(self, place, task, out, on_event):
        load = task.argv[5]
        self.started.append(task)
        if load in self.raises:
            raise self.raises[load]
        outcome = "oom_killed" if load == "balloon" else "passed"
        result = {
            "state": "ended",
            "outcome": outcome,
            "wall_s": 2.1,
            "cgroup_version": 2,
            "cpu": {"user_s": 1.0, "system_s": 1.0, "total_s": 2.0, "throttled_s": 1.0},
            "memory": {
                "anon_peak_bytes": 500,
                "max_rss_bytes": 600,
                "peak_bytes": BALLOON_BYTES,
                "limit_bytes": BALLOON_BYTES,
                "oom_kills": 1,
            },
            "faults": {"minor": 100},
            "context_switches": {"voluntary": 7},
            "io": {"write_bytes": 64},
            "warnings": [{"code": "leftover_processes", "message": "1"}] if load == "left" else [],
            **self.wrong.get(load, {}),
        }
        (out / "result.json").write_text(json.dumps(result))
        (out / "pytest.log").write_text(json.dumps({"load": load, **TRUTHS[load]}) + "\n")
        return Ending(0, interrupted=result["outcome"] == "interrupted", commands=("docker create", "python loads"))

    def orphans(self):
        return []

    def sweep(self, notify, keep=()):
        pass


class StillMonitor:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def summary(self):
        return Summary(0.0, 2, ())


STILL = HostProbes(
    read_class=lambda: (HOST, {}),
    read_state=lambda _earlier: (HostState(load=0.1), {}),
    read_system_load=lambda: "lscpu\n",
    follow=StillMonitor,
)


@pytest.fixture
def quiet(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_LOCK_FOLDER", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def made(quiet, tmp_path):
    """Run a self-test with an engine; minutes apart, so that the order of results is known."""
    minutes = iter(range(1000))
    said = []

    def run(engine, checks=CHECKS):
        def clock():
            return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=next(minutes))

        with Session(
            engine, said.append, tmp_path / "results", calibration=False, clock=clock, probes=STILL
        ) as session:
            return self_test(session, SELFTEST, checks)

    run.said = said
    return run


def test_every_reading_holds_and_a_bundle_says_so(made, tmp_path):
    engine = Pretended()
    checked = made(engine)
    record, path = checked.written.record, checked.written.path
    assert (record.outcome, record.verdict.status, checked.written.exit_code) == ("passed", "ok", ExitCode.OK)
    assert path.relative_to(tmp_path / "results").parts[1:] == ("selftest", record.stamp)
    assert verify_bundle(path) == []
    assert [run.index for run in record.runs] == list(range(12))
    assert record.runs[11].tests[0].node == "balloon::memory.oom_kills"
    assert record.runs[0].metrics["cpu.total_s.error"].value == 0.0
    assert record.verdict.reasons == (
        "19 of 19 readings hold",
        "page_cache, io.read_bytes: the load could not tell its own read_bytes here (a folder in memory has no disk below it)",
    )
    assert (path / "logs" / "pytest-011.log").read_text() == '{"load": "balloon", "outcome": "oom_killed"}\n'
    assert "one_thread, cpu.total_s: reads 2.00 s, true is 2.00 s" in (path / "summary.md").read_text()
    assert made.said == []


def test_each_load_runs_by_itself_with_limits_of_its_own(made):
    engine = Pretended()
    made(engine)
    assert engine.started[0].argv == ("{python}", "-I", "-S", "-B", "/agent/loads", "cpu", "seconds=2")
    limits = {task.argv[5]: task.limits for task in engine.started}
    assert {task.limits.pids for task in engine.started} == {512}
    assert [load for load, one in limits.items() if one.cpus is not None] == ["quota"]
    assert limits["balloon"].memory_bytes == BALLOON_BYTES
    assert not any(task.torch for task in engine.started)


def test_one_reading_that_is_off_fails_like_a_test(made):
    checked = made(Pretended(wrong={"cpu": {"cpu": {"total_s": 2.5}}}))
    record = checked.written.record
    assert (record.outcome, checked.written.exit_code) == ("failed", ExitCode.TEST_FAILED)
    assert record.verdict.status == "not_measured"
    wrong = "one_thread, cpu.total_s: reads 2.50 s, true is 2.00 s; off by +25.00 %, may be off by 1 %"
    assert record.verdict.reasons[:2] == ("18 of 19 readings hold", wrong)
    assert made.said == [wrong]
    assert wrong in (checked.written.path / "summary.md").read_text().replace("\\", "")


def test_a_limit_that_cannot_be_applied_leaves_its_check_out(made):
    refused = NotMeasured("the local engine cannot apply --cpus", "no group")
    checked = made(Pretended(name="local", raises={"quota": refused}, cpus=2))
    assert checked.written.record.outcome == "passed"
    assert checked.not_made == (("quota", "the local engine cannot apply --cpus: no group"),)
    assert len(checked.written.record.runs) == 11
    assert checked.written.record.verdict.reasons[-1] == (
        "quota: not made: the local engine cannot apply --cpus: no group"
    )


def nothing_made(checked, outcome, said):
    """Check a self-test of which nothing was made: a whole bundle that says why, and is not remembered."""
    record, path = checked.written.record, checked.written.path
    assert (record.outcome, record.verdict.status, record.runs) == (outcome, "not_measured", ())
    assert verify_bundle(path) == []
    assert said in (path / "summary.md").read_text().splitlines()[0]
    assert said in (path / "artifacts" / "commands.txt").read_text()
    assert recall(record.host.id, "docker") is None


def test_nothing_made_is_not_measured_and_leaves_a_bundle(made):
    checked = made(Pretended(raises={"cpu": NotMeasured("no room")}), CHECKS[:1])
    nothing_made(checked, "not_measured", "not one check could be made: no room")
    assert checked.not_made == (("one_thread", "no room"),)
    assert checked.written.complaints == ("not one check could be made: no room", None)
    assert checked.written.exit_code == ExitCode.NOT_MEASURED
    nothing_made(made(Pretended(), ()), "not_measured", "not one check could be made: there are none")


@pytest.mark.parametrize(
    ("trouble", "outcome", "said"),
    [
        (NotMeasured("the image could not be built"), "not_measured", "the image could not be built"),
        (KeyboardInterrupt(), "interrupted", "the command was interrupted"),
    ],
)
def test_without_a_place_to_make_a_check_in_a_bundle_says_so(made, trouble, outcome, said):
    engine = Pretended()

    def prepare(*_):
        raise trouble

    engine.prepare = prepare
    checked = made(engine)
    nothing_made(checked, outcome, said)
    assert said in checked.written.record.unavailable["image"]


def test_an_interrupt_keeps_what_there_is(made):
    checked = made(Pretended(wrong={"faults": {"outcome": "interrupted"}}))
    assert (checked.written.record.outcome, len(checked.written.record.runs)) == ("interrupted", 6)
    assert checked.written.exit_code == ExitCode.INTERRUPTED
    checked = made(Pretended(raises={"threads": KeyboardInterrupt()}))
    assert (checked.written.record.outcome, len(checked.written.record.runs)) == ("interrupted", 1)
    checked = made(Pretended(raises={"cpu": KeyboardInterrupt()}))
    nothing_made(checked, "interrupted", "the command was interrupted")
    assert (checked.written.exit_code, checked.written.failure) == (ExitCode.INTERRUPTED, None)


def test_a_load_that_said_too_much_or_nothing_is_a_failure(made, monkeypatch):
    monkeypatch.setattr("bench.run.selftest.run._MAX_LOG_BYTES", 10)
    checked = made(Pretended(), CHECKS[:1])
    assert checked.written.record.runs[0].signature == "one_thread, outcome: the load did not say what it cost"


def test_a_host_whose_self_test_failed_says_so_in_every_later_result(made, tmp_path):
    results = tmp_path / "results"
    bad = made(Pretended(wrong={"cpu": {"cpu": {"total_s": 2.5}}})).written.record
    warning = selftest_warning(results, bad.host.id, "docker")
    assert (warning.code, warning.value) == ("selftest_failed", 1.0)
    assert "one_thread::cpu.total_s" in warning.message
    assert bad.stamp in warning.message
    assert selftest_warning(results, bad.host.id, "local") is None
    assert selftest_warning(results, "another-host", "docker") is None
    made(Pretended(wrong={"cpu": {"outcome": "interrupted"}}))
    assert selftest_warning(results, bad.host.id, "docker") is not None, "one that was not finished says nothing"
    made(Pretended())
    assert selftest_warning(results, bad.host.id, "docker") is None


def test_many_failures_are_counted(made):
    nothing = {"cpu": {}, "memory": {}, "faults": {"minor": 1}, "io": {"write_bytes": 1}}
    bad = made(Pretended(wrong={load: {"outcome": "failed", **nothing} for load in TRUTHS})).written.record
    assert warning_of([bad], "docker").message.count("::") == 5
    assert "and 7 more" in warning_of([bad], "docker").message
    assert warning_of([msgspec.structs.replace(bad, outcome="interrupted")], "docker") is None


def run_of(session, plan, index):
    return session.run(plan, index, Measurement(plan, session, session.snapshot(), Interrupts()).begin().in_store)


def codes_of(session, plan, index):
    return [warning.code for warning in run_of(session, plan, index).reading.run.warnings]


def test_the_warning_is_in_the_runs_that_a_session_makes(made, quiet, tmp_path):
    made(Pretended(wrong={"cpu": {"cpu": {"total_s": 2.5}}}))
    grad = make_plan(find(builtin(), "grad_cpu"), Options(), SOURCE)
    loads_as_test = replace(grad, task=replace(grad.task, argv=("", "", "", "", "", "cpu")))
    engine = Pretended()
    engine.prepare = lambda need, notify: Place("/py", "/agent", "/diag", "sha256:1")
    with Session(engine, print, tmp_path / "results", calibration=False, probes=STILL) as session:
        codes = [codes_of(session, loads_as_test, index) for index in (0, 1)]
    assert all(of_run.count("selftest_failed") == 1 for of_run in codes)


def later_codes(results, engine):
    """The warnings of a run after a self-test, with results in a folder of their own."""
    grad = make_plan(find(builtin(), "grad_cpu"), Options(), SOURCE)
    plan = replace(grad, need=SMALL, task=replace(grad.task, argv=("", "", "", "", "", "cpu")))
    with Session(engine, print, results, calibration=False, probes=STILL) as session:
        return codes_of(session, plan, 0)


def test_the_warning_holds_for_every_folder_of_results(made, tmp_path):
    """The last self-test of the host in the engine counts, wherever it went."""
    made(Pretended(wrong={"cpu": {"cpu": {"total_s": 2.5}}}))
    assert "selftest_failed" in later_codes(tmp_path / "elsewhere", Pretended())
    assert "selftest_failed" not in later_codes(tmp_path / "elsewhere", Pretended(name="local"))
    made(Pretended())
    assert "selftest_failed" not in later_codes(tmp_path / "elsewhere", Pretended())


def test_the_memory_of_a_self_test_keeps_the_newest_and_takes_no_damage(made, tmp_path):
    failed = made(Pretended(wrong={"cpu": {"cpu": {"total_s": 2.5}}})).written.record
    passed = made(Pretended()).written.record
    folder = tmp_path / "kept"
    for record in (passed, failed):
        remember(record, folder)
    assert recall(passed.host.id, "docker", folder).held
    (file,) = folder.iterdir()
    file.write_text('{"stamp": "now", "held": false}')
    assert recall(passed.host.id, "docker", folder) is None
    file.write_text("{")
    assert recall(passed.host.id, "docker", folder) is None
    (tmp_path / "flat").write_text("a file where a folder should be")
    remember(failed, tmp_path / "flat")
    remember(msgspec.structs.replace(failed, outcome="interrupted"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_the_host_did_is_in_the_runs_that_a_session_makes(quiet, monkeypatch, tmp_path):
    grad = make_plan(find(builtin(), "grad_cpu"), Options(), SOURCE)
    plan = replace(grad, need=SMALL, task=replace(grad.task, argv=("", "", "", "", "", "cpu")))
    samples = tuple(Sample(float(t), 2.0 * t, 0.0, 0.0, 0.0, load=3.0) for t in range(9))
    monkeypatch.setattr(StillMonitor, "summary", lambda self: Summary(0.0, 2, samples))
    with Session(Pretended(), print, tmp_path, calibration=False, probes=STILL) as session:
        reading = run_of(session, plan, 0).reading
    assert reading.run.host_during["load_max"] == 3.0
    assert "host_during.pressure_io_ratio" in reading.unavailable
    with Session(Pretended(remote=True), print, tmp_path, calibration=False, probes=STILL) as session:
        reading = run_of(session, plan, 1).reading
    assert reading.run.host_during == {}
    assert "another machine" in reading.unavailable["host_during"]
    assert "host_not_watched" in [warning.code for warning in reading.run.warnings]


def test_the_command_line(quiet, capsys):
    engine = Pretended(wrong={"cpu": {"cpu": {"total_s": 2.5}}})
    machine = Machine(lambda name, host, notify: engine, STILL)
    assert main(["run", "selftest", "--no-calibration"], machine) == ExitCode.TEST_FAILED
    said = capsys.readouterr()
    assert "✕ cpu.total_s                      2.50 s      2.00 s  +25.00 %        1 %\n" in said.out
    assert "18 of 19 readings hold" in said.out
    assert "selftest [one_thread] run 1 of 12: started" in said.err
    engine.wrong = {}
    assert main(["run", "selftest", "--no-calibration", "--json", "--quiet"], machine) == ExitCode.OK
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["record"]["outcome"] == "passed"
    assert document["readings"][0]["path"] == "cpu.total_s"
    assert document["not_made"] == {}
    assert said.err == ""
    assert main(["list"]) == ExitCode.OK
    assert "selftest" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--repeat", "2"), ("--cpus", "1"), ("--variant", "thp"), ("--profiler",)])
def test_options_that_change_a_run_are_refused(quiet, capsys, option):
    assert main(["run", "selftest", *option]) == ExitCode.USAGE
    assert "the self-test runs fixed loads" in capsys.readouterr().err


def test_it_is_no_test_of_pytest_s():
    with pytest.raises(UsageError, match="bench run selftest"):
        make_plan(SELFTEST, Options(), SOURCE)
    assert (SELFTEST.name, SELFTEST.image, SELFTEST.device) == ("selftest", "small", "cpu")
