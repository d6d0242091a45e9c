from pathlib import Path

import pytest

from bench.host.cgroup.access import LocalGroup, group_access, parse_groups, read_local_group
from bench.host.cgroup.below import Placement

V1_MOUNTS = """\
25 20 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
26 20 0:23 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
27 20 0:24 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
28 20 0:25 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
"""
V1_OWN = "4:pids:/user.slice\n3:memory:/user.slice\n2:cpu,cpuacct:/\n0::/user.slice\n"
V2_MOUNTS = "30 20 0:26 / /sys/fs/cgroup rw,nosuid,nodev - cgroup2 cgroup2 rw,nsdelegate\n"
V2_OWN = "0::/user.slice/user-1000.slice/session-2.scope\n"
V2_FOLDER = "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope"


def test_controllers_of_v1_decide_a_hybrid_machine():
    groups = parse_groups(V1_OWN, V1_MOUNTS)
    assert groups.version == 1
    assert groups.folders == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory/user.slice",
        "pids": "/sys/fs/cgroup/pids/user.slice",
    }


def test_v2():
    groups = parse_groups(V2_OWN, V2_MOUNTS, "cpu memory pids")
    assert groups.version == 2
    assert set(groups.folders.values()) == {V2_FOLDER}
    assert {"cpu", "memory", "pids"} < set(groups.folders)


def test_a_mount_that_shows_only_a_part_of_the_tree():
    mounts = "30 20 0:26 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n"
    assert parse_groups("0::/docker/abc/inner\n", mounts).folders[""] == "/sys/fs/cgroup/inner"


def test_nothing_mounted_and_lines_that_are_broken():
    assert parse_groups("", "") == parse_groups("nonsense", "1 2 3\n4 - x\n")
    assert parse_groups("", "").version is None


def test_one_minor_controller_on_v1_does_not_decide():
    blkio = "27 20 0:24 / /sys/fs/cgroup/blkio rw,nosuid - cgroup cgroup rw,blkio\n"
    assert parse_groups("2:blkio:/\n" + V2_OWN, blkio + V2_MOUNTS, "cpu memory").version == 2
    assert parse_groups("2:blkio:/\n", blkio).version == 1


ALL_V1 = frozenset(["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory/user.slice", "/sys/fs/cgroup/pids/user.slice"])


def test_a_group_on_v1_needs_every_controller():
    groups = parse_groups(V1_OWN, V1_MOUNTS)
    assert group_access(groups, ALL_V1, systemd_run=False).possible
    closed = group_access(groups, ALL_V1 - {"/sys/fs/cgroup/memory/user.slice"}, systemd_run=True)
    assert not closed.possible
    assert "memory" in closed.how
    without_pids = parse_groups(V1_OWN, "\n".join(V1_MOUNTS.splitlines()[:2]))
    assert group_access(without_pids, ALL_V1, systemd_run=False).missing == ("pids",)


HERE = Placement(Path(V2_FOLDER), "a group below this command's own")


@pytest.mark.parametrize(
    ("place", "systemd_run", "left", "possible", "how"),
    [
        (HERE, False, (), True, "below this command's own"),
        ("nothing delegated", True, (), True, "systemd-run"),
        ("nothing delegated", False, (), False, "nothing delegated"),
        ("nothing delegated", True, ("session-2.scope/cpu.max",), False, "would leave session-2.scope/cpu.max"),
    ],
)
def test_a_group_on_v2_stays_inside_of_what_bounds_the_command(place, systemd_run, left, possible, how):
    groups = parse_groups(V2_OWN, V2_MOUNTS, "memory pids")
    found = group_access(groups, frozenset(), systemd_run, place, left)
    assert (found.version, found.possible, found.missing) == (2, possible, ("cpu",))
    assert how in found.how


def test_reading_a_v2_machine(plant, monkeypatch):
    files = {
        "/proc/self/cgroup": V2_OWN,
        "/proc/self/mountinfo": V2_MOUNTS,
        f"{V2_FOLDER}/cgroup.controllers": "cpuset cpu io memory pids",
        f"{V2_FOLDER}/cgroup.procs": "1\n",
        f"{V2_FOLDER}/cpu.max": "30000 100000\n",
    }
    root = plant(files)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    found = read_local_group(root)
    assert found == LocalGroup(2, True, "cgroup v2, a group below this command's own, which has cpu.max")
    assert read_local_group("/nonexistent").version is None


def test_this_machine_is_looked_at_and_left_as_it_is():
    tree = Path("/sys/fs/cgroup")
    before = sorted(tree.glob("*/*"))
    found = read_local_group()
    assert found.version in (None, 1, 2)
    assert found.how
    assert not [path for path in set(tree.glob("*/*")) - set(before) if "bench" in path.name]
