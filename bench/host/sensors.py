"""The CPU's temperature, from hwmon or else the thermal zones (kernel: Documentation/hwmon/sysfs-interface.rst): pure.

Other sensors (disks, network cards, the embedded controller) can take tens of milliseconds to answer; a sampler asks
only the files that :func:`cpu_sensor_paths` names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CPU_DRIVERS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "scpi_sensors", "apm_xgene")
CPU_ZONES = re.compile(r"x86_pkg_temp|cpu|soc", re.IGNORECASE)
_DEFAULT_LIMIT_C = 95.0
"""Where no sensor says what is critical; the processors of the last ten years throttle between 90 and 105 °C."""


def cpu_sensor_paths(texts: Mapping[str, str]) -> tuple[str, ...]:
    """The files that hold temperatures of the CPU, in thousandths of a degree Celsius."""
    folders = [
        path.rsplit("/", 1)[0]
        for path, text in texts.items()
        if re.fullmatch(r"/sys/class/hwmon/hwmon\d+/name", path) and text.strip() in CPU_DRIVERS
    ]
    paths = [path for path in texts for folder in folders if re.fullmatch(rf"{re.escape(folder)}/temp\d+_input", path)]
    if not paths:
        zones = [
            path.rsplit("/", 1)[0]
            for path, text in texts.items()
            if re.fullmatch(r"/sys/class/thermal/thermal_zone\d+/type", path) and CPU_ZONES.match(text.strip())
        ]
        paths = [f"{zone}/temp" for zone in zones if f"{zone}/temp" in texts]
    return tuple(sorted(paths))


def cpu_temperature_c(texts: Mapping[str, str]) -> float | None:
    """The hottest of the CPU's sensors, in °C."""
    readings = (parse_millidegrees(texts[path]) for path in cpu_sensor_paths(texts))
    return max((reading for reading in readings if reading is not None), default=None)


def cpu_limit_c(texts: Mapping[str, str]) -> float:
    """The temperature that the hottest permitted sensor calls critical, in °C; 95 if none says."""
    inputs = (path for path in cpu_sensor_paths(texts) if path.endswith("_input"))
    limits = (parse_millidegrees(texts.get(path.replace("_input", "_crit"), "")) for path in inputs)
    known = [limit for limit in limits if limit is not None and limit > 50]
    return min(known, default=_DEFAULT_LIMIT_C)


def parse_millidegrees(text: str) -> float | None:
    """°C of a sensor's text; ``None`` for what is no number or no temperature (a broken sensor says -128 or 0)."""
    match = re.fullmatch(r"-?\d+", text.strip())
    value = int(match[0]) / 1000 if match else 0.0
    return value if 0 < value < 150 else None
