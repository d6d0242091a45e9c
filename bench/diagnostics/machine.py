"""What this machine has: its last-level cache and the memory that this process may still take (Linux, read only)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

SYSFS_CPUS = Path("/sys/devices/system/cpu")
CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_cache_size(text: str) -> int:
    """Bytes of sysfs's `size`, such as `266240K`. Raises ValueError where it is none."""
    text = text.strip()
    unit = _UNITS.get(text[-1:], 1)
    return int(text.rstrip("KMG")) * unit


def read_last_level_cache(cpus: Iterable[int], root: Path = SYSFS_CPUS) -> int | None:
    """Bytes of all last-level caches that `cpus` can use, each counted once; None where sysfs names none.

    Caches of the highest level are told apart by the CPUs that share them, so a machine of several sockets or core
    complexes adds up.
    """
    found: dict[tuple[int, str], int] = {}
    for cpu in cpus:
        for index in sorted((root / f"cpu{cpu}" / "cache").glob("index*")):
            try:
                kind, level, size, shared = (
                    (index / name).read_text().strip() for name in ("type", "level", "size", "shared_cpu_list")
                )
                if kind != "Instruction":
                    found[int(level), shared] = parse_cache_size(size)
            except (OSError, ValueError):
                continue
    top = max((level for level, _ in found), default=None)
    return sum(size for (level, _), size in found.items() if level == top) or None


def parse_own_groups(text: str) -> dict[str, str]:
    """Controller (`""` for version 2) to path, of /proc/self/cgroup."""
    lines = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    return {controller: path for _, controllers, path in lines for controller in controllers.split(",")}


def read_memory_limit(groups: Mapping[str, str], root: Path = CGROUPS) -> int | None:
    """The least memory limit in bytes of this process's control group and those above it; None where there is none.

    Paths are tried up to the mount's own root, so a container that sees only its own group's files is met too.
    """
    version_1 = "memory" in groups
    base, name = (root / "memory", "memory.limit_in_bytes") if version_1 else (root, "memory.max")
    path = base / groups.get("memory" if version_1 else "", "/").lstrip("/")
    limits = []
    while True:
        text = _read(path / name)
        if text and text.strip().isdecimal():
            limits.append(int(text))
        if path == base or base not in path.parents:
            break
        path = path.parent
    return min(limits, default=None)


def read_free_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Bytes that could still be taken: what the kernel calls available, or the group's limit if that is less."""
    available = None
    for line in (_read(proc / "meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
    limit = read_memory_limit(parse_own_groups(_read(proc / "self" / "cgroup") or ""), cgroups)
    return min((value for value in (available, limit) if value is not None), default=None)


def read_own_cpus() -> list[int]:
    """The CPUs that this process may run on."""
    return sorted(os.sched_getaffinity(0))


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
