"""Texts of machines that were met: what their kernels say, shortened to what the readers look at."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

RYZEN = {
    "/proc/cpuinfo": "\n".join(
        f"processor\t: {cpu}\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD Ryzen 9 5950X 16-Core Processor\n"
        f"stepping\t: 2\nmicrocode\t: 0xa201210\ncpu MHz\t\t: {3400 + cpu}.000\nphysical id\t: 0\ncore id\t\t: {cpu % 16}\n"
        "flags: "
        for cpu in range(32)
    ),
    "/proc/meminfo": "MemTotal:       131799052 kB\nMemAvailable:   120000000 kB\nSwapTotal:       8388604 kB\nSwapFree:        8388092 kB",
    "/proc/sys/kernel/osrelease": "6.14.0-29-generic",
    "/sys/devices/system/cpu/online": "0-31",
    "/sys/devices/system/node/online": "0",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm",
    "/sys/devices/virtual/dmi/id/sys_vendor": "ASUS",
    "/sys/devices/virtual/dmi/id/product_name": "System Product Name",
    **{f"/sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list": f"{cpu % 16},{cpu % 16 + 16}" for cpu in range(32)},
    "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: 13",
    "/proc/driver/nvidia/gpus/0000:2b:00.0/information": "Model: \t\t NVIDIA GeForce RTX 3090",
}

GRAVITON = {
    "/proc/cpuinfo": "\n".join(
        f"processor\t: {cpu}\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\n"
        "CPU part\t: 0xd0c\nCPU revision\t: 1"
        for cpu in range(4)
    ),
    "/proc/meminfo": "MemTotal:       16109372 kB",
    "/proc/sys/kernel/osrelease": "6.8.0-1021-aws",
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/node/online": "0",
    "/sys/devices/virtual/dmi/id/sys_vendor": "Amazon EC2",
    "/sys/devices/virtual/dmi/id/product_name": "m6g.xlarge",
    **{f"/sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list": f"{cpu}" for cpu in range(4)},
}


@pytest.fixture
def ryzen() -> dict[str, str]:
    """A desktop of 16 cores and 32 threads, 128 GB, bare metal, one GPU."""
    return dict(RYZEN)


@pytest.fixture
def graviton() -> dict[str, str]:
    """A virtual machine on ARM."""
    return dict(GRAVITON)


@pytest.fixture
def plant(tmp_path: Path) -> Callable[[Mapping[str, str]], str]:
    """Lays texts out as files below a folder and returns it, to be read as a root."""

    def lay(texts: Mapping[str, str]) -> str:
        for path, text in texts.items():
            file = tmp_path / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        return str(tmp_path)

    return lay
