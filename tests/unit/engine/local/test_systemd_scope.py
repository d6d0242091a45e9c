import subprocess

import pytest

from bench.engine.local import systemd_scope as module
from bench.engine.local.cgroup_mounts import Hierarchy
from bench.engine.local.systemd_scope import read_scope, scope_argv, scope_environment, scopes_work
from bench.record.schema import Limits


def test_limits_become_properties_of_the_scope():
    limits = Limits(cpus=1.5, cpuset="0-1", memory_bytes=100, pids=9)
    assert scope_argv("bench-x", limits, ["python", "x"]) == [
        "systemd-run", "--user", "--scope", "--quiet", "--collect", "--unit=bench-x",
        "-p", "Delegate=yes", "-p", "CPUQuota=150%", "-p", "CPUQuotaPeriodSec=100ms", "-p", "AllowedCPUs=0-1",
        "-p", "MemoryMax=100", "-p", "MemorySwapMax=0", "-p", "TasksMax=9", "--", "python", "x",
    ]  # fmt: skip
    assert "MemoryMax" not in " ".join(scope_argv("bench-x", Limits(), ["python"]))


def test_the_way_to_the_users_systemd_is_passed_on(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    monkeypatch.setenv("SECRET", "x")
    environment = scope_environment()
    assert environment["XDG_RUNTIME_DIR"] == "/run/user/1"
    assert "SECRET" not in environment


def test_scopes_need_version_2_and_a_systemd_that_starts_one(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "read_hierarchy", lambda: Hierarchy(1, {}))
    assert scopes_work() is False
    monkeypatch.setattr(module, "read_hierarchy", lambda: Hierarchy(2, {"": tmp_path}))
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    assert scopes_work() is False
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    for outcome, answer in ((0, True), (1, False)):
        monkeypatch.setattr(module.subprocess, "run", lambda *a, o=outcome, **k: subprocess.CompletedProcess(a, o))
        assert scopes_work() is answer

    def hangs(*arguments, **options):
        raise subprocess.TimeoutExpired("systemd-run", 5)

    monkeypatch.setattr(module.subprocess, "run", hangs)
    assert scopes_work() is False


@pytest.fixture
def scope(tmp_path, monkeypatch):
    """The scope of process 7."""
    folder = tmp_path / "cgroup" / "user.slice" / "bench-x.scope"
    folder.mkdir(parents=True)
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text("0::/user.slice/bench-x.scope\n")
    monkeypatch.setattr(module, "read_hierarchy", lambda: Hierarchy(2, {"": tmp_path / "cgroup"}))
    return folder


def test_only_what_really_holds_counts(scope, tmp_path):
    limits = Limits(cpus=1.0, memory_bytes=100, pids=9)
    (scope / "memory.max").write_text("100\n")
    (scope / "memory.swap.max").write_text("0\n")
    (scope / "cpu.max").write_text("max 100000\n")  # not delegated: systemd dropped it
    group = read_scope(7, limits, tmp_path / "proc")
    assert group.held == {"memory"}
    assert group.folders == {"": scope}


def test_another_group_is_no_scope_of_ours(scope, tmp_path, monkeypatch):
    (tmp_path / "proc" / "7" / "cgroup").write_text("0::/user.slice\n")
    assert read_scope(7, Limits(), tmp_path / "proc") is None
    assert read_scope(8, Limits(), tmp_path / "proc") is None
    monkeypatch.setattr(module, "read_hierarchy", lambda: Hierarchy(1, {}))
    assert read_scope(7, Limits(), tmp_path / "proc") is None
    assert scope.exists()
