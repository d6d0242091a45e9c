"""The pytest plugin in projects of many kinds: what it tells, and that no timeout but ours holds."""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from bench.agent.events import Events
from bench.agent.follow import TestLog
from tests.support.inner_pytest import INNER_PYTEST

from .conftest import AGENT, Done

pytest_plugins = "pytester"
PLUGIN = "bench.agent.plugin.bench_pytest_plugin"


def forget() -> None:
    for name in [name for name in sys.modules if name == PLUGIN or name.startswith(f"{PLUGIN}.")]:
        del sys.modules[name]


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs pytest in this process with the plugin; returns its result and the lines that the plugin wrote."""
    path = pytester.path / "events.jsonl"
    monkeypatch.setenv("BENCH_EVENTS", str(path))
    before = signal.getsignal(signal.SIGTERM)
    forget()  # imported anew, as in a fresh pytest: it announces itself then

    def go(*args: str) -> tuple[pytest.RunResult, list[dict]]:
        result = pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider", *args)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return result, lines

    yield go
    faulthandler.unregister(signal.SIGTERM)
    faulthandler.unregister(signal.SIGQUIT)
    signal.signal(signal.SIGTERM, before)
    forget()


def of(lines: list[dict], kind: str) -> list[dict]:
    return [line for line in lines if line["type"] == kind]


def test_outcomes_times_and_messages(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile(
        """
        import pytest, time
        class TestGroup:
            def test_good(self): time.sleep(0.05)
            @pytest.mark.parametrize("v", ["a b", "[x]", "ü\\n", "::"])
            def test_odd(self, v): pass
        def test_bad(): assert 1 == 2, "first line\\nsecond"
        def test_skip(): pytest.skip("no GPU")
        @pytest.mark.xfail
        def test_xfail(): assert 0
        @pytest.mark.xfail
        def test_xpass(): pass
        @pytest.fixture
        def broken(): raise ValueError("in setup")
        def test_error(broken): pass
        @pytest.fixture
        def leaky():
            yield
            raise ValueError("in teardown")
        def test_teardown(leaky): pass
        """
    )
    before = time.monotonic()
    result, lines = session()
    assert result.ret == 1
    assert lines[0] == {"type": "loaded"}
    assert of(lines, "collected") == [{"type": "collected", "tests": 11}]
    tests = {line["node"].partition("::")[2]: line for line in of(lines, "test")}
    assert len(tests) == len(of(lines, "test_started")) == 11
    outcomes = {name.removeprefix("TestGroup::").partition("[")[0]: test["outcome"] for name, test in tests.items()}
    assert outcomes == {
        "test_good": "passed", "test_odd": "passed", "test_bad": "failed", "test_skip": "skipped",
        "test_xfail": "xfailed", "test_xpass": "xpassed", "test_error": "error", "test_teardown": "error",
    }  # fmt: skip
    began = [line["monotonic_s"] for line in of(lines, "test_started")]
    assert began == sorted(began) == [line["monotonic_s"] for line in of(lines, "test")]
    assert before <= began[0]
    assert began[-1] <= time.monotonic()
    good = tests["TestGroup::test_good"]
    assert good["call_s"] >= 0.05
    assert good["setup_s"] >= 0
    assert good["teardown_s"] >= 0
    assert good["marker_timeout_s"] is None
    assert tests["test_bad"]["message"] == "AssertionError: first line"
    assert "in setup" in tests["test_error"]["message"]
    finished = of(lines, "finished")[0]
    assert finished["pytest_s"] >= 0.05
    assert finished["exit_code"] == 1


def test_the_tests_own_numbers(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile(
        """
        import json
        def test_numbers(record_property):
            record_property("metric:speed", json.dumps({"value": 12.5, "unit": "B/s", "better": "higher"}))
            record_property("metric:plain", 3)
            record_property("metric:given", {"value": 4, "unit": "s"})
            record_property("metric:odd", "not a number")
            record_property("metric:endless", json.dumps({"value": float("inf")}))
            record_property("bare", 7.5)
            record_property("other", "x")
            record_property("flag", True)
            record_property("fact:ours", 1)
        """
    )
    _, lines = session()
    assert of(lines, "test")[0]["metrics"] == {
        "speed": {"value": 12.5, "unit": "B/s", "better": "higher"},
        "plain": {"value": 3, "unit": "", "better": "none"},
        "given": {"value": 4, "unit": "s", "better": "none"},
        "odd": {"value": None, "unit": "", "better": "none"},
        "endless": {"value": None, "unit": "", "better": "none"},
        "bare": {"value": 7.5, "unit": "", "better": "none"},
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pytest_benchmarks_json_gives_metrics_where_a_project_writes_one(supervise, test_file) -> None:
    path = test_file("def test_quick(benchmark): benchmark(sum, [1, 2])\n")
    options = ("--benchmark-min-rounds=2", "--benchmark-max-time=0.01")
    without = supervise(*pytest_command(path), *options, plugin=True)
    assert without.result["metrics"] == {}
    done = supervise(*pytest_command(path), *options, f"--benchmark-json={path.parent / 'b.json'}", plugin=True)
    stats = json.loads((path.parent / "b.json").read_text())["benchmarks"][0]["stats"]
    assert done.result["metrics"] == {"test_quick": {"value": stats["median"], "unit": "s", "better": "lower"}}


def test_collection_error(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile("import no_such_module_here")
    result, lines = session()
    assert result.ret == 2
    failure = of(lines, "failure")[0]
    assert "No module named 'no_such_module_here'" in failure["message"]
    assert of(lines, "finished")


def test_the_message_of_a_missing_fixture_is_no_place(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile("def test_a(no_such_fixture): pass")
    _, lines = session()
    assert of(lines, "test")[0]["message"] == "fixture 'no_such_fixture' not found"


@pytest.mark.parametrize(("node", "outcome"), [("", "failed"), ("::test_a", "not_measured")])
def test_a_module_that_the_test_imports_and_is_missing(supervise, test_file, node, outcome) -> None:
    path = test_file("import no_such_module_here\ndef test_a(): pass\n")
    argv = [f"{word}{node}" if word == str(path) else word for word in pytest_command(path)]
    done = supervise(*argv, plugin=True)
    assert done.result["outcome"] == outcome
    assert "the test imports 'no_such_module_here'" in done.result["signature"]


def test_internal_error(pytester: pytest.Pytester, session) -> None:
    pytester.makeconftest("def pytest_runtest_setup(item): pass\ndef pytest_collection_finish(session): 1 / 0")
    pytester.makepyfile("def test_a(): pass")
    result, lines = session()
    assert result.ret == 3
    assert "ZeroDivisionError" in of(lines, "failure")[0]["message"]


def test_markers_timeouts_are_lifted_and_recorded(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile(
        """
        import time, pytest
        pytestmark = pytest.mark.timeout(77)
        @pytest.mark.timeout(0.05)
        def test_short(): time.sleep(0.15)
        @pytest.mark.timeout(timeout=0.05, method="thread")
        def test_keyword(): time.sleep(0.15)
        @pytest.mark.timeout("0.1")
        def test_text(): time.sleep(0.15)
        def test_module(): pass
        class TestC:
            pytestmark = pytest.mark.timeout()
            def test_wrong(self): pass
        """
    )
    result, lines = session()
    result.assert_outcomes(passed=5)
    asked = {line["node"].rpartition("::")[2]: line["marker_timeout_s"] for line in of(lines, "test")}
    assert asked == {
        "test_short": 0.05,
        "test_keyword": 0.05,
        "test_text": 0.1,
        "test_module": 77.0,
        "test_wrong": None,
    }


@pytest.mark.parametrize("how", ["ini", "option", "environment"])
def test_the_projects_timeout_is_lifted(
    pytester: pytest.Pytester, session, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    args: list[str] = []
    if how == "ini":
        pytester.makeini("[pytest]\ntimeout = 0.1\n")
    elif how == "option":
        args = ["--timeout=0.1"]
    else:
        monkeypatch.setenv("PYTEST_TIMEOUT", "0.1")
    pytester.makepyfile("import time\ndef test_a(): time.sleep(0.3)")
    result, lines = session(*args)
    result.assert_outcomes(passed=1)
    assert [(line["code"], line["value"]) for line in of(lines, "warning")] == [("timeout_overridden", 0.1)]


def test_the_sessions_timeout_is_lifted(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile("import time\ndef test_a(): time.sleep(0.3)\ndef test_b(): pass")
    result, lines = session("--session-timeout=0.1")
    result.assert_outcomes(passed=2)
    assert of(lines, "warning")[0]["value"] == 0.1


def test_without_pytest_timeout_the_marker_is_known_all_the_same(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.timeout(5)\ndef test_a(): pass")
    result, lines = session("-p", "no:timeout", "--strict-markers", "-W", "error")
    result.assert_outcomes(passed=1)
    assert of(lines, "test")[0]["marker_timeout_s"] == 5.0


def test_an_own_configuration_of_the_project(pytester: pytest.Pytester, session) -> None:
    pytester.makeini("[pytest]\naddopts = -q --strict-config -p no:faulthandler\nfilterwarnings = error\n")
    pytester.makeconftest("import pytest\n@pytest.fixture(autouse=True)\ndef everywhere(): yield 1")
    pytester.makepyfile("def test_a(everywhere): assert everywhere == 1")
    result, lines = session()
    result.assert_outcomes(passed=1)
    assert of(lines, "finished")


def test_nobody_asked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_EVENTS", raising=False)
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest_inprocess("-p", PLUGIN)
    result.assert_outcomes(passed=1)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_file_that_cannot_be_opened_breaks_nothing(pytester: pytest.Pytester, session, monkeypatch) -> None:
    pytester.makepyfile("def test_a(): pass")
    (pytester.path / "events.jsonl").write_text("")
    monkeypatch.setenv("BENCH_EVENTS", "/no/such/folder/events")
    result, lines = session()
    result.assert_outcomes(passed=1)
    assert lines == []


# From here on: pytest as the supervisor starts it, in a process of its own.


@pytest.fixture
def test_file(tmp_path: Path):
    def write(code: str) -> Path:
        path = tmp_path / "test_it.py"
        path.write_text(code)
        return path

    return write


def pytest_command(path: Path, *options: str) -> tuple[str, ...]:
    return (*INNER_PYTEST, str(path), *options)


def test_whole_run(supervise, test_file, out: Path) -> None:
    path = test_file(
        "import json\ndef test_a(record_property):\n"
        "    record_property('metric:x', json.dumps({'value': 1, 'unit': 's', 'better': 'lower'}))\n"
    )
    done: Done = supervise(*pytest_command(path, f"--junitxml={out}/pytest.junit.xml"), plugin=True)
    result = done.result
    assert result["outcome"] == "passed", done.log
    assert [test["outcome"] for test in result["tests"]] == ["passed"]
    assert result["metrics"] == {"x": {"value": 1.0, "unit": "s", "better": "lower"}}
    assert 0 < result["pytest_s"] < result["wall_s"]
    assert {"collected", "test_started", "test"} <= set(done.kinds())
    assert "metric:x" in (out / "pytest.junit.xml").read_text()


def test_when_each_test_began_whatever_becomes_of_the_clocks(supervise, test_file) -> None:
    """A project may step the wall clock, or freeze what Python's clocks say."""
    path = test_file(
        "import pytest, time\n"
        "sleep = time.sleep\n"
        "time.time = time.monotonic = time.perf_counter = lambda: 7.0\n"
        "@pytest.mark.parametrize('at', [1, 2])\n"
        "def test_a(at): sleep(0.1)\n"
        "def test_skipped(): pytest.skip('no GPU')\n"
        "def test_b(): pass\n"
    )
    result = supervise(*pytest_command(path), plugin=True).result
    assert [test["outcome"] for test in result["tests"]] == ["passed", "passed", "skipped", "passed"]
    first, second, skipped, last = (test["started_s"] for test in result["tests"])
    assert first > 0
    assert first + 0.1 <= second
    assert second + 0.1 <= skipped < last < result["wall_s"]


