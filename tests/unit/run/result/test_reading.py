import json
import os

import msgspec
import pytest

from bench.engine.protocol import KILLED, Ending
from bench.record.schema import Run, Session
from bench.run.result.reading import overall, read_run
from bench.run.result.supervisor import MAX_RESULT_BYTES

RESULT = {
    "state": "ended",
    "outcome": "passed",
    "exit_code": 0,
    "wall_s": 12.5,
    "cgroup_version": 2,
    "cpu": {"user_s": 10.0, "system_s": 1.0, "total_s": 11.0},
    "memory": {"peak_bytes": 5000},
    "tests": [{"node": "test_a.py::test_a", "outcome": "passed", "call_s": 12.0, "started_s": 0.4}],
    "metrics": {"triad": {"value": 1.5, "unit": "GB/s", "better": "higher"}},
    "unavailable": {"memory.swap_peak_bytes": "no swap accounting"},
    "supervisor": {"cpu_s": 0.01},
}


def test_a_complete_result_is_read(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT))
    reading = read_run(tmp_path, 3, Ending(0))
    assert (reading.run.index, reading.run.outcome, reading.run.wall_s) == (3, "passed", 12.5)
    assert reading.run.cpu.total_s == 11.0
    assert reading.run.metrics["triad"].unit == "GB/s"
    assert (reading.run.tests[0].started_s, reading.run.tests[0].call_s) == (0.4, 12.0)
    assert reading.unavailable == {"memory.swap_peak_bytes": "no swap accounting"}
    assert reading.cgroup_version == 2


def test_what_is_not_the_supervisors_to_tell_is_not_taken_from_its_result(tmp_path):
    said = {"index": 9, "host_during": {"others_cpus": 0.0}}
    (tmp_path / "result.json").write_text(json.dumps(RESULT | said))
    run = read_run(tmp_path, 3, Ending(0, ended=RESULT | said)).run
    assert (type(run), run.index, run.host_during) == (Run, 3, {})
    (tmp_path / "result.json").unlink()
    run = read_run(tmp_path, 3, Ending(0, ended=RESULT | said)).run
    assert (type(run), run.index, run.host_during, run.outcome) == (Run, 3, {}, "passed")


def test_what_ran_is_kept(tmp_path):
    session = {
        "collected": 3,
        "not_run": 1,
        "not_run_nodes": ["c"],
        "ended_early": True,
        "reason": "pytest.exit: no GPU",
    }
    said = {
        "tests": [{"node": "a", "outcome": "passed", "attempts": 3}],
        "session": session,
        "threads_used": {"torch": 2, "openmp": None},
        "unavailable": {"threads_used.openmp": "the tests loaded no OpenMP library"},
    }
    (tmp_path / "result.json").write_text(json.dumps(RESULT | said))
    reading = read_run(tmp_path, 0, Ending(0))
    assert reading.run.tests[0].attempts == 3
    assert reading.run.session == Session(3, None, (), 1, ("c",), True, "pytest.exit: no GPU")
    assert (reading.run.threads_used.torch, reading.run.threads_used.openmp) == (2, None)
    assert reading.unavailable == said["unavailable"]


def test_a_run_without_a_result_has_no_session_for_that_reason(tmp_path):
    reading = read_run(tmp_path, 0, Ending(137, oom_killed=True))
    assert reading.run.session is None
    assert "supervisor did not reach its end" in reading.unavailable["session"]


def test_the_place_and_the_sources_are_kept(tmp_path):
    place = {"version": 2, "path": "/sys/fs/cgroup", "namespace": "private", "driver": None, "rootless": None}
    said = {
        "cgroup": place,
        "sources": {"cpu.user_s": "cgroup v2, less the supervisor's own 0.01", "memory.max_rss_bytes": "wait4"},
        "supervisor": {"cpu_s": 0.01, "max_rss_bytes": 9_000_000, "inside_group": True},
    }
    (tmp_path / "result.json").write_text(json.dumps(RESULT | said))
    run = read_run(tmp_path, 0, Ending(0)).run
    assert (run.cgroup, run.sources, run.supervisor) == (place, said["sources"], said["supervisor"])
    (tmp_path / "result.json").write_text(json.dumps({"state": "running", "cgroup": place}))
    assert read_run(tmp_path, 0, Ending(137)).run.cgroup == place


