"""Groups in ordinary folders that stand for the kernel's: what is written where. The kernel itself: tests/integration."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.engine.local import cgroup as module
from bench.engine.local.cgroup import Group, GroupError, make_group, planned_folders, settings
from bench.engine.local.cgroup_mounts import Hierarchy
from bench.record.schema import Limits

ALL = Limits(cpus=1.5, cpuset="0-1", memory_bytes=1 << 20, pids=9)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "EMPTY_PATIENCE_S", 0.2)


def kernel(monkeypatch, files):
    """Have a new folder hold the files that the kernel would put there."""
    make = Path.mkdir

    def mkdir(self, *arguments, **options):
        make(self, *arguments, **options)
        if self.name.startswith("bench-"):
            for name in files:
                (self / name).touch()

    monkeypatch.setattr(Path, "mkdir", mkdir)


def test_limits_as_version_2_takes_them():
    assert settings(2, ALL) == {
        "cpus": [("", "cpu.max", "150000 100000")],
        "cpuset": [("", "cpuset.cpus", "0-1")],
        "memory": [("", "memory.max", "1048576"), ("", "memory.swap.max", "0")],
        "pids": [("", "pids.max", "9")],
    }
    assert settings(2, Limits()) == {}


def test_limits_as_version_1_takes_them():
    assert settings(1, ALL) == {
        "cpus": [("cpu", "cpu.cfs_period_us", "100000"), ("cpu", "cpu.cfs_quota_us", "150000")],
        "cpuset": [("cpuset", "cpuset.cpus", "0-1")],
        "memory": [
            ("memory", "memory.limit_in_bytes", "1048576"),
            ("memory", "memory.memsw.limit_in_bytes", "1048576"),
        ],
        "pids": [("pids", "pids.max", "9")],
    }
    assert settings(1, Limits(cpus=0.001))["cpus"][1] == ("cpu", "cpu.cfs_quota_us", "1000")  # the kernel's least


def test_a_group_of_version_2(tmp_path, monkeypatch):
    kernel(monkeypatch, ["cpu.max", "cpuset.cpus", "memory.max", "memory.swap.max", "pids.max"])
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory")
    group = make_group("bench-x", ALL, Hierarchy(2, {"": tmp_path}))
    assert group.held == {"cpus", "cpuset", "memory", "pids"}
    assert group.spec() == {"version": 2, "path": str(tmp_path / "bench-x")}
    assert (tmp_path / "bench-x" / "cpu.max").read_text() == "150000 100000"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+io"  # the last one that was missing
    assert group.notes == []


def test_a_kernel_that_cannot_limit_swap_is_noted(tmp_path, monkeypatch):
    kernel(monkeypatch, ["memory.limit_in_bytes"])
    group = make_group("bench-x", Limits(memory_bytes=5, cpus=1.0), Hierarchy(1, {"memory": tmp_path}))
    assert group.held == {"memory"}  # cpus has no controller here
    assert "cannot limit swap" in group.notes[0]
    assert group.spec() == {"version": 1, "paths": {"memory": str(tmp_path / "bench-x")}}


def test_a_new_cpuset_takes_after_its_parent(tmp_path, monkeypatch):
    kernel(monkeypatch, ["cpuset.cpus", "cpuset.mems"])
    (tmp_path / "cpuset.cpus").write_text("0-7\n")
    (tmp_path / "cpuset.mems").write_text("0\n")
    make_group("bench-x", Limits(cpuset="3"), Hierarchy(1, {"cpuset": tmp_path}))
    assert (tmp_path / "bench-x" / "cpuset.cpus").read_text() == "3"
    assert (tmp_path / "bench-x" / "cpuset.mems").read_text() == "0"


def test_the_processes_of_our_own_group_step_aside_and_come_back(tmp_path, monkeypatch):
    kernel(monkeypatch, ["memory.max", "memory.swap.max"])
    own = tmp_path / "own"
    own.mkdir()
    for folder in (tmp_path, own):
        (folder / "cgroup.controllers").write_text("memory")
        (folder / "cgroup.subtree_control").write_text("")
    (own / "cgroup.procs").write_text("7\n8\n")
    write = Path.write_text

    def move(self, text, **options):
        if self.name != "cgroup.procs":
            return write(self, text, **options)
        for group in (own, *own.iterdir()):  # the kernel takes a process out of where it was
            procs = group / "cgroup.procs"
            if group.is_dir() and procs.exists():
                write(procs, "".join(f"{pid}\n" for pid in procs.read_text().split() if pid != text))
        kept = self.read_text() if self.exists() else ""
        return write(self, f"{kept}{text}\n")

    monkeypatch.setattr(Path, "write_text", move)
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)
    hierarchy = Hierarchy(2, {"": own}, root=tmp_path, aside=own)
    group = make_group("bench-x", Limits(memory_bytes=5), hierarchy)
    (leaf,) = own.glob("bench-aside-*")
    assert (own / "cgroup.procs").read_text() == ""
    assert (leaf / "cgroup.procs").read_text().split() == ["7", "8"]
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
    assert group.held == {"memory"}
    (own / "cgroup.subtree_control").write_text("memory")
    assert group.remove()
    assert (own / "cgroup.procs").read_text().split() == ["7", "8"]
    assert (own / "cgroup.subtree_control").read_text() == "-memory"
    assert [path.name for path in own.iterdir() if path.is_dir()] == []


def test_where_no_group_stays_inside_none_is_made():
    with pytest.raises(GroupError, match="nothing delegated"):
        make_group("bench-x", Limits(), Hierarchy(2, {}, root=Path("/cg"), why="nothing delegated"))


def test_controllers_that_are_not_handed_down_are_noted(tmp_path, monkeypatch):
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "cgroup.subtree_control").write_text("")
    write = Path.write_text

    def busy(self, text, **options):
        if self.name == "cgroup.subtree_control":
            raise OSError(16, "Device or resource busy", str(self))
        return write(self, text, **options)

    monkeypatch.setattr(Path, "write_text", busy)
    group = make_group("bench-x", Limits(memory_bytes=5), Hierarchy(2, {"": tmp_path}))
    assert group.held == frozenset()
    assert group.notes[0] == "cpu cannot be handed down: device or resource busy"


def test_a_limit_that_the_kernel_refuses_leaves_no_group(tmp_path, monkeypatch):
    write = Path.write_text

    def refuse(self, text, **options):
        if self.name == "cpu.max":
            raise OSError(22, "Invalid argument", str(self))
        return write(self, text, **options)

    kernel(monkeypatch, ["cpu.max"])
    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(module, "_remove", lambda folder: removed.append(folder) or True)
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "cgroup.subtree_control").touch()
    removed = []
    with pytest.raises(GroupError, match=r"the kernel refused cpu.max = 100000 100000: invalid argument"):
        make_group("bench-x", Limits(cpus=1.0), Hierarchy(2, {"": tmp_path}))
    assert removed == [tmp_path / "bench-x"]


def test_who_may_not_make_one_is_told_where(tmp_path):
    missing = tmp_path / "gone"
    with pytest.raises(GroupError, match="no such file"):
        make_group("bench-x", Limits(), Hierarchy(1, {"memory": missing}))


def test_a_host_without_groups_is_told_so(monkeypatch):
    monkeypatch.setattr(module, "read_hierarchy", lambda: None)
    with pytest.raises(GroupError, match="no control groups"):
        make_group("bench-x", Limits())


def test_processes_are_killed_until_it_is_empty(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    procs = tmp_path / "cgroup.procs"
    procs.write_text(f"{child.pid}\n")
    (tmp_path / "pids.max").write_text("max")
    group = Group(2, {"": tmp_path})
    assert group.processes() == [child.pid]
    assert group.kill() is False  # a file does not empty itself
    assert child.wait(5) == -9
    assert (tmp_path / "pids.max").read_text() == "0"
    assert (tmp_path / "cgroup.kill").read_text() == "1"
    procs.write_text("")
    assert group.kill() is True


def test_it_is_removed_with_what_lies_below(tmp_path):
    folders = planned_folders(Hierarchy(1, {"cpu": tmp_path / "a", "memory": tmp_path / "b"}), "bench-x")
    for folder in folders.values():
        (folder / "below" / "deeper").mkdir(parents=True)
    assert Group(1, folders).remove() is True
    assert not any(folder.exists() for folder in folders.values())
    assert Group(1, folders).remove() is True  # gone already
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()  # stands for a process that stays
    assert Group(1, {"cpu": tmp_path / "full"}).remove() is False
    assert (tmp_path / "full").exists()


def test_a_chain_of_groups_of_any_depth_is_removed(tmp_path):
    for depth in range(1000):
        Path(tmp_path / "deep", *["g"] * depth).mkdir()
    assert Group(1, {"cpu": tmp_path / "deep"}).remove() is True
    assert list(tmp_path.iterdir()) == []
