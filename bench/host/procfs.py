"""Parse the kernel's small text files (proc(5), and Documentation/accounting/psi.rst for pressure): pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

TICKS_PER_S = 100
"""``USER_HZ``, the unit of /proc/stat: 100 on x86-64 and aarch64, whatever ``CONFIG_HZ`` is."""


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """CPU seconds of all CPUs since boot: at work, taken by the hypervisor, and the rest."""

    busy_s: float
    steal_s: float
    idle_s: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """One file of /proc/pressure: percent of the last 10 s, and seconds since boot, in which some task waited."""

    some_avg10: float
    some_total_s: float


def parse_cpu_times(text: str) -> CpuTimes | None:
    """The ``cpu`` line of /proc/stat. Guest time is within user time already and is not counted twice."""
    match = re.search(r"^cpu +([\d ]+)$", text, re.MULTILINE)
    if match is None:
        return None
    ticks = [int(field) for field in match[1].split()]
    if len(ticks) < 8:
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = (tick / TICKS_PER_S for tick in ticks[:8])
    return CpuTimes(user + nice + system + irq + softirq, steal, idle + iowait)


def parse_meminfo(text: str) -> dict[str, int]:
    """/proc/meminfo in bytes by name."""
    return {match[1]: int(match[2]) * 1024 for match in re.finditer(r"^(\S+):\s+(\d+) kB$", text, re.MULTILINE)}


def parse_pressure(text: str) -> Pressure | None:
    """The ``some`` line of a pressure file; ``total`` is in microseconds there."""
    match = re.search(r"^some avg10=([\d.]+) .*total=(\d+)", text, re.MULTILINE)
    return None if match is None else Pressure(float(match[1]), int(match[2]) / 1e6)


def parse_chosen(text: str) -> str | None:
    """The bracketed word of a file such as ``always [madvise] never``."""
    match = re.search(r"\[([^\]]+)\]", text)
    return None if match is None else match[1]


def parse_stanzas(text: str) -> list[dict[str, str]]:
    """/proc/cpuinfo as one mapping a processor."""
    stanzas: list[dict[str, str]] = []
    for line in text.splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key == "processor":
            stanzas.append({})
        if colon and stanzas:
            stanzas[-1].setdefault(key, value)
    return stanzas
