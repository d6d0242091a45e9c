"""The facts that ``doctor`` examines, read from this machine; nothing here decides, and nothing is changed."""

from __future__ import annotations

import ctypes
import resource
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from bench.host.cgroup.access import LocalGroup, read_groups, read_local_group
from bench.host.identity import read_class
from bench.host.kernel_files import read_texts
from bench.host.outer import read_outer, soft_limit
from bench.host.state import read_state
from bench.record.check import Check
from bench.record.schema import HostClass, HostState, Outer

NOTHING: Mapping[str, Any] = MappingProxyType({})
_TIMEX_BYTES = 512
"""More than ``struct timex`` has on any architecture (208 bytes on 64 bits)."""

_CLOCK_FILES = (
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
)


@dataclass(frozen=True, slots=True)
class Disk:
    """Free bytes of the file system that holds ``path``; ``None`` if it could not be asked."""

    path: str
    free_bytes: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the machine before anything runs.

    Args:
        host_class: the machine's class.
        state: its state now.
        info: the engine's own description (Docker's ``/info``); empty if none answers.
        version: the engine's ``/version``; empty if none answers.
        engine_problem: why no engine answers.
        engine_fix: what to do about that, if it is another thing than starting an engine.
        engine_named: whether somebody gave the engine's address: then no other serves instead.
        group: whether a control group can be made without an engine.
        results: the disk of the results.
        engine_disk: the disk of the engine's images, if it is on this machine.
        python: a Python 3.13 for the local engine, or ``None``.
        stand_in: another Python that serves if there is no 3.13.
        clock: the kernel's clock source, and those that it could use.
        synchronised: whether the wall clock is synchronised.
        aslr: ``randomize_va_space``: 0 off, 2 full.
        smt: whether two threads share a core.
        nvidia_devices: NVIDIA display devices on the PCI bus, with or without a driver.
        image: whether what a run needs is there, or what it has to fetch; ``None`` if nobody knows.
        outer: what bounds this command from outside, and with it whatever the local engine runs.
        cpu_seconds: of CPU time after which the kernel kills a process that this command starts (``ulimit -t``).
        file_bytes: how large a file of it may become (``ulimit -f``).
        on_battery: whether a laptop is running from its battery; ``None`` if there is none.
    """

    host_class: HostClass = field(default_factory=HostClass)
    state: HostState = field(default_factory=HostState)
    info: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    version: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    engine_problem: str = ""
    engine_fix: str = ""
    engine_named: bool = False
    stand_in: str | None = None
    group: LocalGroup = field(default_factory=lambda: LocalGroup(None, False, "not looked at"))
    results: Disk = field(default_factory=lambda: Disk("results", None))
    engine_disk: Disk | None = None
    python: str | None = None
    clock: tuple[str, ...] = ()
    synchronised: bool | None = None
    aslr: int | None = None
    smt: bool | None = None
    nvidia_devices: int = 0
    on_battery: bool | None = None
    image: Check | None = None
    outer: Outer = field(default_factory=lambda: Outer(nice=0))
    cpu_seconds: int | None = None
    file_bytes: int | None = None


def read_facts(
    results: Path,
    info: Mapping[str, Any] | None = None,
    version: Mapping[str, Any] | None = None,
    engine_problem: str = "",
    engine_fix: str = "",
    python: str | None = None,
) -> Facts:
    """Return everything that ``doctor`` wants to know; takes about a quarter of a second.

    Args:
        results: the folder of results, existing or not.
        info: what Docker's ``info()`` gave, or ``None``.
        version: what Docker's ``version()`` gave, or ``None``.
        engine_problem: why there is no ``info``, in one line.
        engine_fix: what to do about that; empty for starting an engine.
        python: the Python 3.13 that the local engine would take, or ``None``.
    """
    root = str((info or {}).get("DockerRootDir") or "")
    texts = read_texts((*_CLOCK_FILES, "/proc/sys/kernel/randomize_va_space", "/sys/devices/system/cpu/smt/active"))
    current, available = (texts.get(path, "") for path in _CLOCK_FILES)
    aslr, smt = texts.get("/proc/sys/kernel/randomize_va_space", ""), texts.get("/sys/devices/system/cpu/smt/active")
    groups = read_groups()
    host_class = read_class()[0]
    return Facts(
        host_class=host_class,
        state=read_state()[0],
        info=info or NOTHING,
        version=version or NOTHING,
        engine_problem=engine_problem,
        engine_fix=engine_fix,
        group=read_local_group(),
        results=read_disk(results),
        # The folder is the engine's: it tells something only if the engine is on this machine.
        engine_disk=read_disk(Path(root)) if root and Path(root).exists() else None,
        python=python,
        clock=(current, *(name for name in available.split() if name != current)) if current else (),
        synchronised=read_synchronised(),
        aslr=int(aslr) if aslr.isdigit() else None,
        smt=None if smt is None else smt == "1",
        nvidia_devices=count_nvidia_devices(),
        on_battery=read_on_battery(),
        outer=read_outer(groups.version, groups.folders, host_class.memory_bytes),
        cpu_seconds=soft_limit(resource.RLIMIT_CPU),
        file_bytes=soft_limit(resource.RLIMIT_FSIZE),
    )


def read_disk(path: Path) -> Disk:
    """Free bytes (for this user) where ``path`` is or will be."""
    nearest = path.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    try:
        return Disk(str(path), shutil.disk_usage(nearest).free)
    except OSError:
        return Disk(str(path), None)


def read_synchronised() -> bool | None:
    """Whether the wall clock is synchronised: adjtimex(2) answers ``TIME_ERROR`` (5) if it is not."""
    try:
        # All zero asks for nothing to be changed, and needs no privilege.
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != 5


def count_nvidia_devices(root: str = "/") -> int:
    """Display controllers (PCI class 0x03) of vendor 0x10de."""
    texts = read_texts(("/sys/bus/pci/devices/*/vendor", "/sys/bus/pci/devices/*/class"), root)
    vendors = [path for path, text in texts.items() if path.endswith("/vendor") and text == "0x10de"]
    return sum(texts.get(path.removesuffix("vendor") + "class", "").startswith("0x03") for path in vendors)


def read_on_battery() -> bool | None:
    """Whether the machine runs from a battery; ``None`` if it has none."""
    try:
        battery = psutil.sensors_battery()
    except (OSError, AttributeError, ValueError):
        return None
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged
