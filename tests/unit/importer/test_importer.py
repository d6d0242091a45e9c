"""Older evidence: every figure that is there, none that is not, and each fault named by file and line."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import BenchError, DamagedData, UsageError
from bench.importer import Asked, Given, import_tree
from bench.importer.commands import parse_commands, parse_exit_code
from bench.importer.junit import parse_junit
from bench.importer.machine import parse_lscpu, parse_torch_env
from bench.importer.pytestlog import parse_pytest_log
from bench.importer.stamp import choose_stamp
from bench.importer.timefile import parse_time
from bench.record.schema import Cpu, Memory, Run
from bench.record.storage.bundle import read_bundle
from bench.record.storage.verify import verify
from bench.report.files.gnu_time import time_txt
from bench.report.timeline import parse_samples
from tests.support.legacy_fixtures import COMMANDS, FLAT, JUNIT, LOG, LSCPU, NODE, SYSTEM, TIME, TORCH, TREE

NAME = "tests-test-a-testwave-test-property-gradient-stability"


def lay(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def imported(tmp_path, files, **options):
    """The row of the one result that a folder holds."""
    (row,) = import_tree(lay(tmp_path / "old", files), tmp_path / "results", **options).rows
    return row


def said(problems) -> list[str]:
    return [str(problem) for problem in problems]


def test_tree_layout(tmp_path) -> None:
    found = imported(tmp_path, TREE)
    assert said(found.problems) == []
    record = read_bundle(found.path).record
    run = record.runs[0]
    assert record.stamp == "20240301T080005Z"
    assert run.started_at == "2024-03-01T08:00:05.500000+00:00"
    assert (run.outcome, run.exit_code, run.wall_s, run.pytest_s, run.effective_timeout_s) == (
        "passed",
        0,
        63.5,
        62.104,
        250.0,
    )
    assert (run.cpu.user_s, run.cpu.system_s, run.cpu.total_s) == (100.25, 20.5, 120.75)
    assert run.memory.max_rss_bytes == 2048 * 1024
    assert (run.faults.minor, run.faults.major) == (4000, 3)
    assert (run.context_switches.voluntary, run.context_switches.involuntary) == (50, 6)
    assert (run.io.read_bytes, run.io.write_bytes) == (8 * 512, 16 * 512)
    assert [(test.node, test.outcome, test.setup_s, test.call_s, test.teardown_s) for test in run.tests] == [
        (NODE, "passed", 0.2, 61.5, 0.1)
    ]
    assert run.metrics["junit_case_s"].value == 61.804
    host = record.host.class_
    assert (host.cpu_model, host.cpu_stepping, host.cores, host.threads, host.numa_nodes) == (
        "Imaginary 9 Processor",
        7,
        4,
        8,
        2,
    )
    assert (host.kernel, host.gpu, host.driver) == ("6.1.0-9-amd64", "Imaginary GPU, Imaginary GPU", None)
    assert (record.host.before.governor, record.host.before.boost, record.host.before.frequency_hz) == (
        "powersave",
        True,
        2.5e9,
    )
    assert record.environment is not None
    assert (record.environment.python, record.environment.torch) == ("3.12.4", "2.7.1+cpu")
    assert record.environment.packages == {"numpy": "2.0.0", "torch": "2.7.1"}
    assert (record.diagnostic.name, record.diagnostic.node, record.diagnostic.device) == (f"{NAME}_cpu", NODE, "cpu")
    assert (record.diagnostic.timeout_s, record.diagnostic.ceiling_s) == (250.0, None)
    assert (record.diagnostic.source.kind, record.engine.name) == ("imported", "native")
    assert record.environ == {"CUDA_VISIBLE_DEVICES": "-1", "OMP_NUM_THREADS": "4"}
    assert record.verdict.status == "ok"


def test_flat_layout(tmp_path) -> None:
    found = imported(tmp_path, FLAT, asked=Asked(Given(ceiling_s=60.0), "20240301T080005Z"))
    assert said(found.problems) == []
    record = found.record
    assert found.path.name == "20240301T080005Z"
    assert record.runs[0].started_at is None
    assert record.unavailable["runs[0].started_at"] == "JUnit report is missing"
    assert record.environ["PYTEST_ADDOPTS"] == "--maxfail=1 --timeout=250"
    assert record.verdict.status == "over_ceiling"
    assert "diagnostic.ceiling_s" not in record.unavailable
    assert record.host.class_.threads == 8


def test_what_is_absent_is_null_with_its_reason(tmp_path) -> None:
    record = imported(tmp_path, {"pytest.log": LOG}).record
    run = record.runs[0]
    assert run.wall_s is None
    assert run.exit_code is None
    assert run.faults.minor is None
    assert run.memory.max_rss_bytes is None
    assert run.cpu.total_s is None
    assert record.host.class_.cpu_model is None
    assert record.diagnostic.device is None
    assert record.unavailable["runs[0].wall_s"] == "time.txt is missing"
    assert record.unavailable["runs[0].exit_code"] == "exit_code.txt is missing"
    assert "control group" in record.unavailable["runs[0].memory.peak_bytes"]
    assert (run.tests[0].started_s, record.unavailable["runs[0].tests[0].started_s"]) == (
        None,
        "no file of the evidence says it",
    )
    assert record.unavailable["host.class.cpu_model"] == "no file of the evidence says it"
    assert "modification time" in record.unavailable["stamp"]
    assert record.stamp == "20231114T221320Z"
    assert record.diagnostic.name == f"{NAME}_cpu"
    assert record.outcome == "passed"


def test_the_bundle_keeps_the_files_and_verifies(tmp_path) -> None:
    path = imported(tmp_path, {**TREE, "notes/my note.txt": "hello", "record.json.old": "{}"}).path
    files = read_bundle(path).files()
    assert verify(path).ok
    assert {
        "original/notes/my_note.txt",
        "original/record.json.old",
        "artifacts/time.txt",
        "logs/pytest.log",
        "summary.md",
        f"analysis/{NAME}_cpu_time.txt",
        "analysis/timeout_decision.md",
    } <= set(files)
    assert (path / "artifacts/time.txt").read_text() == TIME


def test_what_the_older_run_did_not_keep_is_said_in_the_file_s_own_form(tmp_path) -> None:
    path = imported(tmp_path, {"logs/pytest.log": TREE["logs/pytest.log"]}).path
    assert verify(path).ok
    for name in ("env.txt", "torch_env.txt", "disk_usage.txt", "system_load.txt"):
        assert (path / "env" / name).read_text() == f"# the older run kept no {name}\n"
    for name in ("commands.txt", "time.txt", "exit_code.txt"):
        assert (path / "artifacts" / name).read_text() == f"# the older run kept no {name}\n"
    text = (path / "artifacts/pytest.junit.xml").read_text()
    assert "the older run kept no pytest.junit.xml" in text
    assert list(ET.fromstring(text)) == []
    assert (path / "artifacts/samples.csv").read_text() == "t_s\n"
    assert parse_samples((path / "artifacts/samples.csv").read_text()) is None


def test_secrets_of_an_old_folder_do_not_come_along(tmp_path) -> None:
    path = imported(
        tmp_path, {**TREE, "env/env.txt": "HOME=/x\nMY_API_KEY=abcdef\n", "printenv.txt": "DB_PASSWORD=pq\n"}
    ).path
    assert "abcdef" not in (path / "env/env.txt").read_text()
    assert "pq" not in (path / "original/printenv.txt").read_text()


def test_twice_is_once(tmp_path) -> None:
    assert imported(tmp_path, TREE).came == "imported"
    again = imported(tmp_path, TREE)
    assert again.came == "present"
    assert again.record.stamp == "20240301T080005Z"
    with pytest.raises(UsageError, match="written once"):
        imported(tmp_path, {**TREE, "artifacts/time.txt": TIME.replace("4000", "4001")})


def test_what_is_no_evidence(tmp_path) -> None:
    with pytest.raises(DamagedData, match="no evidence"):
        imported(tmp_path, {"readme.txt": "x"})
    with pytest.raises(UsageError, match="no file or folder"):
        import_tree(tmp_path / "none", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_links_are_not_followed(tmp_path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    folder = lay(tmp_path / "old", TREE)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "far").symlink_to(tmp_path)
    found = import_tree(folder, tmp_path / "results")
    assert said(found.problems) == ["far: a link; left out", "link.txt: not a plain file; left out"]
    assert [row.came for row in found.rows] == ["imported"]
    assert not any("link" in name or "far" in name for name in read_bundle(found.rows[0].path).files())


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"artifacts/exit_code.txt": "\n"}, "artifacts/exit_code.txt, line 1: empty"),
        ({"artifacts/exit_code.txt": "oops"}, "artifacts/exit_code.txt, line 1: not an exit code: 'oops'"),
        ({"artifacts/exit_code.txt": "1\n"}, "artifacts/exit_code.txt, line 1: contradicts the exit status in time.txt: 1 against 0"),
        ({"artifacts/time.txt": TIME[:300]}, "artifacts/time.txt, line 5: cut off"),
        ({"artifacts/time.txt": TIME.replace("190%", "1900%")}, "artifacts/time.txt, line 4: 1900 % of a CPU contradicts the times, which give 190 %"),
        ({"artifacts/time.txt": TIME.replace("1:03.50", "1:63.50")}, "artifacts/time.txt, line 5: 'Elapsed (wall clock) time (h:mm:ss or m:ss)' has no readable value"),
        ({"artifacts/time.txt": TIME + "\tUser time (seconds): 1.00\n"}, "artifacts/time.txt, line 18: 'User time (seconds)' contradicts line 2"),
        ({"logs/pytest.log": LOG.rpartition("====")[0][:400]}, "logs/pytest.log, line 10: cut off"),
        ({"logs/pytest.log": LOG.replace("62.10s", "99.10s")}, "logs/pytest.log, line 1: its time in all contradicts the JUnit report's: 99.1 against 62.104"),
        ({"logs/pytest.log": LOG.replace("61.50s", "98.50s")}, "logs/pytest.log, line 13: says 62.1 s in all, but the calls take 98.50 s"),
        ({"logs/pytest.log": LOG.replace("1 passed", "1 failed")}, "logs/pytest.log, line 13: says 0 passed, but shows 1"),
        ({"artifacts/pytest.junit.xml": JUNIT[:200]}, "artifacts/pytest.junit.xml, line 1: cut off or not XML"),
        ({"artifacts/pytest.junit.xml": JUNIT.replace('time="61.804" />', 'time="61.804"><failure/></testcase>')}, "artifacts/pytest.junit.xml, line 1: says 0 failed, but shows 1"),
        ({"env/system_load.txt": "nothing"}, "env/system_load.txt, line 1: holds no output of lscpu"),
        ({"env/system_load.txt": SYSTEM.replace("Imaginary 9", "Other")}, "env/system_load.txt, line 1: cpu_model contradicts torch_env.txt"),
        ({"env/torch_env.txt": "PyTorch version: 2.7.1\n"}, "env/torch_env.txt, line 1: cut off: the list of libraries"),
        ({"env/torch_env.txt": "x\n"}, "env/torch_env.txt, line 1: holds no output of torch's collect_env"),
        ({"logs/pytest.log": LOG.encode() + b"\xff"}, "logs/pytest.log, line 14: not UTF-8"),
        ({"time.txt": "other"}, "time.txt: not read: artifacts/time.txt is there too and differs"),
        ({"artifacts/commands.txt": 'pytest "unfinished'}, "artifacts/commands.txt, line 1: cut off or not a command: no closing quotation"),
        ({"artifacts/time.txt": TIME.replace("1:03.50", "0:31.75").replace("190%", "380%")}, "artifacts/time.txt: 31.75 s in all contradicts pytest's 62.104 s"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_and_the_rest_imports(tmp_path, files, expected) -> None:
    found = imported(tmp_path, {**TREE, **files})
    assert any(line.startswith(expected) for line in said(found.problems)), said(found.problems)
    record = read_bundle(found.path).record
    assert any(expected in warning.message for warning in record.runs[0].warnings)
    figures = [record.runs[0].wall_s, record.runs[0].tests, record.host.class_.kernel, record.runs[0].pytest_s]
    assert sum(value not in (None, ()) for value in figures) >= 3


def test_a_contradicted_value_is_null(tmp_path) -> None:
    files = {
        "artifacts/exit_code.txt": "1\n",
        "env/system_load.txt": SYSTEM.replace("Imaginary 9", "Other"),
        "logs/pytest.log": LOG.replace("62.10s", "99.10s"),
    }
    record = imported(tmp_path, {**TREE, **files}).record
    assert record.runs[0].exit_code is None
    assert record.host.class_.cpu_model is None
    assert record.runs[0].pytest_s is None
    assert "runs[0].exit_code" in record.unavailable


def test_outcomes(tmp_path) -> None:
    failed = LOG.replace("PASSED", "FAILED").replace("1 passed", "1 failed")
    assert imported(tmp_path / "a", {"pytest.log": failed}).record.outcome == "failed"
    stopped = {"time.txt": TIME.replace("Exit status: 0", "Exit status: 124")}
    record = imported(tmp_path / "b", stopped).record
    assert record.outcome == "timed_out"
    assert record.diagnostic.timeout_s == 300.0
    assert imported(tmp_path / "c", {"time.txt": TIME.replace("Exit status: 0\n", "")}).record.outcome == "not_measured"
    assert imported(tmp_path / "d", {"time.txt": TIME}).record.outcome == "passed"


def test_junit_alone_names_its_tests(tmp_path) -> None:
    record = imported(tmp_path / "a", {"junit.xml": JUNIT, "commands.txt": COMMANDS}).record
    assert [test.node for test in record.runs[0].tests] == [NODE]
    record = imported(tmp_path / "b", {"junit.xml": JUNIT}).record
    assert [test.node for test in record.runs[0].tests] == [NODE]


def test_devices_and_names(tmp_path) -> None:
    cuda = COMMANDS.replace("=-1", "=0").replace("test_property_gradient_stability", "test_Other[case-1]")
    record = imported(tmp_path, {"time.txt": TIME, "commands.txt": cuda}).record
    assert (record.diagnostic.device, record.diagnostic.name) == (
        "cuda",
        "tests-test-a-testwave-test-other-case-1_cuda",
    )


def test_our_own_time_file_reads_back() -> None:
    run = Run(0, "passed", 0, wall_s=63.5, cpu=Cpu(100.25, 20.5, 120.75), memory=Memory(max_rss_bytes=2048 * 1024))
    found, problems = parse_time(time_txt(run, "pytest x"))
    assert problems == []
    assert (found.wall_s, found.user_s, found.system_s, found.max_rss_bytes, found.minor_faults) == (
        63.5,
        100.25,
        20.5,
        2048 * 1024,
        None,
    )
    assert found.command == "pytest x"


def test_times_over_an_hour() -> None:
    found, _ = parse_time("\tElapsed (wall clock) time (h:mm:ss or m:ss): 1:02:03\n")
    assert found.wall_s == 3723.0


def test_junit_that_would_grow_is_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite>&a;</testsuite>'
    found, problems = parse_junit(bomb)
    assert found.cases == ()
    assert "document type" in str(problems[0])


@pytest.mark.parametrize(("old", "new", "reason"), [('time="62.104"', 'time="nan"', "the time of the suite"), ('time="62.104"', 'time="-1"', "the time of"), ("2024-03-01T10", "2024-99-01T10", "timestamp"), ('tests="1"', 'tests="x"', "tests is"), ('tests="1"', 'tests="0"', "says 0 tests"), ("testsuite", "other", "no test suite")])  # fmt: skip
def test_junit_faults(old, new, reason) -> None:
    _, problems = parse_junit(JUNIT.replace(old, new))
    assert any(reason in str(problem) for problem in problems)


def test_lscpu_faults() -> None:
    assert "contradict" in str(
        parse_lscpu(LSCPU.replace("CPU(s):                                  8", "CPU(s):  99"))[1][0]
    )
    assert "no count" in str(parse_lscpu(LSCPU.replace("  7", "  x"))[1][0])
    twice, problems = parse_lscpu(LSCPU + "Model name:   Another\n")
    assert twice.cpu_model is None
    assert "contradicts line 3" in str(problems[0])


def test_system_load_of_this_tool_reads_back() -> None:
    found, problems = parse_lscpu(
        f"# lscpu\n{LSCPU}\n# frequency policy\nCPUs 0,1:\n  scaling_governor: schedutil\nboost: 1\n"
    )
    assert problems == []
    assert (found.governor, found.boost) == ("schedutil", True)


def test_commands_and_exit_codes() -> None:
    found, problems = parse_commands("# set up\nexport A=1\npython -m pytest tests/test_x.py::test_y\ntrue\n")
    assert (found.node, problems) == ("tests/test_x.py::test_y", [])
    assert parse_commands("\n")[1][0].reason == "holds no command"
    assert parse_exit_code("137\n") == (137, [])
    assert parse_exit_code("137\nsignal 9\n") == (137, [])
    assert parse_exit_code("256")[0] is None


def test_stamps_from_the_best_witness() -> None:
    moment = datetime(2024, 3, 1, 8, 0, 5, tzinfo=UTC)
    texts = {"time.txt": "out/20240102T000000Z/x.xml"}
    assert choose_stamp(["20240101T000000Z", "x"], texts, moment, 0)[0].text == "20240101T000000Z"
    assert choose_stamp(["x"], texts, moment, 0)[0].text == "20240102T000000Z"
    both = {**texts, "pytest.log": "20240103T000000Z"}
    chosen, problems = choose_stamp(["x"], both, moment, 0)
    assert chosen.text == "20240301T080005Z"
    assert "names the stamp 20240103T000000Z" in str(problems[0])
    assert choose_stamp(["x"], {}, moment.replace(tzinfo=None), 60)[0].text == "19700101T000100Z"


def test_two_sizes_of_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("bench.importer.read.walk.KEPT_BYTES", 1000)
    found = imported(tmp_path, {**TREE, "big.txt": "x" * 3001})
    assert "big.txt: larger than is read: 1001 bytes of it left out" in said(found.problems)
    assert len((found.path / "original/big.txt").read_bytes()) < 2100
    monkeypatch.setattr("bench.importer.read.walk.MAX_FILES", 2)
    with pytest.raises(UsageError, match="over 2 files"):
        imported(tmp_path, TREE)


PARSERS = [(parse_time, TIME), (parse_pytest_log, LOG), (parse_junit, JUNIT), (parse_lscpu, SYSTEM), (parse_torch_env, TORCH), (parse_commands, COMMANDS), (parse_exit_code, "0\n")]  # fmt: skip


@pytest.mark.parametrize(("parse", "text"), PARSERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cut_and_damaged_text_never_raises(parse, text, data) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    cut = text[start:end]
    at = data.draw(st.integers(0, len(cut)))
    damaged = cut[:at] + data.draw(st.text(max_size=5)) + cut[at:]
    _, problems = parse(damaged, "file.txt")
    assert all(problem.file == "file.txt" and problem.reason for problem in problems)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damaged_folder_is_imported_or_refused_in_one_line(data) -> None:
    files = {name: text.encode() for name, text in TREE.items()}
    for name in data.draw(st.sets(st.sampled_from(sorted(files)), max_size=4)):
        at = data.draw(st.integers(0, len(files[name])))
        files[name] = files[name][:at] + data.draw(st.binary(max_size=4))
    with TemporaryDirectory() as folder:
        try:
            tree = import_tree(lay(Path(folder) / "old", files), Path(folder) / "results")
        except BenchError as error:
            line = str(error)
            assert "\n" not in line
        else:
            assert all(problem.reason for row in tree.rows for problem in row.problems)


@settings(max_examples=30, deadline=None)
@given(end=st.integers(0, len(TIME)))
def test_a_cut_time_file_gives_true_figures_or_none(end) -> None:
    found, problems = parse_time(TIME[:end])
    whole, _ = parse_time(TIME)
    for name in ("wall_s", "minor_faults", "user_s", "command"):
        assert getattr(found, name) in (None, getattr(whole, name))
    assert problems or end >= len(TIME) - 1
