"""Whole runs in a real version 1 control group made by hand: the readings against loads of known cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import load

pytestmark = pytest.mark.timed


def write(group: dict[str, str], controller: str, name: str, value: object) -> None:
    (Path(group[controller]) / name).write_text(str(value))


@pytest.fixture
def inside(supervise, v1_group):
    def go(*argv: str, **changes):
        return supervise(*argv, cgroup={"version": 1, "paths": v1_group}, **changes)

    return go


def test_cpu_of_threads(inside) -> None:
    done = inside(*load("threads", "seconds=0.6"))
    truth = json.loads(done.log)
    assert done.result["cgroup_version"] == 1
    assert done.result["cpu"]["total_s"] == pytest.approx(truth["cpu_total_s"], rel=0.01, abs=0.01)
    assert done.result["cpu"]["user_s"] + done.result["cpu"]["system_s"] == pytest.approx(
        truth["cpu_total_s"], abs=0.04
    )
    assert done.result["sources"]["cpu.total_s"] == "cgroup v1"
    assert done.result["supervisor"]["inside_group"] is False


def test_user_and_system(inside) -> None:
    done = inside(*load("split", "user=0.5", "system=0.5"))
    truth = json.loads(done.log)
    assert done.result["cpu"]["system_s"] == pytest.approx(truth["cpu_system_s"], abs=0.1)
    assert done.result["cpu"]["user_s"] == pytest.approx(truth["cpu_user_s"], abs=0.1)


def test_orphan_is_counted(inside) -> None:
    done = inside(*load("orphan", "seconds=0.4"))
    truth = json.loads(done.log)
    assert done.result["cpu"]["total_s"] == pytest.approx(truth["cpu_total_s"], rel=0.02, abs=0.01)


def test_memory(inside) -> None:
    done = inside(*load("memory", "mib=128", "hold=0.6"))
    truth = json.loads(done.log)
    memory = done.result["memory"]
    assert memory["anon_peak_bytes"] == pytest.approx(truth["anon_bytes"], rel=0.02)
    assert memory["peak_bytes"] >= memory["anon_peak_bytes"]
    assert "since the reset" in done.result["sources"]["memory.peak_bytes"]
    assert memory["limit_bytes"] is None
    assert "no limit" in done.result["unavailable"]["memory.limit_bytes"]


def test_balloon_is_told_from_another_kill(inside, v1_group) -> None:
    write(v1_group, "memory", "memory.limit_in_bytes", 64 << 20)
    done = inside(*load("balloon"))
    assert done.result["outcome"] == "oom_killed"
    assert done.result["memory"]["oom_kills"] >= 1
    assert done.result["memory"]["limit_bytes"] == 64 << 20
    assert "out of memory at the limit of 64 MiB" in done.result["signature"]
    done = inside("sh", "-c", "kill -9 $$")
    assert done.result["outcome"] == "failed"
    assert "not for memory" in done.result["signature"]


def test_a_helper_killed_for_memory_in_a_run_that_passes(inside, v1_group) -> None:
    write(v1_group, "memory", "memory.limit_in_bytes", 64 << 20)
    done = inside("sh", "-c", " ".join(f"'{word}'" for word in load("balloon")) + "; true")
    assert done.result["outcome"] == "passed"
    assert "oom_kill" in [warning["code"] for warning in done.result["warnings"]]


def test_fork_bomb_against_the_limit(inside, v1_group) -> None:
    write(v1_group, "pids", "pids.max", 40)
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    done = inside("python3", "-S", "-c", bomb, timeout_s=0.8, grace_s=0.2)
    assert done.result["outcome"] == "timed_out"
    codes = {warning["code"]: warning["value"] for warning in done.result["warnings"]}
    assert codes["pids_limit"] > 0
    assert Path(v1_group["pids"], "cgroup.procs").read_text() == ""


def test_quota(inside, v1_group) -> None:
    write(v1_group, "cpu", "cpu.cfs_period_us", 100_000)
    write(v1_group, "cpu", "cpu.cfs_quota_us", 50_000)
    done = inside(*load("quota", "seconds=1"))
    truth, cpu = json.loads(done.log), done.result["cpu"]
    assert cpu["total_s"] < 0.75
    assert cpu["periods"] >= 5
    if truth["busy_s"] > 0.47:  # on a host where others take the CPU the quota may never be used up
        assert cpu["throttled_periods"] >= 1
        assert 0 < cpu["throttled_s"] <= truth["throttled_s"] + 0.1


def test_bytes_written(inside, tmp_path: Path) -> None:
    done = inside(*load("write", "mib=8", f"folder={tmp_path}"))
    written = done.result["io"]["write_bytes"]
    if written == 0:
        pytest.skip("the folder for temporary files is no block device's")
    assert written == pytest.approx(8 << 20, rel=0.05)


def test_a_group_that_cannot_be_entered(supervise) -> None:
    done = supervise("true", cgroup={"version": 1, "paths": {"memory": "/sys/fs/cgroup/memory/no-such-group"}})
    assert done.result["outcome"] == "not_measured"
    assert "enter the control group" in done.result["signature"]