def test_a_killed_supervisor_leaves_the_last_sample(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps({"state": "running", "started_at": "2026-01-01T00:00:00Z"}))
    (tmp_path / "samples.csv").write_text("t_s,cpu_user_s,anon_bytes\n1.0,0.9,700\n2.0,1.8,500\n3.")
    reading = read_run(tmp_path, 0, Ending(137, oom_killed=True))
    assert reading.run.outcome == "oom_killed"
    assert (reading.run.wall_s, reading.run.cpu.user_s, reading.run.memory.anon_peak_bytes) == (2.0, 1.8, 700)
    assert "supervisor did not reach its end" in reading.unavailable["memory.peak_bytes"]
    assert reading.run.warnings[0].code == "evidence_cut"


COLUMNS = (
    "t_s,cpu_total_s,cpu_user_s,cpu_system_s,throttled_s,minor_faults,major_faults,read_bytes,write_bytes,"
    "cpu_pressure_some_s,cpu_pressure_full_s,memory_pressure_some_s,io_pressure_some_s,"
    "memory_bytes,anon_bytes,file_bytes,swap_bytes,pids\n"
)


def killed(tmp_path, rows, version=2):
    (tmp_path / "result.json").write_text(json.dumps({"state": "running", "cgroup_version": version}))
    (tmp_path / "samples.csv").write_text(COLUMNS + rows)
    return read_run(tmp_path, 0, Ending(137, oom_killed=True))


ROWS = "1.000,1.5,1.0,0.5,0.1,10,1,4096,512,0.1,0.2,0.3,0.4,900,700,50,8,5\n2.000,3,2,1,0.2,20,2,8192,1024,1,2,3,4,800,600,60,4,3\n"


def test_every_column_of_the_samples_counts_where_the_supervisor_was_killed(tmp_path):
    reading = killed(tmp_path, ROWS)
    run = reading.run
    assert run.wall_s == 2.0
    assert (run.cpu.total_s, run.cpu.user_s, run.cpu.system_s, run.cpu.throttled_s) == (3.0, 2.0, 1.0, 0.2)
    assert (run.cpu.pressure_some_s, run.cpu.pressure_full_s) == (1.0, 2.0)
    assert (run.memory.peak_bytes, run.memory.anon_peak_bytes, run.memory.swap_peak_bytes) == (900, 700, 8)
    assert (run.memory.pressure_some_s, run.io.pressure_some_s) == (3.0, 4.0)
    assert (run.faults.minor, run.faults.major, run.io.read_bytes, run.io.write_bytes) == (20, 2, 8192, 1024)
    assert run.pids_peak == 5
    assert run.sources["memory.peak_bytes"] == "the largest of 2 samples"
    assert run.sources["cpu.total_s"] == "the last of 2 samples"
    for path in ("exit_code", "signal", "started_at", "effective_timeout_s", "context_switches.voluntary"):
        assert "did not reach its end" in reading.unavailable[path]
    assert "memory.peak_bytes" not in reading.unavailable


@pytest.mark.parametrize(
    "torn",
    [
        "3,1e300" + ",1" * 16 + "\n",
        "3,-1" + ",1" * 16 + "\n",
        "9" * 5000 + "\n",
        "10",
        ROWS.splitlines()[1].replace("2.000", "9.000")[:-1],
        "\n10\n",
        "x" + "," * 17 + "\n",
    ],
)
def test_a_line_that_was_cut_is_not_believed(tmp_path, torn):
    assert killed(tmp_path, ROWS + torn).run.wall_s == 2.0


def test_bytes_of_version_1_are_not_believed_without_wait4(tmp_path):
    reading = killed(tmp_path, ROWS, version=1)
    assert reading.run.io.read_bytes is None
    assert "io.write_bytes" in reading.unavailable
    assert reading.run.faults.minor == 20


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        (Ending(137, oom_killed=True), "oom_killed"),
        (Ending(None, interrupted=True), "interrupted"),
        (Ending(None, error="the Docker daemon went away"), "not_measured"),
        (Ending(1), "not_measured"),
        (Ending(137, oom_killed=False), "not_measured"),
    ],
)
def test_nothing_left_is_never_passed(tmp_path, ending, outcome):
    reading = read_run(tmp_path, 0, ending)
    assert reading.run.outcome == outcome
    assert reading.run.signature
    assert reading.run.cpu.user_s is None
    assert "cpu.user_s" in reading.unavailable


