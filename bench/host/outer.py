"""What bounds a command from outside: groups above it, and what it was started with (taskset, nice, ulimit, systemd).

Files of control groups: Linux, Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst; the rest: sched_setaffinity(2),
getpriority(2), getrlimit(2).
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from bench.record.schema import Outer

_NO_LIMIT_BYTES = 1 << 60
"""On v1 a group without a limit shows the largest number of pages."""
_FILES = {
    1: {"cpu": "cpu.cfs_quota_us", "memory": "memory.limit_in_bytes", "pids": "pids.max"},
    2: {"cpu": "cpu.max", "memory": "memory.max", "pids": "pids.max"},
}


def read_outer(version: int | None, folders: Mapping[str, str], memory_bytes: int | None = None) -> Outer:
    """Return what bounds a process that is started now below the given groups.

    Args:
        version: of the control groups; ``None`` if there are none.
        folders: by controller the lowest group whose limits count, and those above it (on v2 one for all of them).
        memory_bytes: what the host has: a limit that is not below it bounds nothing.
    """
    cpus = [quota for folder in _up(folders, version, "cpu") if (quota := _quota(folder, version)) is not None]
    online, usable = os.cpu_count() or 0, os.sched_getaffinity(0)
    memory = [*_numbers(folders, version, "memory"), *_soft(resource.RLIMIT_AS), *_soft(resource.RLIMIT_DATA)]
    most = memory_bytes or _NO_LIMIT_BYTES
    return Outer(
        cpus=min((quota for quota in cpus if quota < (online or quota + 1)), default=None),
        cpuset=cpu_list(usable) if len(usable) < online else None,
        memory_bytes=min((limit for limit in memory if limit < most), default=None),
        pids=min((*_numbers(folders, version, "pids"), *_soft(resource.RLIMIT_NPROC)), default=None),
        nice=os.getpriority(os.PRIO_PROCESS, 0),
    )


def cpu_list(cpus: Collection[int]) -> str:
    """Return numbers of CPUs in the kernel's form: ``0-3,8`` (pure)."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1][1:] = [cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, part)) for part in parts)


def parse_quota(text: str, period: str = "") -> float | None:
    """Return CPUs from ``cpu.max`` of v2, or from ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us`` of v1 (pure)."""
    fields = [*text.split(), *period.split()]
    try:
        quota, length = int(fields[0]), int(fields[1])
    except (ValueError, IndexError):  # "max 100000": none
        return None
    return quota / length if quota > 0 and length > 0 else None


def _quota(folder: Path, version: int | None) -> float | None:
    if version == 2:
        return parse_quota(_text(folder / "cpu.max"))
    return parse_quota(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _numbers(folders: Mapping[str, str], version: int | None, controller: str) -> list[int]:
    name = _FILES.get(version or 0, {}).get(controller, "")
    texts = (_text(folder / name).strip() for folder in _up(folders, version, controller))
    return [int(text) for text in texts if text.isdigit() and int(text) < _NO_LIMIT_BYTES]


def _up(folders: Mapping[str, str], version: int | None, controller: str) -> Iterator[Path]:
    """A group and those above it, as far as they are mounted here."""
    named = folders.get(controller) or (folders.get("") if version == 2 else None)
    folder = Path(named) if named else None
    while folder is not None and (folder / "cgroup.procs").exists():
        yield folder
        folder = folder.parent


def _soft(which: int, get: Callable[[int], tuple[int, int]] = resource.getrlimit) -> tuple[int, ...]:
    limit = get(which)[0]
    return () if limit == resource.RLIM_INFINITY else (limit,)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