def test_a_failing_test_gives_the_signature(supervise, test_file) -> None:
    done = supervise(*pytest_command(test_file("def test_a(): assert 1 == 2, 'odd'")), plugin=True)
    assert done.result["outcome"] == "failed"
    assert done.result["signature"].endswith("test_it.py::test_a: AssertionError: odd")


@pytest.mark.timed
def test_a_hang_leaves_its_traceback_and_a_report(supervise, test_file, out: Path) -> None:
    path = test_file("import time\ndef test_done(): pass\ndef test_hang():\n    time.sleep(60)  # here\n")
    done = supervise(
        *pytest_command(path, f"--junitxml={out}/j.xml"), plugin=True, timeout_s=4, grace_s=10, sample_hz=1
    )
    assert done.result["outcome"] == "timed_out"
    assert "test_hang" in done.result["signature"]
    assert b'test_it.py", line 4 in test_hang' in done.log
    assert "test_done" in (out / "j.xml").read_text()
    finished, hung = done.result["tests"]
    assert (finished["outcome"], hung["outcome"], hung["call_s"]) == ("passed", "unfinished", None)
    assert 0 < finished["started_s"] < hung["started_s"] < 4


@pytest.mark.timed
def test_a_hang_that_ignores_term_leaves_its_traceback_too(supervise, test_file) -> None:
    path = test_file(
        "import signal, time\ndef test_deaf():\n    signal.signal(15, signal.SIG_IGN)\n    time.sleep(60)\n"
    )
    done = supervise(*pytest_command(path), plugin=True, timeout_s=4, grace_s=0.3)
    assert done.result["outcome"] == "timed_out"
    assert done.result["signal"] == 9
    assert b'test_it.py", line 4 in test_deaf' in done.log


