"""The supervisor's deadline is the only one: in workers, for the whole session, for faulthandler, whatever asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inner_pytest import INNER_PYTEST, bytecode

SLOW = "import time\ndef test_slow(): time.sleep(0.15)\ndef test_quick(): pass\n"
MARKED = (
    "import pytest, time\n@pytest.mark.timeout(0.05{})\ndef test_slow(): time.sleep(0.15)\ndef test_quick(): pass\n"
)


@pytest.fixture
def run(supervise, tmp_path: Path):
    def go(code: str, *options: str, ini: str = "", name: str = "pytest.ini", **changes):
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "test_it.py").write_text(code)
        (folder / name).write_text(ini)
        env = {"PATH": "/usr/bin:/bin", **bytecode(), "TMPDIR": str(tmp_path), **changes.pop("env", {})}
        command = (*INNER_PYTEST, *options)
        return supervise(*command, plugin=True, cwd=str(folder), env=env, **changes)

    return go


def asked(done) -> dict[str, float | None]:
    return {test["node"].rpartition("::")[2]: test["marker_timeout_s"] for test in done.result["tests"]}


def overridden(done) -> list[str]:
    return [warning["message"] for warning in done.result["warnings"] if warning["code"] == "timeout_overridden"]


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("more", ["", ", func_only=True", ", method='thread'"])
def test_a_marker_does_not_cut_in_a_worker_either(run, more: str, workers: str) -> None:
    done = run(MARKED.format(more), "-n", workers)
    assert done.result["outcome"] == "passed", done.log
    assert asked(done) == {"test_slow": 0.05, "test_quick": None}


INI = "[pytest]\n"
WAYS = {
    "ini": ({"ini": INI + "timeout = 0.05\n"}, "0.05 s a test"),
    "func_only": ({"ini": INI + "timeout = 0.05\ntimeout_func_only = true\n"}, "0.05 s a test"),
    "session": ({"ini": INI + "session_timeout = 0.05\n"}, "0.05 s for the session"),
    "tox.ini": ({"ini": INI + "timeout = 0.05\n", "name": "tox.ini"}, "0.05 s a test"),
    "setup.cfg": ({"ini": "[tool:pytest]\ntimeout = 0.05\n", "name": "setup.cfg"}, "0.05 s a test"),
    "pyproject.toml": (
        {"ini": '[tool.pytest.ini_options]\ntimeout = "0.05"\n', "name": "pyproject.toml"},
        "0.05 s a test",
    ),
    "addopts": ({"ini": INI + "addopts = --timeout=0.05 --session-timeout=0.05\n"}, "0.05 s for the session"),
    "PYTEST_ADDOPTS": ({"env": {"PYTEST_ADDOPTS": "--timeout=0.05"}}, "0.05 s a test"),
    "PYTEST_TIMEOUT": ({"env": {"PYTEST_TIMEOUT": "0.05"}}, "0.05 s a test"),
    "faulthandler": (
        {"ini": INI + "faulthandler_timeout = 0.05\nfaulthandler_exit_on_timeout = true\n"},
        "faulthandler_timeout of 0.05 s",
    ),
}


FILES = {"tox.ini", "setup.cfg", "pyproject.toml", "PYTEST_ADDOPTS"}
"""Ways that pytest makes one of the others of before there are workers."""


@pytest.mark.parametrize(("way", "workers"), [(way, n) for way in WAYS for n in "01" if n == "0" or way not in FILES])
def test_what_the_configuration_asks_for_does_not_cut(run, way: str, workers: str) -> None:
    changes, words = WAYS[way]
    done = run(SLOW, "-n", workers, **changes)
    assert done.result["outcome"] == "passed", done.log
    assert len(done.result["tests"]) == 2
    assert any(words in message for message in overridden(done))


def test_faulthandler_still_tells_where_the_test_is(run) -> None:
    done = run(SLOW, ini=INI + "faulthandler_timeout = 0.05\nfaulthandler_exit_on_timeout = true\n")
    assert done.result["outcome"] == "passed"
    assert b"in test_slow" in done.log


def test_faulthandler_that_only_tells_is_left_alone(run) -> None:
    done = run(SLOW, ini=INI + "faulthandler_timeout = 0.05\n")
    assert done.result["outcome"] == "passed"
    assert overridden(done) == []
    assert b"in test_slow" in done.log


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_marker_that_a_fixture_adds_does_not_cut_and_is_recorded(run, workers: str) -> None:
    code = (
        "import pytest, time\n"
        "@pytest.fixture\ndef late(request):\n"
        "    request.node.add_marker(pytest.mark.timeout(0.05, func_only=True), append=False)\n"
        "def test_slow(late): time.sleep(0.15)\n"
    )
    done = run(code, "-n", workers)
    assert done.result["outcome"] == "passed", done.log
    assert asked(done) == {"test_slow": 0.05}


def test_a_marker_that_a_conftest_adds_last_does_not_cut(run, tmp_path: Path) -> None:
    code = (
        "import pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n"
        "    for item in items: item.add_marker(pytest.mark.timeout(0.05), append=False)\n"
    )
    (tmp_path / "late.py").write_text(code)
    done = run(SLOW, "-p", "late", env={"PYTHONPATH": str(tmp_path)})
    assert done.result["outcome"] == "passed", done.log
    assert asked(done) == {"test_slow": 0.05, "test_quick": 0.05}


@pytest.mark.timed
@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_the_marker_asked_for_is_known_of_a_test_that_our_deadline_ended(run, workers: str) -> None:
    code = "import pytest, time\n@pytest.mark.timeout(0.05)\ndef test_slow(): time.sleep(60)\n"
    done = run(code, "-n", workers, timeout_s=6, grace_s=5)
    assert done.result["outcome"] == "timed_out"
    assert [(test["outcome"], test["marker_timeout_s"]) for test in done.result["tests"]] == [("unfinished", 0.05)]


def test_without_pytest_timeout_the_marker_is_recorded_all_the_same(run) -> None:
    done = run(MARKED.format(""), "-p", "no:timeout")
    assert done.result["outcome"] == "passed"
    assert asked(done)["test_slow"] == 0.05
