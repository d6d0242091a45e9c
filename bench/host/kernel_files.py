"""Which kernel files describe a machine, and their text: the one place of this package that opens them.

Everything that reads meaning into a text is pure and takes the mapping of path to text. Serial numbers, UUIDs and host
names are left out here, before anything can store them.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path

CLASS_FILES = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/kernel/osrelease",
    "/proc/driver/nvidia/version",
    "/proc/driver/nvidia/gpus/*/information",
    "/proc/device-tree/hypervisor/compatible",
    "/sys/devices/system/cpu/cpu[0-9]*/topology/core_cpus_list",
    "/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/node/online",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "/sys/devices/virtual/dmi/id/sys_vendor",
    "/sys/devices/virtual/dmi/id/product_name",
    "/sys/devices/virtual/dmi/id/bios_vendor",
    "/sys/hypervisor/type",
)
"""What decides the class of a machine."""

SENSOR_FILES = (
    "/sys/class/hwmon/hwmon*/name",
    "/sys/class/hwmon/hwmon*/temp*_input",
    "/sys/class/hwmon/hwmon*/temp*_label",
    "/sys/class/hwmon/hwmon*/temp*_crit",
    "/sys/class/thermal/thermal_zone*/type",
    "/sys/class/thermal/thermal_zone*/temp",
)
FREQUENCY_FILES = (
    "/sys/devices/system/cpu/cpufreq/boost",
    "/sys/devices/system/cpu/intel_pstate/no_turbo",
    *(
        f"/sys/devices/system/cpu/cpufreq/policy*/{name}"
        for name in (
            "affected_cpus",
            "boost",
            "cpuinfo_max_freq",
            "cpuinfo_min_freq",
            "energy_performance_preference",
            "scaling_cur_freq",
            "scaling_driver",
            "scaling_governor",
            "scaling_max_freq",
            "scaling_min_freq",
        )
    ),
)
STATE_FILES = (
    "/proc/cpuinfo",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/pressure/*",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    *FREQUENCY_FILES,
    *SENSOR_FILES,
)
"""What decides the state of a machine."""

_CPUINFO_KEYS = re.compile(
    r"processor|vendor_id|model name|cpu model|stepping|microcode|physical id|core id|cpu MHz"
    r"|CPU (implementer|variant|part|revision)"
)
_MEMINFO_KEYS = re.compile(r"MemTotal|MemAvailable|SwapTotal|SwapFree")


def read_texts(patterns: Iterable[str], root: str = "/") -> dict[str, str]:
    """Return the text of every file that matches one of ``patterns``, by its absolute path as seen from ``root``.

    A file that is absent, empty or not readable has no entry: a reader takes that as "the kernel does not say".
    """
    texts: dict[str, str] = {}
    base = root.rstrip("/")
    for pattern in patterns:
        for path in sorted(glob.glob(glob.escape(base) + pattern)):  # noqa: PTH207 - Path.glob takes no absolute pattern
            try:
                text = Path(path).read_text(encoding="utf-8", errors="replace").replace("\0", " ").strip()
            except OSError:
                continue
            if text:
                texts[path[len(base) :]] = without_identifiers(path[len(base) :], text)
    return texts


def without_identifiers(path: str, text: str) -> str:
    """Drop what could name one single machine (a board's serial in cpuinfo, a GPU's UUID) and what nobody reads."""
    if path == "/proc/cpuinfo":
        return "\n".join(line for line in map(_cpuinfo_line, text.splitlines()) if line)
    if path == "/proc/meminfo":
        return "\n".join(line for line in text.splitlines() if _MEMINFO_KEYS.match(line))
    if path == "/proc/stat":
        return text.splitlines()[0]
    if path.startswith("/proc/driver/nvidia/gpus/"):
        return "\n".join(line for line in text.splitlines() if line.startswith("Model:"))
    return text


def _cpuinfo_line(line: str) -> str:
    key, _, value = line.partition(":")
    if key.strip() == "flags":  # of a hundred, one says what the machine is: that there is a hypervisor under it
        return "flags: " + " ".join(flag for flag in value.split() if flag == "hypervisor")
    return line if _CPUINFO_KEYS.fullmatch(key.strip()) else ""