GONE = "the Docker engine went away during the run and came back after 3.0 s"
STOPPED = {**RESULT, "outcome": "interrupted", "exit_code": None, "signal": 15, "signature": "interrupted in t.py::x"}


@pytest.mark.parametrize(
    ("ending", "outcome", "signature"),
    [
        (Ending(0, error=GONE), "not_measured", f"{GONE}; interrupted in t.py::x"),
        (Ending(0, interrupted=True), "interrupted", "interrupted in t.py::x"),
        (Ending(0, interrupted=True, error=GONE), "interrupted", "interrupted in t.py::x"),
        (Ending(0, interrupted=True, error=KILLED, killed=True), "interrupted", f"{KILLED}; interrupted in t.py::x"),
    ],
)
def test_what_stopped_a_run_leads_its_signature(tmp_path, ending, outcome, signature):
    (tmp_path / "result.json").write_text(json.dumps(STOPPED))
    run = read_run(tmp_path, 0, ending).run
    assert (run.outcome, run.signature) == (outcome, signature)
    assert run.wall_s == 12.5


@pytest.mark.parametrize("outcome", ["passed", "failed", "timed_out"])
def test_a_run_that_ended_by_itself_is_what_it_is(tmp_path, outcome):
    (tmp_path / "result.json").write_text(json.dumps({**RESULT, "outcome": outcome}))
    for ending in (Ending(0, error=GONE), Ending(0, interrupted=True, error=KILLED, killed=True)):
        run = read_run(tmp_path, 0, ending).run
        assert (run.outcome, run.signature) == (outcome, None)
        assert run.warnings[-1].code == "engine_trouble"


@pytest.mark.parametrize("running", [True, False])
def test_a_killed_command_s_run_without_a_result_was_not_interrupted_by_the_user(tmp_path, running):
    run = read_run(tmp_path, 0, Ending(None, interrupted=running, error=KILLED, killed=True)).run
    assert (run.outcome, run.signature) == ("interrupted", KILLED)
    ending = Ending(137, oom_killed=True, interrupted=running, error=KILLED, killed=True)
    assert read_run(tmp_path, 0, ending).run.outcome == "oom_killed"


def nested(levels):
    return json.dumps(RESULT | {"facts": {"plain": 1}})[:-1] + ', "gpu": {"deep": ' + "[" * levels + "]" * levels + "}}"


UNUSABLE = {
    "cut": "{",
    "empty": "",
    "null": "null",
    "a list": "[]",
    "a wrong type": '{"state": 3}',
    "no outcome": '{"state": "ended", "outcome": "fine"}',
    "too deep to read": "[" * 100_000,
    "a lone surrogate": json.dumps(RESULT | {"signature": "\ud800"}),
    "NaN": json.dumps(RESULT | {"wall_s": float("nan")}),
    "infinity": json.dumps(RESULT | {"wall_s": float("inf")}),
    "past a float": json.dumps(RESULT).replace("12.5", "1e999"),
    "a negative time": json.dumps(RESULT | {"wall_s": -1.0}),
    "a negative counter": json.dumps(RESULT | {"faults": {"minor": -1}}),
    "a count past 64 bits": json.dumps(RESULT | {"pids_peak": 2**63}),
}
ENDED = {
    "event": "ended",
    "outcome": "failed",
    "wall_s": 7.5,
    "signature": "test_a.py::test_a: no",
    "exit_code": 1,
    "cgroup_version": 2,
    "cpu": {"total_s": 6.5},
    "memory": {"peak_bytes": 900, "oom_kills": 0},
    "faults": {"minor": 3, "major": None},
}


