import os
import time

import msgspec
import psutil
import pytest

from bench.host.sensors import cpu_limit_c, cpu_sensor_paths, cpu_temperature_c, parse_millidegrees
from bench.host.state import Earlier, parse_state, read_earlier, read_state, steal_ratio
from bench.record.schema import HostState

POLICY = "/sys/devices/system/cpu/cpufreq/policy"
HWMON = "/sys/class/hwmon/hwmon"

DESKTOP = {
    "/proc/loadavg": "0.52 0.40 0.30 1/1000 4242",
    "/proc/meminfo": "MemTotal: 8000 kB\nMemAvailable: 6000 kB\nSwapTotal: 4000 kB\nSwapFree: 3000 kB",
    "/proc/stat": "cpu  200 0 100 1600 0 0 0 100 0 0",
    "/proc/pressure/cpu": "some avg10=3.50 avg60=0.00 avg300=0.00 total=1",
    "/proc/pressure/memory": "some avg10=0.10 avg60=0.00 avg300=0.00 total=1",
    "/proc/pressure/io": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1",
    "/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never",
    "/sys/devices/system/cpu/cpufreq/boost": "1",
    f"{POLICY}0/scaling_governor": "powersave",
    f"{POLICY}1/scaling_governor": "powersave",
    f"{POLICY}0/scaling_cur_freq": "3000000",
    f"{POLICY}1/scaling_cur_freq": "4000000",
    f"{HWMON}0/name": "nvme",
    f"{HWMON}0/temp1_input": "71850",
    f"{HWMON}1/name": "k10temp",
    f"{HWMON}1/temp1_input": "48500",
    f"{HWMON}1/temp3_input": "45000",
}


def test_a_desktop():
    state, unavailable = parse_state(DESKTOP, "cpu  100 0 50 800 0 0 0 50 0 0")
    assert state == HostState(
        load=0.52,
        governor="powersave",
        boost=True,
        frequency_hz=3.5e9,
        temperature_c=48.5,
        thp="always",
        swap_used_bytes=1000 * 1024,
        steal_ratio=pytest.approx(0.05),
        memory_available_bytes=6000 * 1024,
        pressure_cpu_some_avg10=3.5,
        pressure_memory_some_avg10=0.1,
        pressure_io_some_avg10=0.0,
    )
    assert unavailable == {}


def test_a_kernel_that_says_nothing_gives_reasons_and_no_zeros():
    state, unavailable = parse_state({})
    assert state == HostState()
    assert set(unavailable) == {field.name for field in msgspec.structs.fields(HostState)}
    assert "psi=1" in unavailable["pressure_cpu_some_avg10"]


def test_no_swap_at_all_is_zero_used_and_not_unknown():
    state, _ = parse_state({"/proc/meminfo": "SwapTotal: 0 kB\nSwapFree: 0 kB"})
    assert state.swap_used_bytes == 0


@pytest.mark.parametrize(
    ("texts", "boost"),
    [
        ({"/sys/devices/system/cpu/intel_pstate/no_turbo": "0"}, True),
        ({"/sys/devices/system/cpu/intel_pstate/no_turbo": "1"}, False),
        ({"/sys/devices/system/cpu/cpufreq/boost": "0"}, False),
        ({f"{POLICY}0/boost": "0", f"{POLICY}4/boost": "1"}, True),
        ({f"{POLICY}0/boost": "?"}, None),
    ],
)
def test_boost(texts, boost):
    assert parse_state(texts)[0].boost is boost


def test_governors_that_differ_are_all_named():
    texts = {f"{POLICY}0/scaling_governor": "schedutil", f"{POLICY}1/scaling_governor": "performance"}
    assert parse_state(texts)[0].governor == "performance, schedutil"


def test_a_virtual_machines_frequency_comes_from_cpuinfo():
    state, _ = parse_state({"/proc/cpuinfo": "processor: 0\ncpu MHz: 2300.0\nprocessor: 1\ncpu MHz: 2500.0"})
    assert state.frequency_hz == 2.4e9


def test_steal_needs_two_readings_that_differ():
    assert steal_ratio("", "cpu  1 1 1 1 1 1 1 1 0 0") is None
    assert steal_ratio("cpu  1 1 1 1 1 1 1 1 0 0", "cpu  1 1 1 1 1 1 1 1 0 0") is None
    assert steal_ratio("cpu  0 0 0 0 0 0 0 0 0 0", "cpu  50 0 0 25 0 0 0 25 0 0") == 0.25


def test_this_machine():
    state, unavailable = read_state(window_s=0.05)
    assert state.load == pytest.approx(os.getloadavg()[0], abs=1.0)
    assert state.memory_available_bytes == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    assert state.swap_used_bytes == pytest.approx(psutil.swap_memory().used, abs=64 << 20)
    assert all(
        (getattr(state, field.name) is None) == (field.name in unavailable) for field in msgspec.structs.fields(state)
    )


def test_only_the_cpus_sensors_are_asked():
    assert cpu_sensor_paths(DESKTOP) == (f"{HWMON}1/temp1_input", f"{HWMON}1/temp3_input")


def test_thermal_zones_serve_where_hwmon_has_no_cpu():
    zones = {
        "/sys/class/thermal/thermal_zone0/type": "acpitz",
        "/sys/class/thermal/thermal_zone0/temp": "27800",
        "/sys/class/thermal/thermal_zone1/type": "cpu-thermal",
        "/sys/class/thermal/thermal_zone1/temp": "61000",
        "/sys/class/thermal/thermal_zone2/type": "x86_pkg_temp",
    }
    assert cpu_temperature_c(zones) == 61.0
    assert cpu_temperature_c({}) is None


def test_the_limit_is_the_lowest_that_a_sensor_calls_critical():
    limits = {f"{HWMON}1/temp1_crit": "100000", f"{HWMON}1/temp3_crit": "90000", f"{HWMON}0/temp1_crit": "84850"}
    assert cpu_limit_c(DESKTOP | limits) == 90.0
    assert cpu_limit_c(DESKTOP | {f"{HWMON}1/temp1_crit": "0"}) == 95.0


@pytest.mark.parametrize(
    ("text", "degrees"), [("48500", 48.5), ("-128000", None), ("0", None), ("x", None), ("999000", None)]
)
def test_what_a_broken_sensor_says_is_no_temperature(text, degrees):
    assert parse_millidegrees(text) == degrees


def test_a_window_that_is_over_is_not_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    now = read_earlier()
    read_state(Earlier(now.stat, now.at_s - 1))
    read_state(now)
    read_state(Earlier(now.stat, now.at_s - 3600))  # so long ago that another one begins
    assert waited[0] == 0
    assert all(0.1 < one <= 0.25 for one in waited[1:])
    assert len(waited) == 3
