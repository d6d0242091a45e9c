"""The engine, the limits that it can hold, and what serves if there is none: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.host.doctor.facts import Facts
from bench.record.check import Check, fail, ok, warn
from bench.units import size

_DELEGATE = (
    "let systemd delegate them: a drop-in of user@.service with '[Service]' and 'Delegate=cpu cpuset io memory pids', "
    "then log in again"
)
_LIMITS = {
    # Docker's word in /info: the check's name, what is lost without it, and the fix for an engine that runs as root
    "MemoryLimit": ("memory limit", "--memory", "boot with cgroup_enable=memory"),
    "SwapLimit": ("swap accounting", "the swap part of --memory", "boot with swapaccount=1"),
    "CpuCfsQuota": ("cpu limit", "--cpus", "use a kernel with CONFIG_CFS_BANDWIDTH"),
    "CPUSet": ("cpuset", "--cpuset", "use a kernel with CONFIG_CPUSETS"),
    "PidsLimit": ("pids limit", "the bound on fork bombs", "use a kernel with CONFIG_CGROUP_PIDS"),
}
_GIB = 1024**3
FEW_PIDS = 512
"""Processes that a run may have anyway: a limit that is not below bounds nothing."""


def engine_checks(facts: Facts) -> Iterator[Check]:
    """Engine, control groups, each limit, the local engine's needs."""
    yield from daemon_checks(facts)
    yield _local_group(facts)
    yield _outer(facts)
    yield _python(facts)


def daemon_checks(facts: Facts) -> Iterator[Check]:
    """What an engine reports of itself: control groups, each limit, its storage."""
    yield _engine(facts)
    if facts.info:
        rootless = is_rootless(facts.info)
        yield _cgroup(facts.info)
        if is_podman(facts.version):
            yield _podman_limits(facts.info, rootless)
        else:
            yield from (_limit(facts.info, word, rootless) for word in _LIMITS)
        yield _storage(facts.info)
    if facts.image is not None:
        yield facts.image


def is_rootless(info: Mapping[str, Any]) -> bool:
    """Whether the engine runs as an ordinary user."""
    return any("rootless" in str(option) for option in info.get("SecurityOptions") or ())


def is_podman(version: Mapping[str, Any]) -> bool:
    """Whether it is Podman that answers by Docker's API (``/version``)."""
    return any(str(part.get("Name") or "").startswith("Podman") for part in version.get("Components") or ())


def _podman_limits(info: Mapping[str, Any], rootless: bool) -> Check:
    """Podman is not asked for its limits: it denies some that it applies, and names some that it does not."""
    if rootless and str(info.get("CgroupVersion")) != "2":
        detail = "a rootless Podman on version 1 applies none, and a run that asks for one is not measured"
        return warn("limits", detail, "run Podman as root, or boot with systemd.unified_cgroup_hierarchy=1")
    return ok("limits", "each run reads in its own group whether they hold")


def _engine(facts: Facts) -> Check:
    if facts.info:
        version = facts.info.get("ServerVersion") or facts.version.get("Version") or "of an unknown version"
        rootless = ", rootless" if is_rootless(facts.info) else ""
        name = "Podman" if is_podman(facts.version) else "Docker"
        return ok("engine", f"{name} {version} answers{rootless} ({facts.info.get('OperatingSystem', 'Linux')})")
    why = facts.engine_problem or "no Docker engine answers"
    fix = facts.engine_fix or (
        "start it (sudo systemctl start docker), or install one (sudo apt-get install docker.io) and join group docker"
    )
    if facts.engine_named:
        return fail("engine", f"{why}; no other is taken instead of one that was named", fix)
    if facts.group.possible or facts.python or facts.stand_in:
        return warn("engine", f"{why}; the local engine serves, and compare will name the difference", fix)
    return fail("engine", f"{why}, and the local engine finds neither a control group nor a Python 3.13", fix)


def _cgroup(info: Mapping[str, Any]) -> Check:
    version, driver = str(info.get("CgroupVersion") or "1"), str(info.get("CgroupDriver") or "unknown")
    text = f"v{version}, driver {driver}"
    if driver == "none":
        return warn("control groups", f"{text}: this engine can hold no limit and measure no group", _DELEGATE)
    if version == "1":
        return ok("control groups", f"{text}: no pressure figures for a group")
    return ok("control groups", text)


def _limit(info: Mapping[str, Any], word: str, rootless: bool) -> Check:
    name, what, fix = _LIMITS[word]
    if word not in info:
        return warn(name, f"the engine does not say whether it holds {what}", "ask it with: docker info")
    if info[word]:
        return ok(name, "supported by the engine")
    on_v2 = str(info.get("CgroupVersion")) == "2"
    return warn(name, f"the engine cannot hold {what}", _DELEGATE if rootless and on_v2 else fix)


def _storage(info: Mapping[str, Any]) -> Check:
    driver = str(info.get("Driver") or "unknown")
    if driver == "vfs":
        fix = 'use overlay2: set "storage-driver" in the engine\'s daemon.json and restart it'
        return warn("storage driver", "vfs copies every layer in full: slow starts and a full disk", fix)
    return ok("storage driver", driver)


def _local_group(facts: Facts) -> Check:
    group = facts.group
    if group.possible and not group.missing:
        return ok("local control group", group.how)
    if group.possible:
        missing = ", ".join(group.missing)
        return warn("local control group", f"{group.how}, without {missing}: those values will be null", _DELEGATE)
    detail = f"{group.how}: the local engine would read process accounting alone, with peak memory and limits missing"
    if group.version == 2:
        return warn("local control group", detail, f"run as root, or {_DELEGATE}")
    return warn("local control group", detail, "run as root, or use a Docker engine")


def _outer(facts: Facts) -> Check:
    """What bounds a local run from outside; a container's group is made elsewhere."""
    outer = facts.outer
    found = [
        f"{outer.cpus:g} CPUs" if outer.cpus is not None else "",
        f"CPUs {outer.cpuset} alone" if outer.cpuset is not None else "",
        f"{size(outer.memory_bytes)} of memory" if outer.memory_bytes is not None else "",
        f"{outer.pids} processes" if outer.pids is not None and outer.pids < FEW_PIDS else "",
        f"niceness {outer.nice}" if outer.nice else "",
        f"{outer.cpu_share:.3g} times the usual share of busy CPUs" if outer.cpu_share else "",
        f"scheduling {outer.scheduling}" if outer.scheduling else "",
        f"disk priority {outer.io_priority}" if outer.io_priority else "",
        f"{facts.cpu_seconds} s of CPU time a process" if facts.cpu_seconds is not None else "",
        f"files of {size(facts.file_bytes)}" if facts.file_bytes is not None else "",
    ]
    said = ", ".join(part for part in found if part)
    if not said:
        return ok("outer limits", "none on this command: a local run may use the whole machine")
    fix = "run without taskset, nice, chrt, ionice, ulimit and groups with limits; or set the same ones for every run"
    return warn("outer limits", f"this command, and each local run, is held to {said}", fix)


def _python(facts: Facts) -> Check:
    if facts.python is not None:
        return ok("Python 3.13", f"for the local engine: {facts.python}")
    nearest = facts.stand_in or "the nearest version"
    detail = f"not found: the local engine would take {nearest}, and the record would say so"
    return warn("Python 3.13", detail, "uv python install 3.13")
