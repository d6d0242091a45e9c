"""The two texts that a bundle keeps of a machine: ``env/system_load.txt`` and ``env/disk_usage.txt``.

For people, and for a question that the record has no field for. A command that is missing or fails leaves
a line saying so and stops nothing. Every command runs with ``LC_ALL=C`` and a time limit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.cpuset import parse_cpu_list
from bench.host.kernel_files import FREQUENCY_FILES, SENSOR_FILES, read_texts

LONGEST_S = 15.0
_POLICY = re.compile(r"/sys/devices/system/cpu/cpufreq/policy(\d+)/(\w+)")
_SENSOR = re.compile(r"(/sys/class/hwmon/hwmon\d+)/temp(\d+)_input")


def read_system_load() -> str:
    """lscpu, the load, the frequency policy of each group of CPUs, and the sensors."""
    parts = [
        run_command(("lscpu",)),
        _load_line(),
        frequency_policies(read_texts(FREQUENCY_FILES)),
        run_command(("sensors",)),
        temperatures(read_texts(SENSOR_FILES)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def read_disk_usage(path: Path) -> str:
    """``df -h`` of the file system that holds ``path``, or will hold it."""
    nearest = path.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    return without_servers(run_command(("df", "-h", "--", str(nearest)))).strip() + "\n"


def run_command(command: Sequence[str]) -> str:
    """Standard output of a command; if it has none to give, one line that gives the reason."""
    name = command[0]
    found = shutil.which(name)
    if found is None:
        return f"{name}: not installed on this machine"
    try:
        answer = subprocess.run(
            [found, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_S,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"{name}: no answer within {LONGEST_S:.0f} s"
    except OSError as error:
        return f"{name}: could not be started: {error.strerror}"
    if answer.returncode != 0 or not answer.stdout.strip():
        reason = (answer.stderr.strip().splitlines() or ["no output"])[0]
        return f"{name}: ended with {answer.returncode}: {reason}"
    return answer.stdout


def frequency_policies(texts: Mapping[str, str]) -> str:
    """The cpufreq policies, those that agree in everything but the current frequency under one heading.

    Args:
        texts: the files of :data:`bench.host.kernel_files.FREQUENCY_FILES`; cpufreq counts in kHz.
    """
    policies: dict[int, dict[str, str]] = {}
    for path, text in texts.items():
        match = _POLICY.fullmatch(path)
        if match is not None:
            policies.setdefault(int(match[1]), {})[match[2]] = text.strip()
    if not policies:
        return "frequency policy: the kernel offers no frequency control on this machine (usual in a VM)"
    groups: dict[tuple[tuple[str, str], ...], list[dict[str, str]]] = {}
    for _, policy in sorted(policies.items()):
        same = {name: value for name, value in policy.items() if name not in ("affected_cpus", "scaling_cur_freq")}
        groups.setdefault(tuple(sorted(same.items())), []).append(policy)
    lines = [line for members in groups.values() for line in _policy_lines(members)]
    switches = {"boost": "/sys/devices/system/cpu/cpufreq/boost", "no_turbo": FREQUENCY_FILES[1]}
    lines += [f"  {name}: {texts[path].strip()}" for name, path in switches.items() if path in texts]
    return "\n".join(lines)


def temperatures(texts: Mapping[str, str]) -> str:
    """Every temperature that hwmon gives, by driver and label, in °C; for machines without lm-sensors."""
    lines = []
    for path, text in sorted(texts.items()):
        match = _SENSOR.fullmatch(path)
        if match is None or not re.fullmatch(r"-?\d+", text.strip()):
            continue
        driver = texts.get(f"{match[1]}/name", "hwmon").strip()
        label = texts.get(f"{match[1]}/temp{match[2]}_label", f"temp{match[2]}").strip()
        lines.append(f"  {driver} {label}: {int(text) / 1000:.1f} °C")
    return "\n".join(["temperatures (hwmon):", *lines]) if lines else "temperatures: the kernel gives none"


def without_servers(text: str) -> str:
    """A df table in which a network file system does not name its server: ``nas.example:/home`` is ``(network)``."""
    return re.sub(r"^(?:[\w.\-\[\]]+:/\S*|//\S+|\S+@\S+:\S*)", "(network)", text, flags=re.MULTILINE)


def _policy_lines(members: Sequence[Mapping[str, str]]) -> list[str]:
    first = members[0]
    cpus = sorted(
        cpu for member in members for cpu in parse_cpu_list(member.get("affected_cpus", "").replace(" ", ","))
    )
    now = [int(member["scaling_cur_freq"]) for member in members if member.get("scaling_cur_freq", "").isdigit()]
    lines = [
        f"frequency policy of CPUs {_ranges(cpus)}:",
        f"  driver: {first.get('scaling_driver', 'not known')}",
        f"  governor: {first.get('scaling_governor', 'not known')}",
        f"  hardware limits: {_range(first, 'cpuinfo_min_freq', 'cpuinfo_max_freq')}",
        f"  policy: {_range(first, 'scaling_min_freq', 'scaling_max_freq')}",
    ]
    if "energy_performance_preference" in first:
        lines.append(f"  energy performance preference: {first['energy_performance_preference']}")
    if now:
        lines.append(f"  now: {_gigahertz(min(now))} to {_gigahertz(max(now))}")
    return lines


def _range(policy: Mapping[str, str], low: str, high: str) -> str:
    ends = [policy.get(low, ""), policy.get(high, "")]
    return " to ".join(_gigahertz(int(end)) if end.isdigit() else "not known" for end in ends)


def _gigahertz(kilohertz: int) -> str:
    return f"{kilohertz / 1e6:.2f} GHz"


def _ranges(numbers: Sequence[int]) -> str:
    """0, 1, 2, 3, 8 as ``0-3,8``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans) or "not known"


def _load_line() -> str:
    text = read_texts(("/proc/loadavg",)).get("/proc/loadavg")
    return f"load average (1, 5, 15 min): {' '.join(text.split()[:3])}" if text else "load average: not readable"
