"""What the machine is and how it is set: GPU, frequency, memory, disks, clocks: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.host.doctor.facts import Disk, Facts
from bench.record.check import Check, fail, ok, warn
from bench.units import size

_GIB = 1024**3
_MIB = 1024**2
LEAST_RESULTS_BYTES = 200 * _MIB
"""A bundle is some hundred KiB, up to some tens of MiB with a long log."""

LEAST_IMAGE_BYTES = 12 * _GIB
"""Room for the CUDA image and its build: torch's wheels with the CUDA libraries take some 7 GiB unpacked."""

LEAST_MEMORY_BYTES = 3 * _GIB
"""What ``grad_cpu --profile full`` may take."""

_SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit")


def machine_checks(facts: Facts) -> Iterator[Check]:
    """Everything that stays as it is until somebody changes it."""
    yield _gpu(facts)
    yield _governor(facts)
    yield _boost(facts)
    yield _threads(facts)
    yield _huge_pages(facts)
    yield _memory(facts)
    yield _results(facts.results)
    if facts.engine_disk is not None:
        yield _images(facts.engine_disk)
    yield _clock_source(facts)
    yield _wall_clock(facts)
    yield _layout(facts)
    yield _virtualization(facts)


def _gpu(facts: Facts) -> Check:
    name, driver = facts.host_class.gpu, facts.host_class.driver
    if name is None:
        if facts.nvidia_devices:
            detail = f"{facts.nvidia_devices} NVIDIA device on the bus, and no driver for it"
            return warn(
                "GPU", detail, "install NVIDIA's driver (Debian: sudo apt-get install nvidia-driver), then restart"
            )
        return ok("GPU", "no NVIDIA GPU: the cpu diagnostics can run here, the cuda ones are not measured")
    found = f"{name}, driver {driver or 'of an unknown version'}"
    if facts.info and not _gives_gpus(facts.info):
        fix = (
            "install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker "
            "&& sudo systemctl restart docker"
        )
        return warn("GPU", f"{found}; the engine cannot give it to a container", fix)
    return ok("GPU", found)


def _gives_gpus(info: Mapping[str, Any]) -> bool:
    """Whether the engine has NVIDIA's runtime, or has found NVIDIA's devices by CDI (Docker 28.3 and newer say so)."""
    devices = info.get("DiscoveredDevices") or ()
    found = any("nvidia" in str(device.get("ID", "")) for device in devices if isinstance(device, Mapping))
    return found or "nvidia" in (info.get("Runtimes") or {})


def _governor(facts: Facts) -> Check:
    governor = facts.state.governor
    if governor is None:
        return ok("governor", "the kernel offers no frequency control here (usual in a VM)")
    if governor == "performance":
        return ok("governor", governor)
    return warn("governor", f"{governor}: the frequency follows the load", "sudo cpupower frequency-set -g performance")


def _boost(facts: Facts) -> Check:
    if facts.state.boost is None:
        return ok("boost", "no switch for it here (usual in a VM)")
    if not facts.state.boost:
        return ok("boost", "off: the frequency does not depend on temperature")
    fix = (
        "for steadier and slower runs: echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost, or with intel_pstate "
        "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    )
    return warn("boost", "on: the frequency depends on temperature and on how many cores work", fix)


def _threads(facts: Facts) -> Check:
    cores, threads = facts.host_class.cores, facts.host_class.threads
    if threads is None:
        return warn("CPUs", "the kernel does not say how many there are", "give --cpus and --threads with each run")
    count = f"{threads} threads on {cores} cores" if cores else f"{threads} threads"
    if facts.smt:
        return ok("CPUs", f"{count}, SMT on: two threads share a core's units, which --cpuset can avoid")
    return ok("CPUs", count)


def _huge_pages(facts: Facts) -> Check:
    thp = facts.state.thp
    if thp == "never":
        fix = "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
        return warn("huge pages", "never: every 4 KiB is a page fault of its own, whatever a program asks for", fix)
    return ok("huge pages", thp or "the kernel has no transparent huge pages")


def _memory(facts: Facts) -> Check:
    available = facts.state.memory_available_bytes
    if available is None:
        return warn("memory", "the kernel does not say what is available", "give --memory with each run")
    text = f"{size(available)} available"
    if available < LEAST_MEMORY_BYTES:
        fix = "end other programs, or run --profile smoke"
        return warn("memory", f"{text}; grad_cpu with its full profile may take {size(LEAST_MEMORY_BYTES)}", fix)
    return ok("memory", text)


def _results(disk: Disk) -> Check:
    if disk.free_bytes is None:
        return fail("results disk", "the folder of results cannot be looked at", "give another with --results DIR")
    if disk.free_bytes < LEAST_RESULTS_BYTES:
        return fail("results disk", f"{size(disk.free_bytes)} free", "make room, or give another with --results DIR")
    return ok("results disk", f"{size(disk.free_bytes)} free")


def _images(disk: Disk) -> Check:
    if disk.free_bytes is None:
        return warn("image disk", "the engine's folder cannot be looked at", "see docker system df")
    if disk.free_bytes < LEAST_IMAGE_BYTES:
        text = f"{size(disk.free_bytes)} free; building the CUDA image takes up to {size(LEAST_IMAGE_BYTES)}"
        return warn("image disk", text, "docker builder prune, or move the engine's data-root to a larger disk")
    return ok("image disk", f"{size(disk.free_bytes)} free")


def _clock_source(facts: Facts) -> Check:
    if not facts.clock:
        return ok("clock source", "not shown by this kernel")
    current, *others = facts.clock
    if current not in _SLOW_CLOCKS:
        return ok("clock source", current)
    better = [name for name in others if name not in _SLOW_CLOCKS]
    fix = (
        f"echo {better[0]} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
        if better
        else "see the kernel's log for why it gave up the TSC (journalctl -k | grep -i tsc); a firmware update may help"
    )
    return warn("clock source", f"{current}: reading the time takes microseconds", fix)


def _wall_clock(facts: Facts) -> Check:
    if facts.synchronised is None:
        return ok("wall clock", "the kernel does not say whether it is synchronised; durations do not depend on it")
    if facts.synchronised:
        return ok("wall clock", "synchronised")
    detail = "not synchronised: the stamps of results may be off, durations are not"
    return warn("wall clock", detail, "sudo timedatectl set-ntp true")


def _layout(facts: Facts) -> Check:
    if facts.aslr is None:
        return ok("address layout", "the kernel does not say whether it is random")
    if facts.aslr == 0:
        fix = "sudo sysctl kernel.randomize_va_space=2"
        return warn("address layout", "fixed: every run has the same lucky or unlucky layout", fix)
    return ok("address layout", "random: repeated runs average over it")


def _virtualization(facts: Facts) -> Check:
    kind = facts.host_class.virtualization
    if kind is None:
        return ok("virtualization", "not known")
    if kind == "none":
        return ok("virtualization", "none: bare metal")
    return ok(
        "virtualization", f"{kind}: neighbours that cannot be seen may take time, which steal and calibration show"
    )
