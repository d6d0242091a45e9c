"""Reads the machine for a bundle: processor, frequency policy, sensors, disk. What is missing is said, never fatal."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.record.evidence import Answer, answers_txt

_CPUFREQ = Path("/sys/devices/system/cpu/cpufreq")
_POLICY_FILES = (
    "scaling_driver",
    "scaling_governor",
    "energy_performance_preference",
    "scaling_min_freq",
    "scaling_max_freq",
    "cpuinfo_max_freq",
    "scaling_cur_freq",
)
_TIMEOUT_S = 10.0


def read_system_load(cpufreq: Path = _CPUFREQ) -> str:
    """``system_load.txt``: load, lscpu, the frequency policy and the sensors of this machine."""
    return answers_txt(
        (
            read_load(),
            read_command("lscpu", ("lscpu",)),
            read_frequency_policy(cpufreq),
            read_command("sensors", ("sensors",)),
        )
    )


def read_disk_usage(folder: Path) -> str:
    """``disk_usage.txt``: ``df -h`` of the file system that holds ``folder`` or will hold it."""
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    return answers_txt((read_command("df -h", ("df", "-h", "--", str(nearest))),))


def read_load() -> Answer:
    """The three load averages."""
    try:
        return Answer("load averages over 1, 5 and 15 minutes", " ".join(f"{load:.2f}" for load in os.getloadavg()))
    except OSError as error:
        return Answer("load averages", None, str(error))


def read_command(title: str, argv: Sequence[str]) -> Answer:
    """What a command says, in the C locale; a missing, failing or hanging one gives the reason."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return Answer(title, None, f"{argv[0]} is not installed")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(title, None, str(error))
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Answer(title, None, f"{argv[0]} ended with {done.returncode}" + (f": {said[-1]}" if said else ""))
    return Answer(title, done.stdout.decode("utf-8", "replace"))


def read_frequency_policy(cpufreq: Path = _CPUFREQ) -> Answer:
    """Driver, governor and frequency bounds (kHz) by group of CPUs with the same, and boost, as the kernel has them."""
    title = "frequency policy"
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for policy in sorted(cpufreq.glob("policy[0-9]*"), key=lambda path: int(path.name.removeprefix("policy") or 0)):
        values = tuple(
            f"  {name}: {value}" for name in _POLICY_FILES[:-1] if (value := _read(policy / name)) is not None
        )
        groups[values].append(policy.name.removeprefix("policy"))
    if not groups:
        return Answer(title, None, "this kernel shows no cpufreq, as in most virtual machines")
    lines = [f"CPUs {','.join(cpus)}:\n" + "\n".join(values) for values, cpus in groups.items()]
    now = [
        value
        for policy in sorted(cpufreq.glob("policy[0-9]*"))
        if (value := _read(policy / _POLICY_FILES[-1])) is not None
    ]
    if now:
        lines.append(f"current kHz: {' '.join(now)}")
    boost = _read(cpufreq / "boost")
    lines.append(f"boost: {boost if boost is not None else 'not shown by this driver'}")
    return Answer(title, "\n".join(lines))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
