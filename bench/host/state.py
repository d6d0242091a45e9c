"""What changes by the minute on a machine: recorded before and after a run, never part of its identity."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.host.kernel_files import STATE_FILES, read_texts
from bench.host.procfs import (
    parse_chosen,
    parse_cpu_times,
    parse_meminfo,
    parse_pressure,
    parse_stanzas,
)
from bench.host.sensors import cpu_temperature_c
from bench.record.schema import HostState

WINDOW_S = 0.25
"""How long the steal ratio is followed, at least; at 100 ticks a second that is a resolution of 4 % on one CPU."""
STALE_S = 5.0
"""What was read earlier than so long ago tells of another time."""

_POLICY = re.compile(r"/sys/devices/system/cpu/cpufreq/policy\d+/(\w+)")


@dataclass(frozen=True, slots=True)
class Earlier:
    """``/proc/stat`` of a moment, and the moment by the monotonic clock."""

    stat: str
    at_s: float


def read_earlier(root: str = "/") -> Earlier:
    """What a state that is read later measures the steal ratio from."""
    return Earlier(read_texts(("/proc/stat",), root).get("/proc/stat", ""), time.monotonic())


def read_state(
    earlier: Earlier | None = None, root: str = "/", window_s: float = WINDOW_S
) -> tuple[HostState, dict[str, str]]:
    """The state of this machine now, and for each field without a value the reason.

    Args:
        earlier: the beginning of the window in which the steal ratio is followed; it begins now if none is given, or
            if that was too long ago.
        root: the folder that holds ``/proc`` and ``/sys``.
        window_s: the least length of the window; what is left of it is waited for.
    """
    if earlier is None or time.monotonic() - earlier.at_s > max(STALE_S, window_s):
        earlier = read_earlier(root)
    time.sleep(max(earlier.at_s + window_s - time.monotonic(), 0.0))
    return parse_state(read_texts(STATE_FILES, root), earlier.stat)


def parse_state(texts: Mapping[str, str], earlier_stat: str = "") -> tuple[HostState, dict[str, str]]:
    """The state that ``texts`` describe; ``earlier_stat`` is /proc/stat from a moment before, for the steal ratio."""
    memory = parse_meminfo(texts.get("/proc/meminfo", ""))
    has_swap = "SwapTotal" in memory and "SwapFree" in memory
    pressure = {name: parse_pressure(texts.get(f"/proc/pressure/{name}", "")) for name in ("cpu", "memory", "io")}
    no_pressure = "the kernel keeps no pressure figures (CONFIG_PSI off, or not booted with psi=1)"
    values: dict[str, tuple[object, str]] = {
        "load": (_load(texts.get("/proc/loadavg", "")), "/proc/loadavg is not readable"),
        "governor": (_joined(texts, "scaling_governor"), "the kernel offers no frequency control (usual in a VM)"),
        "boost": (_boost(texts), "the kernel has no switch for boost (usual in a VM)"),
        "frequency_hz": (_frequency(texts), "neither cpufreq nor /proc/cpuinfo gives a frequency"),
        "temperature_c": (cpu_temperature_c(texts), "no sensor of the CPU (usual in a VM)"),
        "thp": (
            parse_chosen(texts.get("/sys/kernel/mm/transparent_hugepage/enabled", "")),
            "the kernel has no transparent huge pages",
        ),
        "swap_used_bytes": (
            memory["SwapTotal"] - memory["SwapFree"] if has_swap else None,
            "/proc/meminfo has no swap figures",
        ),
        "steal_ratio": (
            steal_ratio(earlier_stat, texts.get("/proc/stat", "")),
            "/proc/stat did not move between two readings",
        ),
        "memory_available_bytes": (memory.get("MemAvailable"), "/proc/meminfo has no MemAvailable"),
    }
    for name, reading in pressure.items():
        values[f"pressure_{name}_some_avg10"] = (None if reading is None else reading.some_avg10, no_pressure)
    found = {field: value for field, (value, _) in values.items()}
    reasons = {field: reason for field, (value, reason) in values.items() if value is None}
    return HostState(**found), reasons  # type: ignore[arg-type]  # one mapping for fields of several types


def steal_ratio(earlier: str, later: str) -> float | None:
    """The share of all CPU time between two /proc/stat texts that the hypervisor took; as ``st`` in top(1)."""
    first, last = parse_cpu_times(earlier), parse_cpu_times(later)
    if first is None or last is None:
        return None
    stolen = last.steal_s - first.steal_s
    total = stolen + last.busy_s - first.busy_s + last.idle_s - first.idle_s
    return stolen / total if total > 0 else None


def _load(text: str) -> float | None:
    match = re.match(r"\d+\.\d+", text)
    return None if match is None else float(match[0])


def _of_policies(texts: Mapping[str, str], name: str) -> list[str]:
    """The values of one file over all frequency policies."""
    matches = ((_POLICY.fullmatch(path), text) for path, text in texts.items())
    return [text.strip() for match, text in matches if match is not None and match[1] == name]


def _joined(texts: Mapping[str, str], name: str) -> str | None:
    return ", ".join(sorted(set(_of_policies(texts, name)))) or None


def _boost(texts: Mapping[str, str]) -> bool | None:
    """Whether the CPU may run above its nominal frequency: intel_pstate's switch, or that of the other drivers."""
    if "/sys/devices/system/cpu/intel_pstate/no_turbo" in texts:
        return texts["/sys/devices/system/cpu/intel_pstate/no_turbo"].strip() == "0"
    switches = [texts.get("/sys/devices/system/cpu/cpufreq/boost", ""), *_of_policies(texts, "boost")]
    known = [switch.strip() for switch in switches if switch.strip() in ("0", "1")]
    return "1" in known if known else None


def _frequency(texts: Mapping[str, str]) -> float | None:
    """The mean over the frequency policies in Hz (cpufreq counts in kHz), else of /proc/cpuinfo's MHz."""
    values = [float(text) * 1e3 for text in _of_policies(texts, "scaling_cur_freq") if text.isdigit()]
    if not values:
        megahertz = (stanza.get("cpu MHz", "") for stanza in parse_stanzas(texts.get("/proc/cpuinfo", "")))
        values = [float(text) * 1e6 for text in megahertz if re.fullmatch(r"\d+(\.\d+)?", text)]
    return sum(values) / len(values) if values else None
