"""Samples NVIDIA GPUs through ``nvidia-ml-py`` where it is installed beside the child and there is a driver; never
required.

NVML counts for whole devices, not for our processes: on a GPU that others use too, their work is in the figures.
Loading it costs the supervisor some megabytes, so it is not even looked for where no device is visible or the child is
told to use none.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

DEVICE_FILES = ("/dev/nvidiactl", "/dev/dxg")
HIDING = ("", "-1")
REASONS = {
    0x1: "gpu_idle",
    0x2: "applications_clocks_setting",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
}
"""What holds the clocks down (nvml.h, nvmlClocksEventReasons)."""

Read = Callable[[Any, Any], Any]


def read_reasons(nvml: Any, device: Any) -> list[str]:
    """What holds a device's clocks down now; older bindings call it throttling."""
    ask = getattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
    mask = int((ask or nvml.nvmlDeviceGetCurrentClocksThrottleReasons)(device))
    return [name for bit, name in REASONS.items() if mask & bit]


FACTS: dict[str, Read] = {
    "name": lambda nvml, device: _text(nvml.nvmlDeviceGetName(device)),
    "memory_bytes": lambda nvml, device: int(nvml.nvmlDeviceGetMemoryInfo(device).total),
    "vbios": lambda nvml, device: _text(nvml.nvmlDeviceGetVbiosVersion(device)),
    "power_limit_w": lambda nvml, device: nvml.nvmlDeviceGetEnforcedPowerLimit(device) / 1e3,
    "sm_clock_max_hz": lambda nvml, device: nvml.nvmlDeviceGetMaxClockInfo(device, nvml.NVML_CLOCK_SM) * 1e6,
    "compute_capability": lambda nvml, device: ".".join(map(str, nvml.nvmlDeviceGetCudaComputeCapability(device))),
}
"""What a device is. Its serial number and UUID are left out: they identify one machine and explain nothing."""

METERS: dict[str, Read] = {
    "utilization_ratio": lambda nvml, device: nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100,
    "memory_used_bytes": lambda nvml, device: int(nvml.nvmlDeviceGetMemoryInfo(device).used),
    "sm_clock_hz": lambda nvml, device: nvml.nvmlDeviceGetClockInfo(device, nvml.NVML_CLOCK_SM) * 1e6,
    "memory_clock_hz": lambda nvml, device: nvml.nvmlDeviceGetClockInfo(device, nvml.NVML_CLOCK_MEM) * 1e6,
    "power_w": lambda nvml, device: nvml.nvmlDeviceGetPowerUsage(device) / 1e3,
    "temperature_c": lambda nvml, device: float(
        nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU),
    ),
    "throttle_reasons": read_reasons,
}
"""What a device does at the moment; SI units."""


class Gpus:
    """The visible devices, sampled into ``path`` (CSV, a line a device and sample)."""

    def __init__(self, nvml: Any, path: str) -> None:
        self._nvml = nvml
        self._devices = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        self.unavailable: dict[str, str] = {}
        self._seen: list[dict[str, list[float]]] = [{} for _ in self._devices]
        self._throttled: list[dict[str, int]] = [{} for _ in self._devices]
        self._samples = 0
        self._energy = [self._energy_j(device) for device in self._devices]
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._put(",".join(("t_s", "device", *METERS)))

    def sample(self, elapsed_s: float) -> None:
        """Read every device now."""
        self._samples += 1
        for index, device in enumerate(self._devices):
            values = {name: self._ask(name, meter, device) for name, meter in METERS.items()}
            self._put(",".join((f"{elapsed_s:.3f}", str(index), *(_cell(value) for value in values.values()))))
            for reason in values.pop("throttle_reasons") or ():
                self._throttled[index][reason] = self._throttled[index].get(reason, 0) + 1
            for name, value in values.items():
                if value is not None:
                    self._seen[index].setdefault(name, []).append(value)

    def close(self) -> dict[str, Any]:
        """End the session; returns the record's ``gpu`` part."""
        nvml = self._nvml
        driver = self._ask("driver", lambda nvml, _: _text(nvml.nvmlSystemGetDriverVersion()), None)
        devices = [self._summary(index, device) for index, device in enumerate(self._devices)]
        os.close(self._fd)
        nvml.nvmlShutdown()
        return {
            "driver": driver,
            "samples": self._samples,
            "devices": devices,
            "unavailable": self.unavailable,
        }

    def _summary(self, index: int, device: Any) -> dict[str, Any]:
        facts = {name: self._ask(name, fact, device) for name, fact in FACTS.items()}
        before, after = self._energy[index], self._energy_j(device)
        figures: dict[str, Any] = {}
        for name, values in self._seen[index].items():
            figures[name] = {"mean": sum(values) / len(values), "min": min(values), "max": max(values)}
        return {
            **facts,
            **figures,
            "energy_j": None if before is None or after is None else after - before,
            "throttled_samples": self._throttled[index],
        }

    def _energy_j(self, device: Any) -> float | None:
        joules: float | None = self._ask(
            "energy_j", lambda nvml, device: nvml.nvmlDeviceGetTotalEnergyConsumption(device) / 1e3, device
        )
        return joules

    def _ask(self, name: str, read: Read, device: Any) -> Any:
        """One value, or ``None`` with the reason kept: many devices lack a meter or two."""
        try:
            return read(self._nvml, device)
        except Exception as error:
            self.unavailable.setdefault(name, f"NVML: {error}")
            return None

    def _put(self, line: str) -> None:
        try:
            os.write(self._fd, line.encode("ascii") + b"\n")
        except OSError as error:
            self.unavailable.setdefault("gpu.csv", f"{error.strerror}")


def open_gpus(
    env: dict[str, str], path: str, devices: tuple[str, ...] = DEVICE_FILES
) -> tuple[Gpus | None, str | None]:
    """The sampler, or ``None`` and why not. Where nobody can expect a GPU there is no reason either."""
    if not any(os.path.exists(device) for device in devices) or env.get("CUDA_VISIBLE_DEVICES") in HIDING:
        return None, None
    sys.path.append(site_packages(sys.executable))
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        return Gpus(nvml, path), None
    except Exception as error:
        return None, f"the GPU is not sampled: {type(error).__name__}: {error}"
    finally:
        sys.path.pop()


def site_packages(executable: str) -> str:
    """Where the interpreter's own packages lie. The supervisor runs without them, so that none can run code in it
    unasked.
    """
    root = os.path.dirname(os.path.dirname(executable))
    return os.path.join(root, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