@pytest.mark.parametrize("text", UNUSABLE.values(), ids=UNUSABLE)
def test_a_result_that_cannot_be_used_costs_only_itself(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    (tmp_path / "samples.csv").write_text(COLUMNS + ROWS)
    reading = read_run(tmp_path, 0, Ending(0))
    assert (reading.run.outcome, reading.run.wall_s) == ("not_measured", 2.0)
    assert "status 0, and result.json of the run does not fit" in reading.run.signature
    assert reading.run.cpu.total_s == 3.0
    assert "result.json of the run does not fit" in reading.unavailable["exit_code"]
    msgspec.json.encode(reading.run)


@pytest.mark.parametrize("text", [*UNUSABLE.values(), None], ids=[*UNUSABLE, "none"])
def test_what_the_supervisor_reported_as_it_ended_stands_in(tmp_path, text):
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    (tmp_path / "samples.csv").write_text(COLUMNS + ROWS)
    reading = read_run(tmp_path, 0, Ending(0, ended=ENDED))
    run = reading.run
    assert (run.outcome, run.exit_code, run.wall_s, run.signature) == ("failed", 1, 7.5, "test_a.py::test_a: no")
    assert (run.cpu.total_s, run.memory.peak_bytes, run.faults.minor) == (6.5, 900, 3)
    assert (run.sources["cpu.total_s"], run.cpu.user_s) == ("what the supervisor reported as it ended", 2.0)
    assert run.sources["cpu.user_s"] == "the last of 2 samples"
    assert "result.json" in reading.unavailable["context_switches.voluntary"]
    assert run.warnings[0].code == "evidence_cut"


@pytest.mark.parametrize("wrong", [{"outcome": "fine"}, {"wall_s": -1}, {"cpu": 3}, {"outcome": None}])
def test_an_end_that_cannot_be_true_is_not_believed(tmp_path, wrong):
    assert read_run(tmp_path, 0, Ending(1, ended=ENDED | wrong)).run.outcome == "not_measured"


def test_an_engine_s_shutdown_stays_one_where_only_the_last_event_is_left(tmp_path):
    ended = {**ENDED, "outcome": "interrupted", "signature": "interrupted"}
    run = read_run(tmp_path, 0, Ending(0, error=GONE, ended=ended)).run
    assert (run.outcome, run.signature) == ("not_measured", f"{GONE}; interrupted")


def test_a_value_that_is_nested_too_deep_is_left_out_with_its_reason(tmp_path):
    (tmp_path / "result.json").write_text(nested(200))
    reading = read_run(tmp_path, 0, Ending(0))
    assert (reading.run.outcome, reading.run.gpu, reading.run.facts["plain"]) == ("passed", {}, 1)
    assert "levels deep" in reading.unavailable["gpu.deep"]
    (tmp_path / "result.json").write_text(nested(20))
    assert "deep" in read_run(tmp_path, 0, Ending(0)).run.gpu


def test_an_endless_result_is_not_read(tmp_path):
    with (tmp_path / "result.json").open("wb") as file:
        file.truncate(MAX_RESULT_BYTES + 1)
    assert "larger than any result" in read_run(tmp_path, 0, Ending(0)).run.signature


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
    ],
    ids=["folder", "fifo", "link", "loop"],
)
def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path, make):
    make(tmp_path / "result.json")
    run = read_run(tmp_path, 0, Ending(0)).run
    assert run.outcome == "not_measured"
    assert "result.json of the run" in run.signature


def test_the_gravest_outcome_is_the_result_s():
    runs = tuple(Run(index, outcome) for index, outcome in enumerate(["passed", "failed", "timed_out", "passed"]))
    assert overall(runs) == "timed_out"
    assert overall(runs[:1]) == "passed"
    assert overall(()) == "not_measured"


def test_facts_and_what_the_engine_saw_come_along(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT | {"facts": {"dtypes": {"result": "float64"}}}))
    reading = read_run(
        tmp_path, 0, Ending(0, error="the daemon went away", overhead_s=1.25, notes=("a link was left",))
    )
    assert reading.run.facts == {"dtypes": {"result": "float64"}, "engine_overhead_s": 1.25}
    assert [(warning.code, warning.message) for warning in reading.run.warnings] == [
        ("evidence_left_behind", "a link was left"),
        ("engine_trouble", "the daemon went away"),
    ]


def test_what_the_engine_saw_is_kept_without_a_result(tmp_path):
    reading = read_run(tmp_path, 0, Ending(137, oom_killed=True, overhead_s=0.5, notes=("a link was left",)))
    assert reading.run.facts == {"engine_overhead_s": 0.5}
    assert [warning.code for warning in reading.run.warnings] == ["evidence_cut", "evidence_left_behind"]


@pytest.mark.parametrize("left", [RESULT, {"state": "running"}, None])
def test_an_overhead_that_cannot_be_told_has_a_reason(tmp_path, left):
    if left:
        (tmp_path / "result.json").write_text(json.dumps(left))
    reading = read_run(tmp_path, 0, Ending(0, no_overhead="the clock was set"))
    assert reading.run.facts["engine_overhead_s"] is None
    assert reading.unavailable["facts.engine_overhead_s"] == "the clock was set"
