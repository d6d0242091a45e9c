"""What ran: attempts of repeated tests, tests that never began, sessions that end early; also in workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inner_pytest import INNER_PYTEST

from .conftest import Done

COUNTS = """
import pathlib
FILE = pathlib.Path(__file__).with_name("count.txt")
def tried():
    count = int(FILE.read_text()) + 1 if FILE.exists() else 1
    FILE.write_text(str(count))
    return count
"""
FLAKY = (
    COUNTS
    + "import time\ndef test_flaky():\n    n = tried(); time.sleep(0.1)\n    assert n >= 3\ndef test_ok(): pass\n"
)

# How the plugins of this field repeat a test; each of them in its own way, and none of them tells all attempts.
RERUN = """
import pytest
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    again, tries = True, 0
    while again:
        tries += 1
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        again = False
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            if report.failed and tries <= RERUNS:
                report.outcome, again = "rerun", True
                item.session._setupstate.stack.pop(item, None)
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if again:
            item._initrequest()
    return True
"""
SILENT = """
from _pytest import runner
def pytest_runtest_protocol(item, nextitem):
    tries = 0
    while True:
        tries += 1
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runner.runtestprotocol(item, log=False, nextitem=nextitem)
        again = any(report.failed for report in reports) and tries <= RERUNS
        for report in reports:
            if not (again and report.when == "call"):
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if not again:
            return True
        item._initrequest()
"""
WITHIN = """
import pytest
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if call.when != "call" or not report.failed:
        return
    for at in range(RERUNS):
        nothing = pytest.Class.from_parent(item.session, name="Nothing")
        pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_teardown(item=item, nextitem=nothing), "teardown")
        if at == 0:
            report.outcome = "retried"
            item.ihook.pytest_runtest_logreport(report=report)
        item._initrequest()
        pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_setup(item=item), "setup")
        call = pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_call(item=item), "call")
        last = pytest.TestReport.from_item_and_call(item, call)
        report.outcome, report.longrepr, report.duration = last.outcome, last.longrepr, last.duration
        if last.passed:
            return
