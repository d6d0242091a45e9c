"""Reads a version 2 control group (Linux: Documentation/admin-guide/cgroup-v2.rst)."""

from __future__ import annotations

import os

from .above import Above, with_above
from .files import Files, read_members
from .limits import read_limits
from .parse import parse_io_stat, parse_keyed, parse_limit, parse_number, parse_pressure
from .reading import Reading

SOURCES = {
    "cpu.stat": (
        "cpu_total_s",
        "cpu_user_s",
        "cpu_system_s",
        "periods",
        "throttled_periods",
        "throttled_s",
    ),
    "cpu.pressure": ("cpu_some_s", "cpu_full_s"),
    "memory.current": ("memory_bytes",),
    "memory.peak": ("memory_peak_bytes",),
    "memory.stat": ("anon_bytes", "file_bytes", "minor_faults", "major_faults"),
    "memory.swap.current": ("swap_bytes",),
    "memory.swap.peak": ("swap_peak_bytes",),
    "memory.max": ("memory_limit_bytes",),
    "memory.events": ("oom_kills",),
    "memory.pressure": ("memory_some_s",),
    "io.stat": ("read_bytes", "write_bytes"),
    "io.pressure": ("io_some_s",),
    "pids.current": ("pids",),
    "pids.peak": ("pids_peak",),
    "pids.events": ("pids_limit_hits",),
}


class V2Group:
    """One group of the unified hierarchy. ``inside`` says whether the supervisor lives in it too."""

    def __init__(self, folder: str, inside: bool, facts: dict[str, object] | None = None) -> None:
        self._folder = folder
        self._inside = inside
        self._facts = facts or {}
        self._files = Files({name: os.path.join(folder, name) for name in SOURCES})
        self._above = Above(folder, "throttled_usec", ("memory.max",))
        self._fresh = False
        self.reasons: dict[str, str] = {}
        self.sources: dict[str, str] = {}

    @property
    def version(self) -> int | None:
        """2."""
        return 2

    @property
    def peak_is_fresh(self) -> bool:
        """Whether ``memory.peak`` was reset (Linux 6.12) before the child started."""
        return self._fresh

    def read(self) -> Reading:
        """Read everything now. Microseconds become seconds; the minor faults are the faults less the major ones."""
        text = {name: self._files.read(name) or "" for name in SOURCES}
        cpu = parse_keyed(text["cpu.stat"])
        stat = parse_keyed(text["memory.stat"])
        pressure = {name: parse_pressure(text[f"{name}.pressure"]) for name in ("cpu", "memory", "io")}
        faults, major = stat.get("pgfault"), stat.get("pgmajfault")
        io = parse_io_stat(text["io.stat"]) if "io.stat" not in self._files.absent else (None, None)
        reading = Reading(
            cpu_total_s=_seconds(cpu.get("usage_usec")),
            cpu_user_s=_seconds(cpu.get("user_usec")),
            cpu_system_s=_seconds(cpu.get("system_usec")),
            periods=cpu.get("nr_periods"),
            throttled_periods=cpu.get("nr_throttled"),
            throttled_s=_seconds(cpu.get("throttled_usec")),
            cpu_some_s=pressure["cpu"].get("some"),
            cpu_full_s=pressure["cpu"].get("full"),
            memory_bytes=parse_number(text["memory.current"]),
            memory_peak_bytes=parse_number(text["memory.peak"]),
            anon_bytes=stat.get("anon"),
            file_bytes=stat.get("file"),
            swap_bytes=parse_number(text["memory.swap.current"]),
            swap_peak_bytes=parse_number(text["memory.swap.peak"]),
            memory_limit_bytes=self._limit(text["memory.max"]),
            oom_kills=parse_keyed(text["memory.events"]).get("oom_kill"),
            memory_some_s=pressure["memory"].get("some"),
            minor_faults=None if faults is None or major is None else faults - major,
            major_faults=major,
            read_bytes=io[0],
            write_bytes=io[1],
            io_some_s=pressure["io"].get("some"),
            pids=parse_number(text["pids.current"]),
            pids_peak=parse_number(text["pids.peak"]),
            pids_limit_hits=parse_keyed(text["pids.events"]).get("max"),
        )
        reading, by = with_above(reading, self._above.throttled(), 1e-6)
        if by is not None:
            self.sources["throttled_s"] = f"cgroup v2, {by}"
        self._explain(reading)
        return reading

    def reset_peak(self) -> None:
        """Reset ``memory.peak`` and ``memory.swap.peak`` for our own open files (Linux 6.12)."""
        self._fresh = self._files.reset("memory.peak")
        self._files.reset("memory.swap.peak")

    def members(self) -> list[int]:
        """The processes in the group and below it."""
        return read_members(self._folder)

    def joins(self) -> list[str]:
        """The group's ``cgroup.procs``; empty where the supervisor is inside and its children are born there."""
        return [] if self._inside else [os.path.join(self._folder, "cgroup.procs")]

    def describe(self) -> dict[str, object]:
        """Version, folder, and what is known of the place."""
        limits = read_limits(2, {"": self._folder}, inside=self._inside)
        place = {"path": self._folder, "supervisor_inside": self._inside, "limits": limits}
        return {"version": 2, **place, **self._facts}

    def close(self) -> None:
        """Close the open files."""
        self._files.close()
        self._above.close()

    def _limit(self, own: str) -> int | None:
        """The group's own memory limit, or the smallest of the groups above that can be seen."""
        least = parse_limit(own)
        self.sources.pop("memory_limit_bytes", None)
        for path, text in self._above.read("memory.max").items():
            limit = parse_limit(text)
            if limit is not None and (least is None or limit < least):
                least = limit
                self.sources["memory_limit_bytes"] = f"cgroup v2, a group above ({path})"
        return least

    def _explain(self, reading: Reading) -> None:
        for name, fields in SOURCES.items():
            for field in fields:
                if getattr(reading, field) is None and field not in self.reasons:
                    self.reasons[field] = self._files.absent.get(name) or _unnamed(name, field)


def _unnamed(name: str, field: str) -> str:
    if field == "memory_limit_bytes":
        return "memory.max says max: no limit is set on the group, nor on those above that can be seen"
    if field in ("periods", "throttled_periods", "throttled_s"):
        return "cpu.stat has no throttling figures: the cpu controller is not enabled for the group"
    if field == "cpu_full_s":
        return f"cpu.pressure has no full line (needs Linux 5.13; this is Linux {os.uname().release})"
    return f"{name} does not hold it on Linux {os.uname().release}"


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1e6