def test_a_worker_that_a_test_forks_dies_of_term_as_ever(supervise, test_file) -> None:
    path = test_file(
        "import multiprocessing, time\n"
        "def test_worker():\n"
        "    worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "    worker.start()\n    time.sleep(0.2)\n    worker.terminate()\n    worker.join()\n"
        "    assert worker.exitcode == -15\n"
    )
    done = supervise(*pytest_command(path), plugin=True)
    assert done.result["outcome"] == "passed", done.log
    assert b"Traceback" not in done.log
    assert b"most recent call first" not in done.log


def test_pytest_that_does_not_start(supervise, out: Path) -> None:
    done = supervise(sys.executable, "-S", "-m", "pytest", plugin=True)
    assert done.result["outcome"] == "not_measured"
    assert "No module named pytest" in done.result["signature"]
    assert "plugin_silent" in [warning["code"] for warning in done.result["warnings"]]


def test_an_isolated_interpreter_does_without_the_plugin(supervise, test_file) -> None:
    done = supervise(sys.executable, "-I", *pytest_command(test_file("def test_a(): pass"))[1:], plugin=True)
    assert done.result["outcome"] == "passed", done.log
    assert "plugin_not_loaded" in [warning["code"] for warning in done.result["warnings"]]


def test_the_plugins_folder_holds_nothing_that_shadows() -> None:
    names = {path.name for path in (AGENT / "plugin").iterdir() if path.name != "__pycache__"}
    assert names == {"__init__.py", "bench_pytest_plugin"}


