"""One moment of a control group: every figure that either version may offer."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Reading(NamedTuple):
    """Counters grow from the group's birth, gauges are of the moment. ``None``: see ``Group.reasons``."""

    cpu_total_s: float | None = None
    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_s: float | None = None
    cpu_some_s: float | None = None
    cpu_full_s: float | None = None
    memory_bytes: int | None = None
    memory_peak_bytes: int | None = None
    anon_bytes: int | None = None
    file_bytes: int | None = None
    swap_bytes: int | None = None
    swap_peak_bytes: int | None = None
    memory_limit_bytes: int | None = None
    oom_kills: int | None = None
    memory_some_s: float | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None
    io_some_s: float | None = None
    pids: int | None = None
    pids_peak: int | None = None
    pids_limit_hits: int | None = None


class Group(Protocol):
    """A control group (or what stands in for one) that is read again and again."""

    reasons: dict[str, str]
    """Why a field of the reading is ``None``."""

    sources: dict[str, str]
    """Where a field of the reading comes from, if not from the group itself."""

    @property
    def version(self) -> int | None:
        """1, 2, or ``None`` where there is no group of our own."""
        ...

    @property
    def peak_is_fresh(self) -> bool:
        """Whether the peak counter was reset, so that it holds nothing from before."""
        ...

    def read(self) -> Reading:
        """Read everything now."""
        ...

    def reset_peak(self) -> None:
        """Start the peak counters anew where the kernel permits it."""
        ...

    def members(self) -> list[int]:
        """The processes in the group and below it, by number; empty where there is no group."""
        ...

    def joins(self) -> list[str]:
        """The files that a process writes its number into to enter the group."""
        ...

    def describe(self) -> dict[str, object]:
        """What the record says of the group."""
        ...

    def close(self) -> None:
        """Close the open files."""
        ...
