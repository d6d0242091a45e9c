"""Both versions' readers over files as kernels write them, and what is said of files that are not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bench.agent.cgroup.files import Files, read_members
from bench.agent.cgroup.reading import Reading
from bench.agent.cgroup.v1 import V1Group
from bench.agent.cgroup.v2 import V2Group
from bench.agent.choose import choose_group
from bench.agent.process_tree import Account
from bench.agent.reap import Reaper
from bench.agent.spec import GroupSpec

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def copy(tmp_path: Path):
    """A fixture folder that may be written to."""
    return lambda name: Path(shutil.copytree(FIXTURES / name, tmp_path / name))


def test_v2_complete() -> None:
    group = V2Group(str(FIXTURES / "v2_complete"), inside=True)
    assert group.read() == Reading(
        cpu_total_s=2.012345,
        cpu_user_s=1.512345,
        cpu_system_s=0.5,
        periods=40,
        throttled_periods=18,
        throttled_s=0.912345,
        cpu_some_s=2.537498,
        cpu_full_s=1.237498,
        memory_bytes=14823424,
        memory_peak_bytes=557498368,
        anon_bytes=6225920,
        file_bytes=5165056,
        swap_bytes=0,
        swap_peak_bytes=4096,
        memory_limit_bytes=734003200,
        oom_kills=1,
        memory_some_s=0.00031,
        minor_faults=133900,
        major_faults=18,
        read_bytes=3133440,
        write_bytes=67108864,
        io_some_s=0.0521,
        pids=2,
        pids_peak=7,
        pids_limit_hits=3,
    )
    assert group.reasons == {}
    assert group.version == 2
    assert group.describe()["supervisor_inside"] is True
    group.close()


def test_v2_old_kernel_says_what_it_needs() -> None:
    group = V2Group(str(FIXTURES / "v2_old_kernel"), inside=False)
    reading = group.read()
    release = os.uname().release
    assert reading.cpu_total_s == 2.012345
    assert reading.memory_peak_bytes is None
    assert "memory.peak" in group.reasons["memory_peak_bytes"]
    assert "5.19" in group.reasons["memory_peak_bytes"]
    assert release in group.reasons["memory_peak_bytes"]
    assert "6.5" in group.reasons["swap_peak_bytes"]
    assert "PSI" in group.reasons["cpu_some_s"]
    assert "PSI" in group.reasons["io_some_s"]
    assert "io controller" in group.reasons["read_bytes"]
    assert reading.read_bytes is None
    assert "cpu controller" in group.reasons["throttled_s"]
    assert "no limit" in group.reasons["memory_limit_bytes"]
    missing = {field for field in Reading._fields if getattr(reading, field) is None}
    assert missing == set(group.reasons)


def test_v2_the_least_limit_of_the_groups_above_holds(copy, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for depth, limit in (("a", "max\n"), ("a/b", "4096\n"), ("a/b/c", "8192\n")):
        (tree / depth).mkdir(parents=True)
        (tree / depth / "memory.max").write_text(limit)
        (tree / depth / "cgroup.procs").write_text("")
    (tree / "cgroup.procs").write_text("")  # the root has no limit of its own
    group = V2Group(str(tree / "a/b/c"), inside=True)
    assert group.read().memory_limit_bytes == 4096
    assert group.sources["memory_limit_bytes"] == f"cgroup v2, a group above ({tree}/a/b/memory.max)"
    (tree / "a/b/c/memory.max").write_text("1024\n")
    assert group.read().memory_limit_bytes == 1024
    assert group.sources == {}
    group.close()


def test_v1_the_limit_of_a_group_above_holds(copy) -> None:
    folder = copy("v1_complete")
    text = (folder / "memory.stat").read_text()
    (folder / "memory.stat").write_text(text.replace("limit 9223372036854771712", "limit 4096"))
    group = V1Group({"memory": str(folder)}, inside=True)
    assert group.read().memory_limit_bytes == 4096
    assert "hierarchical_memory_limit" in group.sources["memory_limit_bytes"]


def test_v2_without_a_cpu_full_line(copy) -> None:
    folder = copy("v2_complete")
    (folder / "cpu.pressure").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n")
    (folder / "memory.events").write_text("low 0\n")
    group = V2Group(str(folder), inside=True)
    assert group.read().cpu_full_s is None
    assert "5.13" in group.reasons["cpu_full_s"]
    assert "memory.events" in group.reasons["oom_kills"]


def test_v1_complete() -> None:
    folder = str(FIXTURES / "v1_complete")
    group = V1Group(dict.fromkeys(("cpu", "cpuacct", "memory", "pids", "blkio"), folder), inside=True)
    reading = group.read()
    assert reading.cpu_total_s == pytest.approx(2.012345678)
    assert (reading.cpu_user_s, reading.cpu_system_s) == (1.51, 0.5)
    assert (reading.periods, reading.throttled_periods) == (40, 18)
    assert reading.throttled_s == pytest.approx(0.912345678)
    assert (reading.anon_bytes, reading.file_bytes, reading.swap_bytes) == (6225920, 5165056, 8192)
    assert (reading.memory_bytes, reading.memory_peak_bytes, reading.memory_limit_bytes) == (
        14823424,
        557498368,
        734003200,
    )
    assert (reading.minor_faults, reading.major_faults) == (133900, 18)
    assert (reading.read_bytes, reading.write_bytes) == (3133440, 67108864)
    assert (reading.oom_kills, reading.pids, reading.pids_peak, reading.pids_limit_hits) == (1, 2, 7, 3)
    assert set(group.reasons) == {"cpu_some_s", "cpu_full_s", "memory_some_s", "io_some_s", "swap_peak_bytes"}
    assert group.version == 1
    assert group.joins() == []
    group.close()


def test_v1_without_some_controllers(copy) -> None:
    folder = copy("v1_complete")
    (folder / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\n")
    text = (folder / "memory.stat").read_text()
    (folder / "memory.stat").write_text("\n".join(line for line in text.splitlines() if "swap" not in line))
    group = V1Group({"memory": str(folder)}, inside=False)
    reading = group.read()
    assert reading.cpu_total_s is None
    assert "cpuacct controller" in group.reasons["cpu_total_s"]
    assert "blkio controller" in group.reasons["read_bytes"]
    assert "no limit" in group.reasons["memory_limit_bytes"]
    assert "4.13" in group.reasons["oom_kills"]
    assert "swapaccount" in group.reasons["swap_bytes"]
    missing = {field for field in Reading._fields if getattr(reading, field) is None}
    assert missing == set(group.reasons)


def test_reset_where_it_is_permitted(copy) -> None:
    group = V2Group(str(copy("v2_complete")), inside=True)
    assert not group.peak_is_fresh
    group.reset_peak()
    assert group.peak_is_fresh
    one = copy("v1_complete")
    group1 = V1Group({"memory": str(one)}, inside=True)
    group1.reset_peak()
    assert group1.peak_is_fresh


def test_reset_where_there_is_nothing_to_reset() -> None:
    group = V2Group(str(FIXTURES / "v2_old_kernel"), inside=True)
    group.reset_peak()
    assert not group.peak_is_fresh
    group1 = V1Group({}, inside=True)
    group1.reset_peak()
    assert not group1.peak_is_fresh


def test_a_file_that_opens_and_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cpu.pressure").mkdir()  # as psi=0 does: it opens, and reading it is an error
    files = Files({"cpu.pressure": str(tmp_path / "cpu.pressure")})
    assert files.read("cpu.pressure") is None
    assert "psi=1" in files.absent["cpu.pressure"]
    assert files.read("cpu.pressure") is None
    files.close()


def test_members_of_groups_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "cgroup.procs").write_text("1\n2\n")
    (tmp_path / "a" / "cgroup.procs").write_text("3\n")
    assert sorted(read_members(str(tmp_path))) == [1, 2, 3]


def test_joins_name_the_files_to_enter(tmp_path: Path) -> None:
    assert V2Group(str(tmp_path), inside=False).joins() == [f"{tmp_path}/cgroup.procs"]
    same = V1Group({"cpu": str(tmp_path), "cpuacct": str(tmp_path)}, inside=False)
    assert same.joins() == [f"{tmp_path}/cgroup.procs"]
    assert same.describe()["paths"] == {"cpu": str(tmp_path), "cpuacct": str(tmp_path)}


def test_choose_takes_what_the_engine_made(tmp_path: Path) -> None:
    assert isinstance(choose_group(GroupSpec(2, {"": str(tmp_path)}), Reaper()), V2Group)
    assert isinstance(choose_group(GroupSpec(1, {"memory": str(tmp_path)}), Reaper()), V1Group)


def test_choose_does_not_take_a_group_that_others_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.agent.choose.read_strangers", lambda folder, ours: 3)
    group = choose_group(None, Reaper())
    assert isinstance(group, Account)
    assert group.version is None
    assert group.reasons["memory_peak_bytes"]


def test_choose_takes_our_own_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.agent.choose.read_strangers", lambda folder, ours: 0)
    monkeypatch.setattr("bench.agent.choose.read_unseen", lambda location: {})
    group = choose_group(None, Reaper())
    assert group.version in (1, 2)
    assert group.joins() == []


def test_account_sums_live_processes_and_those_that_ended() -> None:
    reaper = Reaper()
    group = Account("shared", reaper)
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    reading = group.read()
    assert reading.pids is not None
    assert reading.pids >= 1
    assert reading.anon_bytes is not None
    assert reading.anon_bytes > 100_000
    os.close(read_end)
    os.close(write_end)
    while reaper.collect():
        pass
    assert reaper.total.processes == 1
    after = group.read()
    assert after.cpu_total_s is not None
    assert after.cpu_total_s >= reaper.total.user_s
    assert group.members() == []
    assert group.joins() == []
    assert group.describe()["why"] == "shared"
    group.reset_peak()
    group.close()
    assert not group.peak_is_fresh
