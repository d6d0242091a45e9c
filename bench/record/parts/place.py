"""Where it ran: the image or the environment, the engine with its limits, and the machine."""

from __future__ import annotations

from typing import Any

import msgspec


class Image(msgspec.Struct, frozen=True):
    """The container image. ``fingerprint`` is equal on two machines that built the same thing. ``packages`` are those
    of its Python, by name; an image whose lock does not tell them has no such key.
    """

    name: str
    digest: str | None
    base: str | None
    lock_sha256: str | None
    fingerprint: str | None
    python: str | None
    torch: str | None
    packages: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Environment(msgspec.Struct, frozen=True):
    """What stands in for the image if the local engine ran: an environment cached on the host."""

    python: str | None
    torch: str | None
    lock_sha256: str | None
    fingerprint: str | None
    packages: dict[str, str] = {}
    note: str | None = None


class Limits(msgspec.Struct, frozen=True):
    """The limits that the engine was asked for; ``None`` is no limit. ``cpus`` is quota over period."""

    cpus: float | None = None
    cpuset: str | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    threads: int | None = None


class Outer(msgspec.Struct, frozen=True):
    """What bounded the run from outside: groups above its own, and what the command was started with.

    ``cpus`` is the least quota over period, ``cpuset`` the CPUs that could be used if not all, ``memory_bytes`` and
    ``pids`` the least limits, ``nice`` the niceness. A limit that is not below what the host has is none. These keys
    are absent if all is as usual: ``cpu_share``, the weight of the groups among their neighbours (1 is the usual
    one), ``scheduling``, the policy that the command was started with (``batch``, ``idle``, ``fifo``, ``round robin``),
    and ``io_priority``.
    """

    cpus: float | None = None
    cpuset: str | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    nice: int | None = None
    cpu_share: float | msgspec.UnsetType = msgspec.UNSET
    scheduling: str | msgspec.UnsetType = msgspec.UNSET
    io_priority: str | msgspec.UnsetType = msgspec.UNSET


class Engine(msgspec.Struct, frozen=True):
    """Where it ran. ``name`` is ``docker``, ``podman``, ``local``, ``native`` in imported evidence, or ``pytest`` if
    the test ran in pytest's own process.

    ``outer`` is ``None`` if it could not be seen: an engine's daemon starts its containers elsewhere.
    """

    name: str
    version: str | None
    cgroup_version: int | None
    security: dict[str, Any] = {}
    limits: Limits = Limits()
    outer: Outer | None = None
    facts: dict[str, Any] = {}


class HostClass(msgspec.Struct, frozen=True):
    """What makes two hosts the same kind of machine. ``host.id`` is a hash of this alone."""

    cpu_model: str | None = None
    cpu_stepping: int | None = None
    microcode: str | None = None
    cores: int | None = None
    threads: int | None = None
    numa_nodes: int | None = None
    memory_bytes: int | None = None
    kernel: str | None = None
    virtualization: str | None = None
    gpu: str | None = None
    driver: str | None = None


class HostState(msgspec.Struct, frozen=True):
    """What changes by the minute: recorded before and after, never hashed. ``load`` is the 1-minute load average."""

    load: float | None = None
    governor: str | None = None
    boost: bool | None = None
    frequency_hz: float | None = None
    temperature_c: float | None = None
    thp: str | None = None
    swap_used_bytes: int | None = None
    steal_ratio: float | None = None
    memory_available_bytes: int | None = None
    pressure_cpu_some_avg10: float | None = None
    pressure_memory_some_avg10: float | None = None
    pressure_io_some_avg10: float | None = None


class Host(msgspec.Struct, frozen=True, rename={"class_": "class"}):
    """The machine: its class, and its state before and after."""

    id: str
    class_: HostClass
    before: HostState = HostState()
    after: HostState = HostState()


class Calibration(msgspec.Struct, frozen=True):
    """A few seconds of known work before and after: metric name, with its unit, to value (``one_core_s``)."""

    before: dict[str, float | None] = {}
    after: dict[str, float | None] = {}
