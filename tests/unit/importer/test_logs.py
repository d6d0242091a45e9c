"""What real tools printed, read: each form of pytest's log, each way to end, each form of ``time``."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from bench.importer import import_tree
from bench.importer.commands import parse_commands, parse_exit_code
from bench.importer.junit import parse_junit
from bench.importer.pytestlog import parse_pytest_log
from bench.importer.read.clean import cleaned, decode
from bench.importer.read.kinds import kinds_of
from bench.importer.read.sessions import sessions
from bench.importer.read.short_time import time_part
from bench.importer.timefile import parse_time

LOGS = Path(__file__).with_name("logs")
COUNTS = {"passed": 10, "failed": 2, "skipped": 1, "xfailed": 1, "error": 3}
NAMED = {"passed": 9, "failed": 2, "skipped": 1, "xfailed": 1, "error": 2}
"""The same by test: one that failed and had an error in its teardown failed, one that passed before such had an error."""
SLOW = "tests/test_t.py::test_slow"


def log_of(name: str):
    return parse_pytest_log(cleaned(LOGS.joinpath(name).read_text()), name)


def brought(tmp_path, files):
    folder = tmp_path / "old"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (row,) = import_tree(folder, tmp_path / "results").rows
    return row.record


def text(name: str) -> str:
    return LOGS.joinpath(name).read_text()


@pytest.mark.parametrize(
    "name",
    ["verbose_with_output.txt", "workers_verbose.txt", "live_log.txt", "style_times.txt", "typescript.txt", "stamped_lines.txt"],
)  # fmt: skip
def test_each_test_of_a_verbose_log_is_counted(name) -> None:
    log, problems = log_of(name)
    assert problems == []
    assert dict(log.counts) == COUNTS
    assert Counter(node.outcome for node in log.nodes) == NAMED
    outcomes = {node.node: node.outcome for node in log.nodes}
    assert outcomes["tests/test_a.py::test_p[[1] PASSED]"] == "passed"
    assert outcomes["tests/test_a.py::test_fail_and_error"] == "failed"
    assert outcomes["tests/test_a.py::test_pass_and_error"] == "error"
    assert (log.ended, log.collected, log.total_s is not None) == (True, 15, True)


@pytest.mark.parametrize("name", ["letters_with_output.txt", "quiet.txt", "quieter.txt", "workers.txt", "plain.txt"])
def test_logs_that_name_no_test_give_their_counts(name) -> None:
    log, problems = log_of(name)
    assert problems == []
    assert (dict(log.counts), log.nodes, log.ended) == (COUNTS, (), True)
    assert log.files == (("tests/test_a.py",) if name in ("letters_with_output.txt", "plain.txt") else ())


def test_reruns_and_subtests_are_no_tests_of_their_own() -> None:
    log, _ = log_of("reruns.txt")
    assert {node.node: node.outcome for node in log.nodes} == {
        "tests/test_r.py::test_flaky": "passed",
        "tests/test_r.py::test_sub": "failed",
    }


@pytest.mark.parametrize("written", ["FAILED", "PASSED", "tests::a PASSED", "== 3 passed in 1.00s ==", "no end"])
def test_what_a_test_prints_is_not_its_outcome(written) -> None:
    made = (
        "===== test session starts =====\ncollecting ... collected 2 items\n\n"
        f"test_a.py::test_one {written}\nmore\nPASSED\ntest_a.py::test_two {written}\nFAILED\n\n"
        "===== FAILURES =====\n____ test_two ____\n----- Captured stdout call -----\n===== 7 passed in 9.00s =====\n"
        "===== short test summary info =====\nFAILED test_a.py::test_two - assert 0\n"
        "===== 1 failed, 1 passed in 0.10s =====\n"
    )
    log, problems = parse_pytest_log(made)
    assert problems == []
    assert [node.outcome for node in log.nodes] == ["passed", "failed"]
    assert log.total_s == 0.1


def test_a_last_line_that_a_test_printed_does_not_end_a_log() -> None:
    made = (
        "===== test session starts =====\ncollecting ... collected 2 items\n\ntest_a.py::test_one PASSED\n"
        "test_a.py::test_two ===== 2 passed in 1.00s =====\n===== 2 passed in 1.00s =====\n"
    )
    log, problems = parse_pytest_log(made)
    assert not log.ended
    assert "it stops within test_a.py::test_two" in problems[0].reason


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("timeout_signal.txt", "timed_out", f"{SLOW}: failed by its timeout of 1 s"),
        ("timeout_thread.txt", "timed_out", f"timed out after 1 s in {SLOW}: its stacks were printed"),
        ("timeout_thread_with_output.txt", "timed_out", f"timed out after 1 s in {SLOW}: its stacks were printed"),
        ("timeout_session.txt", "timed_out", "session-timeout: 1.0 sec exceeded"),
        ("timeout_faulthandler.txt", "timed_out", f"timed out in {SLOW}: its stacks were printed"),
        ("timeout_workers.txt", "timed_out", f"{SLOW}: failed by its timeout of 1 s"),
        ("log_and_time.txt", "timed_out", f"timed out after 2 s in {SLOW}"),
        ("log_and_time_killed.txt", "failed", f"ended by SIGKILL in {SLOW}; whether for memory cannot be told: no file counts such kills"),
        ("interrupted.txt", "interrupted", f"interrupted in {SLOW}"),
        ("early_exit.txt", "failed", "pytest ended early in tests/test_e.py::test_two: 1 of 3 tests ran"),
        ("stops.txt", "timed_out", f"timed out in {SLOW}: the log stops"),
        ("reruns.txt", "failed", "tests/test_r.py::test_sub failed"),
        ("quieter.txt", "failed", "5 tests failed"),
    ],
)  # fmt: skip
def test_how_each_run_ended(tmp_path, name, outcome, words) -> None:
    record = brought(tmp_path, {"anything.txt": text(name)})
    assert (record.outcome, record.runs[0].signature) == (outcome, words)
    at_work = [test.node for test in record.runs[0].tests if test.outcome == "unfinished"]
    assert at_work == ([SLOW] if f" in {SLOW}" in words else ["tests/test_e.py::test_two"] if "early" in name else [])


@pytest.mark.parametrize(
    ("files", "outcome"),
    [
        ({"exit_code.txt": "124\n"}, "timed_out"),
        ({"run_exit_code.txt": "137"}, "failed"),
        ({"rc.txt": "exit code: 130"}, "interrupted"),
        ({"exit_code.txt": "2"}, "interrupted"),
        ({"exit_code.txt": "1"}, "failed"),
        ({"exit_code.txt": "0"}, "not_measured"),
    ],
)
def test_a_log_that_stops_ends_as_the_exit_code_says(tmp_path, files, outcome) -> None:
    assert brought(tmp_path, {"pytest.log": text("stops.txt"), **files}).outcome == outcome


def test_a_log_that_only_stops_says_that_its_outcome_is_inferred(tmp_path) -> None:
    record = brought(tmp_path, {"pytest.log": text("stops.txt")})
    (warning,) = [one for one in record.runs[0].warnings if one.code == "outcome_inferred"]
    assert "nothing says what ended it" in warning.message
    assert record.runs[0].exit_code is None


def test_a_log_that_stops_before_its_deadline_is_not_called_timed_out(tmp_path) -> None:
    time = text("log_and_time.txt").partition("Command exited")[2]
    time = time.replace("timeout 2", "timeout 900").partition("\tExit status")[0].partition("\n")[2]
    record = brought(tmp_path, {"pytest.log": text("stops.txt"), "time.txt": time})
    assert (record.outcome, record.diagnostic.timeout_s) == ("not_measured", 900.0)


def test_a_kill_is_no_pass_though_time_says_exit_status_0(tmp_path) -> None:
    for name, shell in (("time_gnukill.txt", "137"), ("time_bbkill.txt", "9")):
        record = brought(tmp_path / name, {"time.txt": text(name), "exit_code.txt": shell})
        assert (record.outcome, record.runs[0].signal, record.runs[0].exit_code) == ("failed", 9, None)
        assert not any("contradicts" in warning.message for warning in record.runs[0].warnings)


def test_a_kill_at_the_deadline_is_a_timeout(tmp_path) -> None:
    time = text("time_gnukill.txt").replace("sh -c kill -9 $$", "timeout -s KILL 2m pytest").replace("0:00.0", "2:00.0")
    assert brought(tmp_path, {"time.txt": time}).outcome == "timed_out"


def test_all_skipped_and_nothing_run_are_not_measured(tmp_path) -> None:
    start = "===== test session starts =====\ncollected {n} items\n\n"
    for at, (n, last) in enumerate(((2, "2 skipped in 0.10s"), (0, "no tests ran in 0.02s"))):
        made = f"{start.format(n=n)}===== {last} =====\n"
        assert brought(tmp_path / str(at), {"log": made, "exit_code.txt": "0"}).outcome == "not_measured"


def test_busybox_is_told_by_its_line_and_corrected() -> None:
    found, problems = parse_time(text("time_bb.txt"))
    written = int(text("time_bb.txt").partition("Maximum resident set size (kbytes): ")[2].split()[0])
    assert problems == []
    assert (found.busybox, found.wall_s) == (True, 0.3)
    assert found.max_rss_bytes == written * 1024 // 4
    hour, _ = parse_time(text("time_bb.txt").replace("0m 0.30s", "1h 2m 03s"))
    assert hour.wall_s == 3723.0
    gnu, _ = parse_time(text("time_bb.txt").replace("0m 0.30s", "0:00.30"))
    assert gnu.max_rss_bytes == written * 1024


def test_decimal_commas_are_read() -> None:
    found, problems = parse_time(text("time_bb.txt").replace("0m 0.30s", "14:04,94").replace("0.00\n", "5167,74\n"))
    assert (found.wall_s, found.user_s) == (844.94, 5167.74)
    assert [problem.reason for problem in problems if "readable" in problem.reason] == []


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("time_bashtime.txt", ("wall_s", "user_s", "system_s")),
        ("time_bashtime_de.txt", ("wall_s", "user_s", "system_s")),
        ("time_gnushort.txt", ("wall_s", "user_s", "system_s", "max_rss_bytes", "minor_faults", "read_blocks")),
    ],
)
def test_short_forms_of_time(name, figures) -> None:
    found, problems = parse_time(text(name))
    assert problems == []
    assert all(getattr(found, figure) is not None for figure in figures)
    assert found.wall_s == pytest.approx(0.3 if "bash" in name else 0.0, abs=0.2)
    assert found.exit_status == (3 if "gnu" in name else None)


def test_other_short_forms_of_time() -> None:
    posix, _ = parse_time("real 3723.50\nuser 1.00\nsys 0.25\n")
    zsh, _ = parse_time("pytest tests  10.50s user 0.20s system 99% cpu 14:04.94 total\n")
    long, _ = parse_time("real\t62m3.5s\nuser\t1m0,25s\nsys\t0m0.1s\n")
    assert [(one.wall_s, one.user_s, one.system_s) for one in (posix, zsh, long)] == [
        (3723.5, 1.0, 0.25),
        (844.94, 10.5, 0.2),
        (3723.5, 60.25, 0.1),
    ]


def test_time_in_a_log_is_found() -> None:
    part = time_part(text("log_and_time.txt"))
    assert part is not None
    assert part.startswith("Command exited with non-zero status 124\n\tCommand being timed:")
    assert part.endswith("Exit status: 124\n")
    assert time_part(text("quiet.txt")) is None


@pytest.mark.parametrize("encode", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings_and_line_ends(tmp_path, encode) -> None:
    made = text("verbose_with_output.txt").replace("\n", "\r\n")
    record = brought(tmp_path, {"log.txt": made.encode(encode)})
    assert Counter(test.outcome for test in record.runs[0].tests) == NAMED
    assert decode(made.encode(encode))[1] is None


def test_compressed_logs_are_read_and_kept_unpacked(tmp_path) -> None:
    record = brought(tmp_path, {"pytest.log.gz": gzip.compress(text("quiet.txt").encode())})
    assert record.runs[0].facts["tests_counted"] == COUNTS
    assert next(tmp_path.rglob("logs/pytest.log")).read_text() == text("quiet.txt")


def test_carriage_returns_do_not_hide_a_test() -> None:
    made = "===== test session starts =====\ncollecting ... \rcollected 1 item\n\na.py::t 10%\r20%\rPASSED\n===== 1 passed in 1.00s =====\n"
    log, problems = parse_pytest_log(cleaned(made))
    assert ([(node.node, node.outcome) for node in log.nodes], problems) == ([("a.py::t", "passed")], [])


def test_names_before_each_line_are_taken_away() -> None:
    made = "".join(f"runner_1  | {line}\n" for line in text("plain.txt").splitlines())
    assert dict(parse_pytest_log(cleaned(made))[0].counts) == COUNTS
    assert cleaned("10% done\n20% done\n30% done\n") == "10% done\n20% done\n30% done\n"


def test_sessions_of_one_file_are_told_apart_and_nested_ones_are_not() -> None:
    one, other = text("quiet.txt"), text("plain.txt")
    appended = sessions(f"{text('stops.txt')}\n{other}{other}")
    assert [log.ended for log in (parse_pytest_log(part)[0] for part in appended)] == [False, True, True]
    nested = other.replace("tests/test_a.py .", f"{other}tests/test_a.py .", 1)
    assert len(sessions(nested)) == 1
    assert sessions(one) == [one]
    assert parse_pytest_log(appended[2])[1] == []


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("nohup.out", "plain.txt", "log"),
        ("pytest_and_time.log", "log_and_time.txt", "log time"),
        ("figures", "time_bb.txt", "time"),
        ("figures", "time_bashtime_de.txt", "time"),
        ("figures", "time_gnushort.txt", "time"),
        ("summary.md", "plain.txt", ""),
        ("out", "quieter.txt", "log"),
    ],
)
def test_files_are_told_by_content(name, content, kind) -> None:
    assert kinds_of(name, text(content)) == frozenset(kind.split())


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("run_exit_code.txt", "1\n", "exit_code"),
        ("seed.txt", "1\n", ""),
        ("out.txt", "exit status = 137\n", "exit_code"),
        ("cmd.sh", "set -e\ncd x && pytest -q tests\n", "commands"),
        ("notes.txt", "Run pytest tests/test_a.py to see it fail.\n", ""),
        ("a.xml", '<?xml version="1.0"?><testsuites/>', "junit"),
        ("a.xml", "<html></html>", ""),
        ("machine", "Architecture: x86_64\nCPU(s): 8\nModel name: Some\n", "system"),
        ("torch", "Collecting environment information...\nPyTorch version: 2\n", "torch_env"),
        ("time.txt", "nothing", "time"),
    ],
)
def test_small_files_are_told_by_content(name, content, kind) -> None:
    assert kinds_of(name, content) == frozenset(kind.split())


def test_a_test_that_failed_and_had_an_error_is_one_case() -> None:
    xml = (
        '<testsuites><testsuite tests="1" failures="1" errors="1" time="2"><testcase classname="tests.test_a" name="t" time="1">'
        '<failure/></testcase><testcase classname="tests.test_a" name="t" time="0.5"><error/></testcase></testsuite></testsuites>'
    )
    found, problems = parse_junit(xml)
    assert problems == []
    assert [(case.node, case.outcome, case.time_s) for case in found.cases] == [("tests/test_a.py::t", "failed", 1.5)]


@pytest.mark.parametrize(
    ("classname", "file", "node"),
    [
        ("tests.test_a.TestWave", None, "tests/test_a.py::TestWave::t"),
        ("tests.test_a", None, "tests/test_a.py::t"),
        ("pkg.waves_test.Inner", None, "pkg/waves_test.py::Inner::t"),
        ("checks.slow.Wave", "checks/slow.py", "checks/slow.py::Wave::t"),
        ("anything.else", None, "anything.else::t"),
    ],
)
def test_junit_gives_pytests_names(classname, file, node) -> None:
    given = f' file="{file}"' if file else ""
    found, _ = parse_junit(f'<testsuite><testcase classname="{classname}" name="t"{given}/></testsuite>')
    assert [case.node for case in found.cases] == [node]


def test_what_a_command_runs() -> None:
    def of(line):
        found = parse_commands(line)[0]
        return found.targets, found.chosen, found.timeout_s

    assert of("timeout -k 5 -s KILL 2m python -m pytest tests -k 'a and b' --junitxml o.xml 2>&1 | tee log") == (
        ("tests",),
        ("-k a and b",),
        120.0,
    )
    assert of("pytest a.py::x ./b.py::y") == (("a.py::x", "b.py::y"), (), None)
    assert of("cd x && pytest -q tests; echo $? > rc") == (("tests",), (), None)
    assert parse_commands("pytest \\\n  tests/a.py::b \\\n  -v\n")[0].node == "tests/a.py::b"


@pytest.mark.parametrize(("said", "code"), [("exit code: 3", 3), ("EXIT_STATUS=124\n", 124), ("rc 0", 0), ("7 tests", None), ("took 3", None)])  # fmt: skip
def test_exit_codes_with_a_label(said, code) -> None:
    assert parse_exit_code(said)[0] == code


STARTED = """============================= test session starts ==============================
platform linux -- Python 3.13.5, pytest-8.4.1, pluggy-1.6.0
collected 2 items

