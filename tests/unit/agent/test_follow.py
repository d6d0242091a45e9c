"""The plugin's lines become tests, metrics and events; nonsense in the file is passed over."""

from __future__ import annotations

import importlib
import json
import os
import time
from pathlib import Path

import pytest

from bench.agent.events import Events
from bench.agent.follow import MAX_FACTS, MAX_FACTS_CHARACTERS, TestLog


@pytest.fixture
def followed(tmp_path: Path):
    path = tmp_path / "tests.jsonl"
    events = tmp_path / "events"
    fd = os.open(events, os.O_WRONLY | os.O_CREAT)
    log = TestLog(str(path), Events(fd))

    def put(*entries: object, end: str = "\n") -> list[dict]:
        with path.open("a") as file:
            for entry in entries:
                file.write((entry if isinstance(entry, str) else json.dumps(entry)) + end)
        log.poll()
        return [json.loads(line) for line in events.read_text().splitlines()]

    yield log, put
    os.close(fd)


def test_nothing_yet(followed) -> None:
    log, _ = followed
    log.poll()
    log.close()
    assert not log.loaded
    assert log.tests == []


def test_a_session(followed) -> None:
    log, put = followed
    seen = put(
        {"type": "loaded"},
        {"type": "collected", "tests": 2},
        {"type": "test_started", "node": "a"},
        {"type": "progress", "done": 3, "of": 25, "label": "cell"},
        {
            "type": "test", "node": "a", "outcome": "passed", "setup_s": 0.1, "call_s": 2, "teardown_s": 0,
            "marker_timeout_s": 905.0, "metrics": {"speed": {"value": 3, "unit": "x", "better": "higher"}},
        },
        {"type": "test_started", "node": "b"},
        {"type": "test", "node": "b", "outcome": "failed", "message": "E x", "metrics": {"speed": {"value": "inf"}}},
        {"type": "warning", "code": "timeout_overridden", "message": "m", "value": 1, "unit": "s"},
        {"type": "finished", "pytest_s": 2.5},
    )  # fmt: skip
    assert [event["event"] for event in seen] == [
        "collected", "test_started", "progress", "test", "test_started", "test",
    ]  # fmt: skip
    assert seen[1] == {"event": "test_started", "node": "a", "index": 1, "of": 2}
    assert seen[2] == {"event": "progress", "done": 3, "of": 25, "label": "cell"}
    assert seen[5]["index"] == 2
    log.close()
    assert log.loaded
    assert log.pytest_s == 2.5
    assert log.tests[0] == {
        "node": "a", "outcome": "passed", "setup_s": 0.1, "call_s": 2, "teardown_s": 0, "marker_timeout_s": 905.0,
        "started_s": None, "attempts": 1,
    }  # fmt: skip
    assert log.metrics["speed"] == {"value": 3.0, "unit": "x", "better": "higher"}
    assert log.metrics["speed[b]"] == {"value": None, "unit": "", "better": "none"}
    assert log.first_failure == ("b", "E x")
    assert log.failures == 1
    assert log.warnings[0]["code"] == "timeout_overridden"


def test_a_line_that_is_not_yet_whole(followed) -> None:
    log, put = followed
    put('{"type": "loa', end="")
    assert not log.loaded
    put('ded"}')
    assert log.loaded


def test_nonsense_is_passed_over(followed) -> None:
    log, put = followed
    put("", "null", "[]", "{", '{"type": 3}', '{"type": "test"}', '{"type": "collected", "tests": "many"}')
    put('{"type": "finished", "pytest_s": null}', '{"type": "test", "node": "n", "outcome": "passed", "metrics": [1]}')
    put({"type": "loaded"})
    assert log.loaded
    assert log.pytest_s is None


def test_a_test_that_never_ended(followed) -> None:
    log, put = followed
    put({"type": "test_started", "node": "a"})
    log.close()
    assert log.running == "a"
    assert log.tests[0]["outcome"] == "unfinished"
    assert log.tests[0]["call_s"] is None


def test_when_a_test_began_is_told_in_seconds_since_the_run_s_start(followed) -> None:
    log, put = followed
    start = time.monotonic() - 100
    log.begin(start)
    put({"type": "test_started", "node": "a", "monotonic_s": start + 2.5})
    put({"type": "test_started", "node": "b", "monotonic_s": start + 3})
    put({"type": "test", "node": "a", "outcome": "passed", "monotonic_s": start + 2.5})
    log.close()
    assert [(test["node"], test["outcome"]) for test in log.tests] == [("a", "passed"), ("b", "unfinished")]
    assert [test["started_s"] for test in log.tests] == pytest.approx([2.5, 3.0])


