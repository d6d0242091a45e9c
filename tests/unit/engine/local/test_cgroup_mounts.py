from pathlib import Path

from bench.agent.cgroup.parse import parse_mounts
from bench.engine.local.cgroup_mounts import Hierarchy, choose_hierarchy, read_hierarchy

V1_MOUNTS = """\
25 20 0:21 / /sys/fs/cgroup rw,relatime shared:5 - tmpfs tmpfs rw,mode=755
26 25 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:6 - cgroup cgroup rw,cpu,cpuacct
27 25 0:23 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
28 25 0:24 / /sys/fs/cgroup/with\\040space rw - cgroup cgroup rw,pids
29 25 0:25 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
30 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2_MOUNTS = "30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def test_version_1_counts_where_it_has_the_controllers():
    membership = {"cpu": "/mine", "cpuacct": "/mine", "memory": "/docker/abc/x", "pids": "/"}
    found = choose_hierarchy(parse_mounts(V1_MOUNTS), membership)
    assert found == Hierarchy(
        1,
        {
            "cpu": Path("/sys/fs/cgroup/cpu,cpuacct/mine"),
            "cpuacct": Path("/sys/fs/cgroup/cpu,cpuacct/mine"),
            "memory": Path("/sys/fs/cgroup/memory/x"),
            "pids": Path("/sys/fs/cgroup/with space"),
        },
    )


def test_version_2_counts_where_version_1_has_nothing_that_matters_or_is_not_mounted():
    minor = "".join(line for line in V1_MOUNTS.splitlines(keepends=True) if "cpu" not in line and "memory" not in line)
    assert choose_hierarchy(parse_mounts(minor), {}) == Hierarchy(2, {"": Path("/sys/fs/cgroup/unified")})
    assert choose_hierarchy(parse_mounts(V2_MOUNTS), {}) == Hierarchy(2, {"": Path("/sys/fs/cgroup")})
    assert choose_hierarchy([], {}) is None


def test_accounting_on_version_1_counts_even_where_version_2_is_mounted_too():
    cpu_only = [mount for mount in parse_mounts(V1_MOUNTS) if "memory" not in mount.super_options]
    found = choose_hierarchy(cpu_only, {})
    assert found is not None
    assert found.version == 1


def test_it_is_read_from_the_host(tmp_path):
    point = tmp_path / "cgroup"
    point.mkdir()
    (tmp_path / "mountinfo").write_text(V2_MOUNTS.replace("/sys/fs/cgroup", str(point)))
    (tmp_path / "cgroup.text").write_text("0::/\n")
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "mountinfo").write_text(V2_MOUNTS.replace("/sys/fs/cgroup", str(point)))
    (proc / "cgroup").write_text("0::/\n")
    assert read_hierarchy(proc) == Hierarchy(2, {"": point})  # without the file of controllers too
    (point / "cgroup.controllers").write_text("cpu memory\n")
    assert read_hierarchy(proc) == Hierarchy(2, {"": point})
    odd = b"31 25 0:27 / /mnt/\xff rw - ext4 /dev/sda rw\n"
    (proc / "mountinfo").write_bytes(odd + (proc / "mountinfo").read_bytes())
    assert read_hierarchy(proc) == Hierarchy(2, {"": point})
    assert read_hierarchy(tmp_path / "nowhere") is None