def test_what_the_plugin_writes_is_what_the_follower_reads(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile("def test_a(): pass\ndef test_b(): assert 0")
    session()
    log = TestLog(str(pytester.path / "events.jsonl"), Events(os.open(os.devnull, os.O_WRONLY)))
    log.close()
    assert log.loaded
    assert [test["outcome"] for test in log.tests] == ["passed", "failed"]
    assert log.pytest_s is not None


@pytest.mark.parametrize(
    ("place", "name"),
    [("recorder", "Properties"), ("recorder", "read_threads"), ("attempts", "Attempts.of"), ("deadline", "node_id"),
     ("recorder", "seconds"), ("collected", "Collected._tell_repeating"), ("recorder", "message_of")],
)  # fmt: skip
def test_a_fault_of_ours_changes_no_test(pytester, session, monkeypatch, place: str, name: str) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise MemoryError("ours")

    pytester.makepyfile("import pytest\n@pytest.mark.timeout(5)\ndef test_a(): pass\ndef test_b(): assert 0")
    monkeypatch.delenv("BENCH_EVENTS")
    importlib.import_module(PLUGIN)
    monkeypatch.setenv("BENCH_EVENTS", str(pytester.path / "events.jsonl"))
    monkeypatch.setattr(f"{PLUGIN}.{place}.{name}", fail)
    result, lines = session()
    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == 1
    assert "plugin_fault" in [line["code"] for line in of(lines, "warning")]
    assert len(of(lines, "finished")) == 1


def test_facts_of_any_shape_within_a_bound(pytester: pytest.Pytester, session) -> None:
    pytester.makepyfile(
        """
        import json
        def test_facts(record_property):
            record_property("fact:dtypes", json.dumps({"result": "float64", "steps": ["float32"]}))
            record_property("fact:words", "no JSON")
            record_property("fact:given", [1, 2])
            record_property("fact:endless", "NaN")
            record_property("fact:deep", "[" * 100000)
            record_property("fact:large", json.dumps("x" * 20000))
        """
    )
    result, lines = session()
    result.assert_outcomes(passed=1)
    facts = of(lines, "test")[0]["facts"]
    assert facts == {
        "dtypes": {"result": "float64", "steps": ["float32"]}, "words": "no JSON", "given": [1, 2], "endless": "NaN",
    }  # fmt: skip
    left_out = [line["message"] for line in of(lines, "warning") if line["code"] == "fact_left_out"]
    assert len(left_out) == 2
    assert "'deep'" in left_out[0]
    assert "'large'" in left_out[1]