@pytest.mark.parametrize("moment", [None, "soon", True, float("nan"), -1.0, 0, pytest.param(10**400, id="huge"), [1]])
def test_a_moment_outside_the_run_is_none(followed, moment) -> None:
    log, put = followed
    log.begin(time.monotonic() - 100)
    put({"type": "test_started", "node": "a", "monotonic_s": moment})
    put({"type": "test", "node": "b", "outcome": "passed", "monotonic_s": moment})
    log.close()
    assert [(test["node"], test["started_s"]) for test in log.tests] == [("b", None), ("a", None)]


def test_facts_are_kept_once_a_name_and_within_a_bound(followed) -> None:
    log, put = followed
    put({"type": "test", "node": "a", "outcome": "passed", "facts": {"dtypes": {"result": "float64"}}})
    put({"type": "test", "node": "b", "outcome": "passed", "facts": {"dtypes": "other"}})
    assert log.facts == {"dtypes": {"result": "float64"}, "dtypes[b]": "other"}
    put({"type": "test", "node": "c", "outcome": "passed", "facts": {"large": "x" * MAX_FACTS_CHARACTERS}})
    put({"type": "test", "node": "d", "outcome": "passed", "facts": {str(at): at for at in range(MAX_FACTS)}})
    assert len(log.facts) == MAX_FACTS
    assert "large" not in log.facts
    assert log.facts_left_out == 3


def test_endless_nesting_is_passed_over(followed) -> None:
    log, put = followed
    put('{"type": "test", "node": "a", "outcome": "passed", "facts": {"x": ' + "[" * 100_000)
    put({"type": "loaded"})
    assert log.loaded
    assert log.facts == {}


FULL = OSError(28, "No space left on device")


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A plugin's writer whose file takes no more lines after the first."""
    monkeypatch.delenv("BENCH_EVENTS", raising=False)
    module = importlib.import_module("bench.agent.plugin.bench_pytest_plugin")
    writer = module.Writer(str(tmp_path / "tests.jsonl"), spare=True)
    writer.put("loaded")

    def refuse(fd: int, data: bytes) -> int:
        raise FULL

    monkeypatch.setattr(module.os, "write", refuse)
    return writer, monkeypatch


def test_lines_without_room_are_in_the_spare_file(followed, full_disk, tmp_path: Path) -> None:
    (log, _), (writer, patch) = followed, full_disk
    writer.put("test_started", node="a")
    writer.put("test", node="a", outcome="passed")
    writer.put("test_started", node="b")
    writer.put("test", node="b", outcome="skipped", message="x" * 70_000)
    writer.put_last("finished", pytest_s=1.5, exit_code=0, outcomes={"passed": 1, "skipped": 1}, lost=writer.lost)
    patch.undo()
    log.close()
    assert (log.loaded, log.pytest_s, log.lost, log.running, log.mute) == (True, 1.5, 1, None, None)
    assert [test["node"] for test in log.tests] == ["a"]
    assert log.outcomes == ("passed", "skipped")
    assert not (tmp_path / "tests.jsonl.spare").exists()


def test_a_spare_file_that_could_not_be_written_says_so(followed, full_disk) -> None:
    """A file system that copies on writing has no room even where it had taken some."""
    (log, _), (writer, patch) = followed, full_disk

    def refuse(fd: int, data: bytes, offset: int) -> int:
        raise FULL

    patch.setattr(os, "pwrite", refuse)
    writer.put_last("finished", pytest_s=1.5, exit_code=0, outcomes={}, lost=0)
    patch.undo()
    log.close()
    assert log.pytest_s is None
    assert log.mute == "the disk had no room for what pytest said"


def test_without_a_spare_file_the_reason_is_the_disks(followed) -> None:
    log, put = followed
    put({"type": "loaded"})
    log.close()
    assert log.mute == ""


def test_a_torn_line_ends_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, followed) -> None:
    log, _ = followed
    monkeypatch.delenv("BENCH_EVENTS", raising=False)
    module = importlib.import_module("bench.agent.plugin.bench_pytest_plugin")
    writer = module.Writer(str(tmp_path / "tests.jsonl"), spare=True)
    write, room = os.write, iter((9,))
    monkeypatch.setattr(module.os, "write", lambda fd, data: write(fd, data[: next(room, None)]))
    writer.put("loaded")
    writer.put("test", node="a", outcome="passed")
    monkeypatch.undo()
    log.close()
    assert log.loaded
    assert [test["node"] for test in log.tests] == ["a"]
