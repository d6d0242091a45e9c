"""GPU sampling, against a stand-in for NVML: what is recorded, and that nothing of it is required."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from bench.agent.gpu import Gpus, open_gpus, site_packages


class FakeNvml(ModuleType):
    """Two devices; the second lacks a power meter, and energy is not counted by either."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.open = False
        self.reads = 0

    def nvmlInit(self) -> None:
        self.open = True

    def nvmlShutdown(self) -> None:
        self.open = False

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"570.86.15"

    def nvmlDeviceGetName(self, device: int) -> str:
        return f"NVIDIA Test {device}"

    def nvmlDeviceGetVbiosVersion(self, device: int) -> bytes:
        return b"96.00"

    def nvmlDeviceGetMemoryInfo(self, device: int) -> SimpleNamespace:
        self.reads += 1
        return SimpleNamespace(total=80 << 30, used=self.reads << 20)

    def nvmlDeviceGetEnforcedPowerLimit(self, device: int) -> int:
        return 700_000

    def nvmlDeviceGetMaxClockInfo(self, device: int, clock: int) -> int:
        return 1980

    def nvmlDeviceGetCudaComputeCapability(self, device: int) -> tuple[int, int]:
        return (9, 0)

    def nvmlDeviceGetUtilizationRates(self, device: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=50, memory=10)

    def nvmlDeviceGetClockInfo(self, device: int, clock: int) -> int:
        return {1: 1500, 2: 2619}[clock]

    def nvmlDeviceGetPowerUsage(self, device: int) -> int:
        if device == 1:
            raise RuntimeError("Not Supported")
        return 350_500

    def nvmlDeviceGetTemperature(self, device: int, sensor: int) -> int:
        return 61

    def nvmlDeviceGetCurrentClocksEventReasons(self, device: int) -> int:
        return 0x4 | 0x40 if device == 0 else 0

    def nvmlDeviceGetTotalEnergyConsumption(self, device: int) -> int:
        raise RuntimeError("Not Supported")


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


def test_samples_and_summary(nvml: FakeNvml, tmp_path: Path) -> None:
    gpus = Gpus(nvml, str(tmp_path / "gpu.csv"))
    gpus.sample(0.5)
    gpus.sample(1.5)
    summary = gpus.close()
    assert summary["driver"] == "570.86.15"
    assert summary["samples"] == 2
    first, second = summary["devices"]
    assert first["name"] == "NVIDIA Test 0"
    assert first["memory_bytes"] == 80 << 30
    assert (first["vbios"], first["compute_capability"], first["power_limit_w"]) == ("96.00", "9.0", 700.0)
    assert first["power_w"] == {"mean": 350.5, "min": 350.5, "max": 350.5}
    assert first["sm_clock_hz"]["max"] == 1.5e9
    assert first["utilization_ratio"]["mean"] == 0.5
    assert first["memory_used_bytes"]["max"] > first["memory_used_bytes"]["min"]
    assert first["throttled_samples"] == {"sw_power_cap": 2, "hw_thermal_slowdown": 2}
    assert "power_w" not in second
    assert second["throttled_samples"] == {}
    assert first["energy_j"] is None
    assert "Not Supported" in summary["unavailable"]["energy_j"]
    assert "Not Supported" in summary["unavailable"]["power_w"]
    rows = list(csv.DictReader((tmp_path / "gpu.csv").read_text().splitlines()))
    assert [(row["t_s"], row["device"]) for row in rows] == [
        ("0.500", "0"), ("0.500", "1"), ("1.500", "0"), ("1.500", "1"),
    ]  # fmt: skip
    assert rows[0]["throttle_reasons"] == "sw_power_cap hw_thermal_slowdown"
    assert rows[1]["power_w"] == ""


def test_an_older_binding_calls_the_reasons_otherwise(nvml: FakeNvml, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delattr(FakeNvml, "nvmlDeviceGetCurrentClocksEventReasons")
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons = lambda device: 0x8
    gpus = Gpus(nvml, str(tmp_path / "gpu.csv"))
    gpus.sample(0.1)
    assert gpus.close()["devices"][0]["throttled_samples"] == {"hw_slowdown": 1}


def test_only_where_a_gpu_can_be_meant(nvml: FakeNvml, tmp_path: Path) -> None:
    path = str(tmp_path / "gpu.csv")
    present = (str(tmp_path),)
    assert open_gpus({}, path, ("/no/such/device",)) == (None, None)
    assert open_gpus({"CUDA_VISIBLE_DEVICES": "-1"}, path, present) == (None, None)
    before = list(sys.path)
    gpus, why = open_gpus({}, path, present)
    assert why is None
    assert gpus is not None
    assert nvml.open
    gpus.close()
    assert not nvml.open
    assert sys.path == before


def test_a_driver_that_does_not_answer(nvml: FakeNvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("libnvidia-ml.so.1 is missing")

    monkeypatch.setattr(nvml, "nvmlInit", broken)
    gpus, why = open_gpus({}, str(tmp_path / "gpu.csv"), (str(tmp_path),))
    assert gpus is None
    assert "libnvidia-ml.so.1" in str(why)


def test_a_whole_run(nvml: FakeNvml, supervise, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bench.agent.run.open_gpus", lambda env, path: open_gpus(env, path, (str(tmp_path),)))
    done = supervise("sleep", "0.3")
    assert done.result["gpu"]["samples"] >= 1
    assert done.result["gpu"]["devices"][0]["name"] == "NVIDIA Test 0"
    assert (done.out / "gpu.csv").read_text().count("\n") >= 3


def test_site_packages() -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert site_packages("/opt/venv/bin/python") == f"/opt/venv/lib/{version}/site-packages"