"""
WAYS = {"rerun": RERUN, "silent": SILENT, "within": WITHIN}


@pytest.fixture
def project(supervise, tmp_path: Path):
    """Runs pytest under the supervisor on a project of a test file and a conftest."""

    def go(code: str, *options: str, conftest: str = "", **changes) -> Done:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "test_it.py").write_text(code)
        (folder / "conftest.py").write_text(conftest)
        command = (*INNER_PYTEST, *options)
        return supervise(*command, plugin=True, cwd=str(folder), **changes)

    return go


def by_name(result: dict) -> dict[str, dict]:
    return {test["node"].rpartition("::")[2]: test for test in result["tests"]}


def codes(result: dict) -> list[str]:
    return [warning["code"] for warning in result["warnings"]]


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["here", "in a worker"])
@pytest.mark.parametrize("way", WAYS)
def test_attempts_are_counted_and_their_time_is_all_of_it(project, way: str, options: tuple[str, ...]) -> None:
    result = project(FLAKY, *options, conftest=WAYS[way].replace("RERUNS", "4")).result
    tests = by_name(result)
    assert result["outcome"] == "passed"
    assert [tests[name]["attempts"] for name in ("test_flaky", "test_ok")] == [3, 1]
    assert tests["test_flaky"]["outcome"] == "passed"
    assert tests["test_flaky"]["call_s"] > 0.3
    warning = next(warning for warning in result["warnings"] if warning["code"] == "tests_repeated")
    assert "test_flaky (3 attempts)" in warning["message"]
    assert warning["value"] == 1
    assert result["session"]["ended_early"] is False


@pytest.mark.parametrize("way", WAYS)
def test_a_test_whose_last_attempt_fails_has_failed(project, way: str) -> None:
    result = project(FLAKY, conftest=WAYS[way].replace("RERUNS", "1")).result
    assert result["outcome"] == "failed"
    assert "assert 2 >= 3" in result["signature"]
    assert by_name(result)["test_flaky"]["outcome"] == "failed"
    assert by_name(result)["test_flaky"]["attempts"] == 2


def test_a_rerun_that_never_came_leaves_the_test_unfinished(project) -> None:
    """An attempt that is to be repeated decides nothing, even if the session ends meanwhile."""
    ends = RERUN.replace("item._initrequest()", "pytest.exit('enough', returncode=0)").replace("RERUNS", "4")
    result = project(FLAKY, conftest=ends).result
    assert result["outcome"] == "failed"
    assert by_name(result)["test_flaky"]["outcome"] == "unfinished"


def test_a_setup_that_is_repeated(project) -> None:
    code = COUNTS + "import pytest\n@pytest.fixture\ndef f(): assert tried() >= 2\ndef test_it(f): pass\n"
    result = project(code, conftest=RERUN.replace("RERUNS", "4")).result
    assert result["outcome"] == "passed"
    assert (by_name(result)["test_it"]["outcome"], by_name(result)["test_it"]["attempts"]) == ("passed", 2)


def test_the_same_id_twice_is_one_test_and_a_failure_stays(project) -> None:
    code = COUNTS + "def test_once(): assert tried() > 1\n"
    result = project(code, "--keep-duplicates", "test_it.py", "test_it.py", "-p", "no:randomly").result
    assert result["outcome"] == "failed"
    tests = by_name(result)
    assert [(tests["test_once"]["outcome"], tests["test_once"]["attempts"])] == [("failed", 2)]


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("parameter", ["__pytest_repeat_step_number", "__flakefinder_test_a"])
def test_tests_that_run_again_and_again_by_design_are_named(project, parameter: str, workers: str) -> None:
    generate = (
        f"def pytest_generate_tests(metafunc):\n    metafunc.fixturenames.append({parameter!r})\n"
        f"    metafunc.parametrize({parameter!r}, range(3))\n"
    )
    result = project("def test_a(): pass\n", "-n", workers, conftest=generate).result
    assert result["outcome"] == "passed"
    assert len(result["tests"]) == 3
    (message,) = [warning["message"] for warning in result["warnings"] if warning["code"] == "tests_repeated"]
    assert "test_it.py::test_a (3 times)" in message


EARLY = "import os, pytest\ndef test_a(): pass\ndef test_b(): {}\ndef test_c(): pass\ndef test_d(): pass\n"


@pytest.mark.parametrize(
    ("does", "options", "words", "not_run"),
    [
        ("pytest.exit('no GPU', returncode=0)", (), "pytest.exit: no GPU, 2 of 4 tests never began", ["c", "d"]),
        ("os._exit(0)", (), "exited with code 0 before pytest had finished", ["c", "d"]),
        ("raise KeyboardInterrupt", (), "KeyboardInterrupt, 2 of 4 tests never began", ["c", "d"]),
        ("assert 0", ("-x",), "test_b: assert 0", ["c", "d"]),
        ("assert 0", ("--maxfail=1",), "test_b: assert 0", ["c", "d"]),
    ],
)
def test_a_session_that_ended_early_has_not_passed(project, does, options, words, not_run) -> None:
    result = project(EARLY.format(does), *options).result
    assert result["outcome"] == "failed"
    assert words in result["signature"]
    session = result["session"]
    assert session["ended_early"] is True
    assert session["reason"]
    assert (session["collected"], session["not_run"]) == (4, 2)
    assert session["not_run_nodes"] == [f"test_it.py::test_{name}" for name in not_run]
    assert "session.reason" not in result["unavailable"]


ENDS = {
    "told to stop, and 0": (
        (
            "import pytest\n@pytest.fixture(autouse=True)\ndef stop(request): request.session.shouldstop = 'enough'\n"
            "def pytest_sessionfinish(session): session.exitstatus = 0\n"
        ),
        "enough",
    ),
    "told to fail, and 0": (
        (
            "import pytest\n@pytest.fixture(autouse=True)\ndef stop(request): request.session.shouldfail = 'too bad'\n"
            "def pytest_sessionfinish(session): session.exitstatus = 0\n"
        ),
        "too bad",
    ),
    "a loop of its own": ("def pytest_runtestloop(session): return True\n", "4 of 4 tests never began"),
    "half a loop": (
        (
            "def pytest_runtestloop(session):\n    item = session.items[0]\n"
            "    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)\n    return True\n"
        ),
        "3 of 4 tests never began",
    ),
    "while collecting": (
        "import pytest\ndef pytest_collection_modifyitems(): pytest.exit('nothing to do', returncode=0)\n",
        "pytest.exit: nothing to do",
    ),
    "before collecting": (
        "import pytest\ndef pytest_sessionstart(): pytest.exit('no licence', returncode=0)\n",
        "pytest.exit: no licence",
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_project_that_ends_the_session_early_with_0_has_not_passed(project, how: str) -> None:
    conftest, words = ENDS[how]
    result = project(EARLY.format("pass"), conftest=conftest).result
    assert result["exit_code"] == 0
    assert result["outcome"] == "failed"
    assert words in result["signature"]
    assert result["session"]["ended_early"] is True


def test_a_session_that_is_stopped_after_its_last_test_has_passed(project) -> None:
    conftest = "import pytest\ndef pytest_sessionfinish(): pytest.exit('done', returncode=0)\n"
    result = project(EARLY.format("pass"), conftest=conftest).result
    assert result["outcome"] == "passed"
    assert (result["session"]["ended_early"], result["session"]["reason"]) == (False, None)
    assert result["unavailable"]["session.reason"] == "the session came to its end"


@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--setup-only"])
def test_a_session_without_any_test_s_body_measures_nothing(project, option: str) -> None:
    result = project(EARLY.format("pass"), option).result
    assert result["outcome"] == "not_measured"
    assert option in result["signature"]


def test_what_was_deselected_is_told_also_where_nobody_says_so(project) -> None:
    silently = "def pytest_collection_modifyitems(items): items[:] = [i for i in items if 'test_d' not in i.nodeid]\n"
    session = project(EARLY.format("pass"), "-k", "not test_c", conftest=silently).result["session"]
    assert (session["collected"], session["deselected"]) == (2, 2)
    assert sorted(session["deselected_nodes"]) == ["test_it.py::test_c", "test_it.py::test_d"]


def test_every_kind_of_outcome_is_told(project) -> None:
    code = (
        "import pytest\n"
        "def test_passed(): pass\ndef test_failed(): assert 0\ndef test_skipped(): pytest.skip('no GPU')\n"
        "@pytest.mark.xfail\ndef test_xfailed(): assert 0\n@pytest.mark.xfail\ndef test_xpassed(): pass\n"
        "@pytest.fixture\ndef no_setup(): raise ValueError\ndef test_setup(no_setup): pass\n"
        "@pytest.fixture\ndef no_teardown():\n    yield\n    raise ValueError\ndef test_teardown(no_teardown): pass\n"
    )
    tests = by_name(project(code).result)
    assert {name.removeprefix("test_"): test["outcome"] for name, test in tests.items()} == {
        "passed": "passed", "failed": "failed", "skipped": "skipped", "xfailed": "xfailed", "xpassed": "xpassed",
        "setup": "error", "teardown": "error",
    }  # fmt: skip


def test_a_worker_that_dies_fails_its_test_and_the_rest_is_told(project) -> None:
    code = "import os, pytest\ndef test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): pass\n"
    result = project(code, "-n", "1", "--max-worker-restart", "0", "-k", "test_b or test_c").result
    assert result["outcome"] == "failed"
    assert "crashed while running" in result["signature"]
    assert by_name(result)["test_b"]["outcome"] == "failed"
    session = result["session"]
    assert (session["collected"], session["not_run"]) == (2, 1)
    assert session["not_run_nodes"] == ["test_it.py::test_c"]


def test_ids_that_are_too_long_are_cut_and_still_told_apart(project) -> None:
    code = "import pytest\n@pytest.mark.parametrize('x', ['a' * 3000 + end for end in 'bc'])\ndef test_long(x): pass\n"
    result = project(code).result
    nodes = [test["node"] for test in result["tests"]]
    assert len(set(nodes)) == 2
    assert max(map(len, nodes)) <= 1000
    assert result["session"]["not_run"] == 0


WITHIN_A_TEST = """
import subprocess, sys, pytest
def inner(folder):
    (folder / "test_in.py").write_text("import pytest\\n@pytest.mark.timeout(60)\\ndef test_in(): assert 0\\n")
    return ["-p", "no:cacheprovider", "-q", *OPTIONS, str(folder)]
