"""Where our own group is, in every kind of place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.agent.cgroup.find import (
    parse_driver,
    parse_location,
    parse_nested,
    parse_rootless,
    read_location,
    read_place,
    read_strangers,
)
from bench.agent.cgroup.parse import parse_memberships, parse_mounts

ID = "b7073314c340136c962637811bf3c298b7073314c340136c962637811bf3c298"
UNIFIED = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
V1_MOUNTS = "".join(
    f"{n} 31 0:{n} {{root}} /sys/fs/cgroup/{c} rw,relatime - cgroup cgroup rw,{c}\n"
    for n, c in enumerate(("cpu,cpuacct", "memory", "pids", "blkio", "devices"), 32)
)
HYBRID = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"


def v1_memberships(path: str) -> str:
    names = ("cpu,cpuacct", "memory", "pids", "blkio", "devices", "name=systemd")
    return "".join(f"{n}:{c}:{path}\n" for n, c in enumerate(names, 1)) + "0::/\n"


def locate(memberships: str, mounts: str):
    return parse_location(parse_memberships(memberships), parse_mounts(mounts))


def test_v2_private_namespace() -> None:
    found = locate("0::/\n", UNIFIED.format(root="/"))
    assert (found.version, found.folders, found.hidden) == (2, {"": "/sys/fs/cgroup"}, {})


def test_v2_host_namespace_with_the_whole_tree() -> None:
    found = locate(f"0::/system.slice/docker-{ID}.scope\n", UNIFIED.format(root="/"))
    assert found.folders == {"": f"/sys/fs/cgroup/system.slice/docker-{ID}.scope"}


def test_v2_systemd_scope_of_a_user() -> None:
    path = "/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope"
    assert locate(f"0::{path}\n", UNIFIED.format(root="/")).folders == {"": f"/sys/fs/cgroup{path}"}


def test_v1_docker_shows_only_the_own_group() -> None:
    found = locate(v1_memberships(f"/docker/{ID}"), V1_MOUNTS.format(root=f"/docker/{ID}") + HYBRID)
    assert found.version == 1
    assert found.folders == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory",
        "pids": "/sys/fs/cgroup/pids",
        "blkio": "/sys/fs/cgroup/blkio",
    }


def test_v1_nested_container() -> None:
    outer, inner = f"/docker/{ID}", f"/docker/{ID}/docker/{ID}"
    found = locate(v1_memberships(inner), V1_MOUNTS.format(root=outer))
    assert found.folders["memory"] == f"/sys/fs/cgroup/memory/docker/{ID}"


def test_v1_of_this_kind_of_machine_with_an_empty_unified_hierarchy() -> None:
    found = locate(v1_memberships("/batch/job 7"), V1_MOUNTS.format(root="/") + HYBRID)
    assert found.version == 1
    assert found.folders["memory"] == "/sys/fs/cgroup/memory/batch/job 7"


def test_hybrid_with_every_controller_on_version_2() -> None:
    found = locate("3:name=systemd:/a\n0::/a\n", HYBRID)
    assert (found.version, found.folders) == (2, {"": "/sys/fs/cgroup/unified/a"})


def test_hybrid_with_one_minor_controller_on_version_1() -> None:
    blkio = "35 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
    found = locate("3:blkio:/a\n0::/a\n", blkio + HYBRID)
    assert (found.version, found.folders, found.hidden) == (2, {"": "/sys/fs/cgroup/unified/a"}, {})
    alone = locate("3:blkio:/a\n", blkio)
    assert (alone.version, alone.folders) == (1, {"blkio": "/sys/fs/cgroup/blkio/a"})


def test_a_group_that_is_not_below_the_mount_is_hidden() -> None:
    found = locate(v1_memberships("/other"), V1_MOUNTS.format(root=f"/docker/{ID}"))
    assert found.folders == {}
    assert "/other is not below" in found.hidden["memory"]
    outside = locate("0::/../sibling\n", UNIFIED.format(root="/"))
    assert outside.folders == {}
    assert "" in outside.hidden


def test_nothing_mounted() -> None:
    found = locate("0::/\n", "")
    assert found.folders == {}
    assert "not mounted" in found.hidden[""]
    assert locate("", "").version is None


@pytest.mark.parametrize(
    ("path", "driver"),
    [
        (f"/docker/{ID}", "cgroupfs"),
        (f"/system.slice/docker-{ID}.scope", "systemd"),
        ("/user.slice/user-1000.slice/session-2.scope", "systemd"),
        (f"/kubepods/burstable/pod1/{ID}", "cgroupfs"),
        ("/", None),
    ],
)
def test_driver(path: str, driver: str | None) -> None:
    assert parse_driver(path) == driver


def test_nested() -> None:
    assert parse_nested(f"/docker/{ID}/docker/{ID}")
    assert not parse_nested(f"/docker/{ID}")


@pytest.mark.parametrize(
    ("id_map", "rootless"),
    [
        ("         0          0 4294967295\n", False),
        ("0 1000 1\n1 100000 65536\n", True),  # rootless Docker, Podman
        ("0 1 1000\n1000 0 1\n1001 1001 64536\n", None),  # Podman with --userns=keep-id, seen from its own namespace
        ("0 100000 65536\n", None),  # userns-remap
        ("", None),
    ],
)
def test_rootless_is_told_from_remapped_users(id_map: str, rootless: bool | None) -> None:
    assert parse_rootless(id_map) is rootless


def test_strangers(tmp_path) -> None:
    child = tmp_path / "below"
    child.mkdir()
    ours = frozenset({7, 8})
    assert read_strangers(str(tmp_path / "absent"), ours) == 1
    (tmp_path / "cgroup.procs").write_text("7\n8\n")
    (child / "cgroup.procs").write_text("")
    assert read_strangers(str(tmp_path), ours) == 0
    (child / "cgroup.procs").write_text("9\n10\n")
    assert read_strangers(str(tmp_path), ours) == 2
    (tmp_path / "cgroup.procs").write_text("7\n1\n0\n")
    assert read_strangers(str(tmp_path), ours) == 2
    (tmp_path / "cgroup.procs").write_text("")  # we are not in it: not ours, however empty
    assert read_strangers(str(tmp_path), ours) == 1


def test_this_process_is_found_where_the_kernel_says() -> None:
    location = read_location()
    for folder in location.folders.values():
        members = Path(folder, "cgroup.procs").read_text().split()
        assert str(os.getpid()) in members
    place = read_place(location)
    assert place["namespace"] in ("host", "private")
    assert place["rootless"] in (True, False)
    assert place["user_namespace"] in (True, False)
