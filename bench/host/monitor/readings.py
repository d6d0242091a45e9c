"""What the kernel's texts say at one moment of a machine that is monitored: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bench.host.kernel_files import FREQUENCY_FILES
from bench.host.procfs import parse_pressure
from bench.host.sensors import parse_millidegrees

PRESSURES = "/proc/pressure/*"
CPUINFO = "/proc/cpuinfo"
FREQUENCIES = next(path for path in FREQUENCY_FILES if path.endswith("scaling_cur_freq"))
_CPUS = "/sys/devices/system/cpu/cpu[0-9]*"
THROTTLE_FILES = (
    f"{_CPUS}/thermal_throttle/*_throttle_count",
    f"{_CPUS}/topology/core_id",
    f"{_CPUS}/topology/physical_package_id",
)


def waited_s(texts: Mapping[str, str]) -> dict[str, float | None]:
    """Return the seconds since boot in which some task waited for ``cpu``, ``memory`` and ``io``."""
    readings = {name: parse_pressure(texts.get(f"/proc/pressure/{name}", "")) for name in ("cpu", "memory", "io")}
    return {name: None if reading is None else reading.some_total_s for name, reading in readings.items()}


def hottest_c(texts: Mapping[str, str]) -> float | None:
    """Return the highest of the temperatures, in °C."""
    degrees = map(parse_millidegrees, texts.values())
    return max((one for one in degrees if one is not None), default=None)


def fastest_hz(texts: Mapping[str, str]) -> float | None:
    """Return the frequency of the fastest CPU: cpufreq counts in kHz; without it (a VM) /proc/cpuinfo tells MHz."""
    policies = [int(text) * 1e3 for path, text in texts.items() if path.endswith("scaling_cur_freq") and text.isdigit()]
    if policies:
        return max(policies)
    megahertz = re.findall(r"^cpu MHz\s*: (\d+(?:\.\d+)?)$", texts.get(CPUINFO, ""), re.MULTILINE)
    return max(map(float, megahertz)) * 1e6 if megahertz else None


def throttle_count(texts: Mapping[str, str]) -> int | None:
    """Return how often the thermal protection of all cores and packages acted; ``None`` if the kernel does not count.

    Each CPU shows the count of the core and of the package that it belongs to.
    """
    counts: dict[tuple[str, ...], int] = {}
    for path, text in texts.items():
        cpu, throttles, name = path.partition("/thermal_throttle/")
        if not throttles or not text.isdigit():
            continue
        package = texts.get(f"{cpu}/topology/physical_package_id", cpu)
        core = texts.get(f"{cpu}/topology/core_id", cpu)
        place = (name, package) if name.startswith("package") else (name, package, core)
        counts[place] = max(int(text), counts.get(place, 0))
    return sum(counts.values()) if counts else None
