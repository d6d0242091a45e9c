"""What bounds a command from outside: groups above it, and what it was started with (taskset, nice, ulimit, chrt,
ionice, systemd).

Files of control groups: Linux, Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst; the rest: sched_setaffinity(2),
getpriority(2), getrlimit(2), sched(7), ioprio_get(2).
"""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec
import psutil

from bench.record.schema import Outer

_NO_LIMIT_BYTES = 1 << 60
"""On v1 a group without a limit shows the largest number of pages."""
_FILES: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: {"memory": ("memory.limit_in_bytes",), "pids": ("pids.max",)},
    # Above memory.high a group is slowed down until it has given memory back.
    2: {"memory": ("memory.max", "memory.high"), "pids": ("pids.max",)},
}
_WEIGHTS: Mapping[int, tuple[str, int]] = {1: ("cpu.shares", 1024), 2: ("cpu.weight", 100)}
"""By version the file of a group's weight among its neighbours, and the usual one."""
_POLICIES: Mapping[int, str] = {
    os.SCHED_FIFO: "fifo",
    os.SCHED_RR: "round robin",
    os.SCHED_BATCH: "batch",
    os.SCHED_IDLE: "idle",
}
_IO_CLASSES: Mapping[int, str] = {1: "real time", 2: "best effort", 3: "idle"}


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
        cpu_share=_share(folders, version),
        scheduling=_POLICIES.get(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, msgspec.UNSET),
        io_priority=_io(),
    )


def _io() -> str | msgspec.UnsetType:
    try:
        return io_priority(*psutil.Process().ionice())
    except (OSError, psutil.Error):  # a sandbox may refuse the question
        return msgspec.UNSET


def io_priority(which: int, level: int) -> str | msgspec.UnsetType:
    """Return the words for an I/O class and level (pure); unset if nobody asked for any."""
    name = _IO_CLASSES.get(which)
    return msgspec.UNSET if name is None else name if name == "idle" else f"{name} {level}"


def _share(folders: Mapping[str, str], version: int | None) -> float | msgspec.UnsetType:
    """The weight of the groups among their neighbours, level by level, against the usual one; unset if it is that."""
    if version is None:
        return msgspec.UNSET
    name, usual = _WEIGHTS[version]
    texts = (_text(folder / name).strip() for folder in _up(folders, version, "cpu"))
    share = math.prod(int(text) / usual for text in texts if text.isdigit())
    return msgspec.UNSET if share == 1 else share


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
    names = _FILES.get(version or 0, {}).get(controller, ())
    texts = (_text(folder / name).strip() for folder in _up(folders, version, controller) for name in names)
    return [int(text) for text in texts if text.isdigit() and int(text) < _NO_LIMIT_BYTES]


def _up(folders: Mapping[str, str], version: int | None, controller: str) -> Iterator[Path]:
    """A group and those above it, as far as they are mounted here."""
    named = folders.get(controller) or (folders.get("") if version == 2 else None)
    folder = Path(named) if named else None
    while folder is not None and (folder / "cgroup.procs").exists():
        yield folder
        folder = folder.parent


def soft_limit(which: int) -> int | None:
    """Return a limit on this process's resources (getrlimit(2)), or ``None`` if there is none."""
    limit = resource.getrlimit(which)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _soft(which: int) -> tuple[int, ...]:
    limit = soft_limit(which)
    return () if limit is None else (limit,)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
