"""Reads the version 1 control groups of a process (Linux: Documentation/admin-guide/cgroup-v1/)."""

from __future__ import annotations

import os

from .above import Above, with_above
from .files import Files, read_members
from .limits import read_limits
from .parse import NO_LIMIT, parse_blkio, parse_keyed, parse_limit, parse_number
from .reading import Reading

NO_PSI = "cgroup v1 has no pressure files of a group"
SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "cpuacct.usage": ("cpuacct", ("cpu_total_s",)),
    "cpuacct.stat": ("cpuacct", ("cpu_user_s", "cpu_system_s")),
    "cpu.stat": ("cpu", ("periods", "throttled_periods", "throttled_s")),
    "memory.usage_in_bytes": ("memory", ("memory_bytes",)),
    "memory.max_usage_in_bytes": ("memory", ("memory_peak_bytes",)),
    "memory.stat": ("memory", ("anon_bytes", "file_bytes", "swap_bytes", "minor_faults", "major_faults")),
    "memory.limit_in_bytes": ("memory", ("memory_limit_bytes",)),
    "memory.oom_control": ("memory", ("oom_kills",)),
    "blkio.throttle.io_service_bytes_recursive": ("blkio", ("read_bytes", "write_bytes")),
    "pids.current": ("pids", ("pids",)),
    "pids.peak": ("pids", ("pids_peak",)),
    "pids.events": ("pids", ("pids_limit_hits",)),
}
NEVER = {
    "cpu_some_s": NO_PSI,
    "cpu_full_s": NO_PSI,
    "memory_some_s": NO_PSI,
    "io_some_s": NO_PSI,
    "swap_peak_bytes": "cgroup v1 keeps no peak of swap alone (memory.memsw.* counts memory and swap together)",
}


class V1Group:
    """The groups of one process in the version 1 hierarchies.

    Args:
        folders: controller to its folder. A controller that is missing, or whose group is shared with others,
            is left out.
        inside: whether the supervisor lives in them too.
    """

    def __init__(self, folders: dict[str, str], inside: bool, facts: dict[str, object] | None = None) -> None:
        self._folders = folders
        self._inside = inside
        self._facts = facts or {}
        self._files = Files(
            {
                name: os.path.join(folders[controller], name) if controller in folders else None
                for name, (controller, _) in SOURCES.items()
            }
        )
        self._above = Above(folders.get("cpu"), "throttled_time")
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._fresh = False
        self.reasons: dict[str, str] = dict(NEVER)
        self.sources: dict[str, str] = {}

    @property
    def version(self) -> int | None:
        """1."""
        return 1

    @property
    def peak_is_fresh(self) -> bool:
        """Whether ``memory.max_usage_in_bytes`` was reset before the child started."""
        return self._fresh

    def read(self) -> Reading:
        """Read everything now.

        The total is ``cpuacct.usage`` (ns). The split is ``cpuacct.stat`` (ticks of USER_HZ): the kernel scales it to
        the exact run time, which it does not do for ``cpuacct.usage_user`` and ``_sys``.
        """
        text = {name: self._files.read(name) or "" for name in SOURCES}
        usage = parse_number(text["cpuacct.usage"])
        split = parse_keyed(text["cpuacct.stat"])
        cpu = parse_keyed(text["cpu.stat"])
        stat = parse_keyed(text["memory.stat"])
        faults, major = stat.get("total_pgfault"), stat.get("total_pgmajfault")
        throttled = cpu.get("throttled_time")
        blkio = "blkio.throttle.io_service_bytes_recursive"
        io = parse_blkio(text[blkio]) if blkio not in self._files.absent else (None, None)
        reading = Reading(
            cpu_total_s=None if usage is None else usage / 1e9,
            cpu_user_s=self._from_ticks(split.get("user")),
            cpu_system_s=self._from_ticks(split.get("system")),
            periods=cpu.get("nr_periods"),
            throttled_periods=cpu.get("nr_throttled"),
            throttled_s=None if throttled is None else throttled / 1e9,
            memory_bytes=parse_number(text["memory.usage_in_bytes"]),
            memory_peak_bytes=parse_number(text["memory.max_usage_in_bytes"]),
            anon_bytes=stat.get("total_rss"),
            file_bytes=stat.get("total_cache"),
            swap_bytes=stat.get("total_swap"),
            memory_limit_bytes=self._limit(text["memory.limit_in_bytes"], stat.get("hierarchical_memory_limit")),
            oom_kills=parse_keyed(text["memory.oom_control"]).get("oom_kill"),
            minor_faults=None if faults is None or major is None else faults - major,
            major_faults=major,
            read_bytes=io[0],
            write_bytes=io[1],
            pids=parse_number(text["pids.current"]),
            pids_peak=parse_number(text["pids.peak"]),
            pids_limit_hits=parse_keyed(text["pids.events"]).get("max"),
        )
        reading, by = with_above(reading, self._above.throttled(), 1e-9)
        if by is not None:
            self.sources["throttled_s"] = f"cgroup v1, {by}"
        self._explain(reading)
        return reading

    def reset_peak(self) -> None:
        """Reset ``memory.max_usage_in_bytes`` where we may write to it."""
        self._fresh = self._files.reset("memory.max_usage_in_bytes")

    def members(self) -> list[int]:
        """The processes in the groups and below them, over all the hierarchies."""
        return sorted({pid for folder in set(self._folders.values()) for pid in read_members(folder)})

    def joins(self) -> list[str]:
        """The groups' ``cgroup.procs``; empty where the supervisor is inside and its children are born there."""
        if self._inside:
            return []
        return [os.path.join(folder, "cgroup.procs") for folder in sorted(set(self._folders.values()))]

    def describe(self) -> dict[str, object]:
        """Version, folders, and what is known of the place."""
        limits = read_limits(1, self._folders, inside=self._inside)
        place = {"paths": dict(self._folders), "supervisor_inside": self._inside, "limits": limits}
        return {"version": 1, **place, **self._facts}

    def close(self) -> None:
        """Close the open files."""
        self._files.close()
        self._above.close()

    def _limit(self, own: str, of_all: int | None) -> int | None:
        """The group's own memory limit, or a smaller one of a group above, which ``memory.stat`` knows."""
        limit = parse_limit(own)
        self.sources.pop("memory_limit_bytes", None)
        if of_all is None or of_all >= NO_LIMIT or (limit is not None and limit <= of_all):
            return limit
        self.sources["memory_limit_bytes"] = "cgroup v1, a group above (memory.stat: hierarchical_memory_limit)"
        return of_all

    def _from_ticks(self, ticks: int | None) -> float | None:
        return None if ticks is None else ticks / self._ticks

    def _explain(self, reading: Reading) -> None:
        for name, (_, fields) in SOURCES.items():
            for field in fields:
                if getattr(reading, field) is None and field not in self.reasons:
                    self.reasons[field] = self._files.absent.get(name) or _unnamed(name, field)


def _unnamed(name: str, field: str) -> str:
    if field == "memory_limit_bytes":
        return "memory.limit_in_bytes: no limit is set on the group"
    if field == "swap_bytes":
        return "memory.stat has no total_swap: needs swap accounting (kernel parameter swapaccount=1)"
    if field == "oom_kills":
        return f"memory.oom_control has no oom_kill count (needs Linux 4.13; this is Linux {os.uname().release})"
    return f"{name} does not hold it on Linux {os.uname().release}"
