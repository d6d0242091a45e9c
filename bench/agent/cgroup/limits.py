"""The limits that really hold in a group, from its files and those of the groups above that can be seen.

Linux: admin-guide/cgroup-v2.rst, cgroup-v1/{cpusets,memory,pids}.rst, scheduler/sched-bwc.rst; sched_getaffinity(2),
getrlimit(2).
"""

from __future__ import annotations

import os
import resource

from .above import groups_above
from .parse import parse_limit

FILES = {
    1: {"memory_bytes": ("memory", "memory.limit_in_bytes"), "pids": ("pids", "pids.max")},
    2: {"memory_bytes": ("", "memory.max"), "pids": ("", "pids.max")},
}
CPUS = {1: ("cpu", "cpu.cfs_quota_us"), 2: ("", "cpu.max")}
NONE = "unlimited"
ULIMITS = ("as", "core", "cpu", "data", "fsize", "memlock", "nofile", "nproc", "rss", "stack")


def read_limits(version: int | None, folders: dict[str, str], *, inside: bool) -> dict[str, object]:
    """What a group may have: CPUs by quota (``cpus``), bytes of memory, processes; or "unlimited".

    ``folders`` are by controller, on version 2 one under the empty name. What cannot be read has no key. The list of
    CPUs (``cpuset``) is that of this process, if it is ``inside``: also one without a group is bound to some.
    """
    found: dict[str, object] = {"cpuset": _list(os.sched_getaffinity(0))} if inside else {}
    if version is None:
        return found
    controller, name = CPUS[version]
    if controller in folders and os.path.exists(os.path.join(folders[controller], name)):
        quotas = (_quota(version, one) for one in _up(folders[controller]))
        found["cpus"] = min((quota for quota in quotas if quota is not None), default=NONE)
    for key, (controller, name) in FILES[version].items():
        if controller in folders and os.path.exists(os.path.join(folders[controller], name)):
            limits = (parse_limit(_read(os.path.join(one, name))) for one in _up(folders[controller]))
            found[key] = min((limit for limit in limits if limit is not None), default=NONE)
    return found


def read_ulimits() -> dict[str, object]:
    """The soft limits that this process was started with, and passes on, by their names in setrlimit(2)."""
    found = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[0] for name in ULIMITS}
    return {name: NONE if limit == resource.RLIM_INFINITY else limit for name, limit in found.items()}


def _up(folder: str) -> list[str]:
    return [folder, *groups_above(folder)]


def _quota(version: int, folder: str) -> float | None:
    if version == 2:
        words = _read(os.path.join(folder, "cpu.max")).split()
    else:
        words = [_read(os.path.join(folder, f"cpu.cfs_{name}_us")).strip() for name in ("quota", "period")]
    try:
        quota, period = (int(word) for word in words)
    except ValueError:  # "max 100000", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None


def _list(cpus: set[int]) -> str:
    """Numbers of CPUs in the kernel's form, as in ``0-3,8``."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1] = [parts[-1][0], cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, part)) for part in parts)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
