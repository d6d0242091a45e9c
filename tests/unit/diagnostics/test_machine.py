"""Cache sizes and memory limits, from made-up sysfs and cgroup trees of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.diagnostics.machine import (
    parse_cache_size,
    parse_own_groups,
    read_free_memory,
    read_last_level_cache,
    read_memory_limit,
    read_own_cpus,
)


def add_cache(root: Path, cpu: int, index: int, *, kind: str, level: int, size: str, shared: str) -> None:
    folder = root / f"cpu{cpu}" / "cache" / f"index{index}"
    folder.mkdir(parents=True)
    values = {"type": kind, "level": str(level), "size": size, "shared_cpu_list": shared}
    for name, value in values.items():
        (folder / name).write_text(value + "\n")


def two_sockets(root: Path) -> Path:
    for cpu in range(4):
        add_cache(root, cpu, 0, kind="Data", level=1, size="48K", shared=str(cpu))
        add_cache(root, cpu, 1, kind="Instruction", level=1, size="32K", shared=str(cpu))
        add_cache(root, cpu, 3, kind="Unified", level=3, size="32768K", shared="0-1" if cpu < 2 else "2-3")
    return root


def test_last_level_caches_are_counted_once_each(tmp_path: Path) -> None:
    root = two_sockets(tmp_path)
    assert read_last_level_cache(range(4), root) == 64 << 20
    assert read_last_level_cache([0, 1], root) == 32 << 20
    assert read_last_level_cache([3], root) == 32 << 20


def test_no_cache_is_unknown(tmp_path: Path) -> None:
    assert read_last_level_cache([0], tmp_path) is None
    add_cache(tmp_path, 0, 0, kind="Unified", level=3, size="?", shared="0")
    assert read_last_level_cache([0], tmp_path) is None


@pytest.mark.parametrize(("text", "size"), [("266240K\n", 260 << 20), ("2M", 2 << 20), ("1G", 1 << 30), ("512", 512)])
def test_cache_sizes(text: str, size: int) -> None:
    assert parse_cache_size(text) == size


def test_own_groups_of_both_versions() -> None:
    assert parse_own_groups("0::/user.slice/run.scope\n") == {"": "/user.slice/run.scope"}
    text = "9:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/x:y\n0::/\n"
    assert parse_own_groups(text) == {
        "memory": "/docker/abc",
        "cpu": "/docker/abc",
        "cpuacct": "/docker/abc",
        "name=systemd": "/x:y",
        "": "/",
    }


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_version_2_takes_the_least_limit_on_the_way_up(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "memory.max", "max\n")
    assert read_memory_limit({"": "/a/b"}, tmp_path) is None
    write(tmp_path / "a" / "memory.max", "4096\n")
    write(tmp_path / "memory.max", "8192\n")
    assert read_memory_limit({"": "/a/b"}, tmp_path) == 4096
    assert read_memory_limit({"": "/"}, tmp_path) == 8192


def test_version_1_in_a_container_whose_path_is_the_hosts(tmp_path: Path) -> None:
    write(tmp_path / "memory" / "memory.limit_in_bytes", "1048576\n")
    assert read_memory_limit({"memory": "/docker/abc", "": "/"}, tmp_path) == 1048576


def test_a_path_outside_the_mount_is_not_followed_for_ever(tmp_path: Path) -> None:
    write(tmp_path / "memory.max", "4096\n")
    assert read_memory_limit({"": "/../../other"}, tmp_path) in (None, 4096)


def test_free_memory_is_the_tighter_of_machine_and_group(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    assert read_free_memory(proc, groups) is None
    write(proc / "meminfo", "MemTotal: 9 kB\nMemAvailable:       2048 kB\n")
    write(proc / "self" / "cgroup", "0::/run\n")
    assert read_free_memory(proc, groups) == 2048 * 1024
    write(groups / "run" / "memory.max", "1000000\n")
    assert read_free_memory(proc, groups) == 1000000


def test_this_machine_answers() -> None:
    assert read_own_cpus()
    free = read_free_memory()
    assert free is None or free > 0
