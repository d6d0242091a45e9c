"""Whole runs in a real version 2 group made by hand: on a version 2 machine, and on a hybrid one in its bare hierarchy."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.agent.process_tree import alive

from .conftest import load

ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


@pytest.fixture
def group() -> Iterator[Path]:
    """A fresh group below the root of the version 2 hierarchy; skips where there is none or it may not be made."""
    root = next((path for path in ROOTS if (path / "cgroup.controllers").is_file()), None)
    if root is None:
        pytest.skip("no version 2 hierarchy is mounted here")
    folder = root / f"bench-unit-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no version 2 control group can be made here: {error}")
    yield folder
    for word in (folder / "cgroup.procs").read_text().split():
        os.kill(int(word), signal.SIGKILL)
    folder.rmdir()


@pytest.fixture
def inside(supervise, group: Path):
    return lambda *argv, **changes: supervise(*argv, cgroup={"version": 2, "path": str(group)}, **changes)


@pytest.mark.timed
def test_cpu_and_pressure(inside, group: Path) -> None:
    done = inside(*load("orphan", "seconds=0.4"))
    truth, result = json.loads(done.log), done.result
    assert result["cgroup_version"] == 2
    assert result["cpu"]["total_s"] == pytest.approx(truth["cpu_total_s"], rel=0.02, abs=0.01)
    assert result["cpu"]["user_s"] + result["cpu"]["system_s"] == pytest.approx(result["cpu"]["total_s"], abs=1e-4)
    for part, name, file in (("cpu", "pressure_some_s", "cpu"), ("io", "pressure_some_s", "io")):
        there = (group / f"{file}.pressure").is_file()
        assert (result[part][name] is not None) == there
        assert (f"{part}.{name}" in result["unavailable"]) != there


def test_memory_where_its_controller_is_handed_down_and_else_the_reason(inside, group: Path) -> None:
    done = inside(*load("memory", "mib=64", "hold=0.6"))
    truth, result = json.loads(done.log), done.result
    if (group / "memory.stat").is_file():
        assert result["memory"]["anon_peak_bytes"] == pytest.approx(truth["anon_bytes"], rel=0.03)
        assert result["memory"]["oom_kills"] == 0
    else:
        assert result["memory"]["anon_peak_bytes"] is None
        assert "memory.stat" in result["unavailable"]["memory.anon_peak_bytes"]
        assert "memory.peak" in result["unavailable"]["memory.peak_bytes"]
    if (group / "memory.peak").is_file():
        assert result["memory"]["peak_bytes"] >= truth["anon_bytes"] * 0.98


def test_a_kill_for_memory(inside, group: Path) -> None:
    if not (group / "memory.max").is_file():
        pytest.skip("the memory controller is not handed down to version 2 groups here")
    (group / "memory.max").write_text(str(64 << 20))
    if (group / "memory.swap.max").is_file():
        (group / "memory.swap.max").write_text("0")
    done = inside(*load("balloon"))
    assert done.result["outcome"] == "oom_killed"
    assert done.result["memory"]["limit_bytes"] == 64 << 20


def test_everything_in_the_group_is_killed_at_once(inside, group: Path) -> None:
    bomb = "import os\nfor _ in range(6): os.fork()\nif os.getsid(0) != os.getpid(): os.setsid()\nimport time\ntime.sleep(60)"
    done = inside("python3", "-S", "-c", bomb, timeout_s=1.0, grace_s=0.2)
    assert done.result["outcome"] == "timed_out"
    assert (group / "cgroup.procs").read_text() == ""
    assert "unkillable_processes" not in [warning["code"] for warning in done.result["warnings"]]
    assert alive([event["pid"] for event in done.events if event["event"] == "started"]) == []