tests/test_a.py::test_x PASSED                                           [ 50%]
"""


@pytest.mark.parametrize(
    ("end", "signature"),
    [
        ("tests/test_a.py::test_y Killed\n", "ended by SIGKILL in tests/test_a.py::test_y; whether for memory"),
        (
            "tests/test_a.py::test_y \nrun.sh: line 3: 1234 Killed                  python -m pytest -vv\n",
            "ended by SIGKILL in tests/test_a.py::test_y",
        ),
        (
            "tests/test_a.py::test_y bash: line 1: 77 Segmentation fault      (core dumped) pytest\n",
            "ended by SIGSEGV in tests/test_a.py::test_y",
        ),
        ("tests/test_a.py::test_y Terminated\n", "ended by SIGTERM in tests/test_a.py::test_y"),
        (
            "tests/test_a.py::test_y Fatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n"
            + "".join(f'  File "x.py", line {at} in f\n' for at in range(9)),
            "ended by SIGABRT in tests/test_a.py::test_y",
        ),
    ],
)
def test_a_shell_s_last_word_tells_what_ended_a_log(tmp_path, end, signature) -> None:
    (run,) = brought(tmp_path, {"run.log": STARTED + end}).runs
    assert (run.outcome, run.signature.startswith(signature)) == ("failed", True)


@pytest.mark.parametrize("said", ["Killed", "Terminated", "Fatal Python error: Aborted"])
def test_what_a_test_prints_of_a_signal_is_not_how_its_session_ended(said) -> None:
    whole = f"{STARTED}tests/test_a.py::test_y {said}\nPASSED\n\n== 2 passed in 1.00s ==\n"
    log, _ = parse_pytest_log(whole)
    assert (log.ended, log.signal) == (True, None)
    stopped, _ = parse_pytest_log(
        f"{STARTED}tests/test_a.py::test_y he was Killed by a line that goes on\n" + "x\n" * 9
    )
    assert stopped.signal is None


def test_what_a_child_printed_long_before_did_not_end_the_session() -> None:
    early = (
        f"{STARTED}Fatal Python error: Segmentation fault\ntests/test_a.py::test_y PASSED\ntests/test_a.py::test_z \n"
    )
    assert parse_pytest_log(early)[0].signal is None
    assert parse_pytest_log(f"{STARTED}tests/test_a.py::test_y \nINFO worker 3: Terminated\n")[0].signal is None