def test_here(tmp_path): assert pytest.main(inner(tmp_path)) == 1
def test_child(tmp_path): assert subprocess.run([sys.executable, "-m", "pytest", *inner(tmp_path)]).returncode == 1
def test_after(): pass
"""


@pytest.mark.parametrize(("outer", "inner"), [((), ()), (("-n", "1"), ()), ((), ("-n", "1"))])
def test_a_pytest_that_a_test_runs_is_none_of_the_run(project, outer: tuple[str, ...], inner: tuple[str, ...]) -> None:
    result = project(WITHIN_A_TEST.replace("OPTIONS", repr(list(inner))), *outer).result
    assert (result["signature"], result["outcome"]) == (None, "passed")
    assert {name: test["outcome"] for name, test in by_name(result).items()} == dict.fromkeys(
        ("test_here", "test_child", "test_after"), "passed"
    )
    assert (result["session"]["collected"], result["session"]["not_run"]) == (3, 0)
    assert codes(result) == []


PARTS = """
import pytest, unittest
def test_parts(subtests):
    for at in range(4):
        with subtests.test(at=at):
            if at == 2: pytest.skip("no data")
def test_fails(subtests):
    for at in range(2):
        with subtests.test(at=at):
            assert at
class TestOld(unittest.TestCase):
    def test_old(self):
        for at in range(3):
            with self.subTest(at=at):
                if at == 1: self.skipTest("no data")
def test_whole(): pass
"""


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="this pytest has no subtests of its own")
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["here", "in a worker"])
def test_parts_of_a_test_are_counted_by_how_they_ended(project, options: tuple[str, ...]) -> None:
    result = project(PARTS, *options).result
    tests = by_name(result)
    assert result["outcome"] == "failed"
    assert {name: test["outcome"] for name, test in tests.items()} == {
        "test_parts": "passed",
        "test_fails": "failed",
        "test_old": "passed",
        "test_whole": "passed",
    }
    assert tests["test_parts"]["subtests"] == {"passed": 3, "skipped": 1}
    assert tests["test_fails"]["subtests"] == {"passed": 1, "failed": 1}
    assert tests["test_old"]["subtests"] == {"passed": 2, "skipped": 1}
    assert "subtests" not in tests["test_whole"]
