"""What an engine reports of itself, to the record's words (pure): name, version, limits that hold, security profile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from bench.errors import NotMeasured
from bench.record.schema import Engine as EngineRecord
from bench.record.schema import Limits

Info = Mapping[str, Any]
"""The answer to ``GET /info`` of the engine's API."""

USER_ID = 10001
"""The user inside: not root, and nobody's on a usual host."""

DOCKER = "docker"
PODMAN = "podman"
BUILT_IN = frozenset({"default", "builtin", "/usr/share/containers/seccomp.json"})
"""What engines call the seccomp profile that they ship: Docker 20.10, Docker 23 and later, Podman."""


def engine_name(version: Mapping[str, Any]) -> str:
    """Return which engine answers by the API that both have: ``podman`` if it is one of its parts, else ``docker``."""
    names = (str(part.get("Name") or "") for part in version.get("Components") or [])
    return PODMAN if any(name.startswith("Podman") for name in names) else DOCKER


def engine_record(info: Info, version: Mapping[str, Any], limits: Limits, security: str, remote: bool) -> EngineRecord:
    """Return the engine as the record shows it.

    Args:
        info: the answer to ``GET /info``.
        version: the answer to ``GET /version``.
        limits: what was asked for.
        security: ``default`` or ``unconfined``.
        remote: whether the engine may be on another machine.
    """
    name = engine_name(version)
    facts = {
        "api_version": version.get("ApiVersion"),
        "cgroup_driver": info.get("CgroupDriver"),
        "storage_driver": info.get("Driver"),
        "runtime": _name_of(info.get("DefaultRuntime")),
        "os": info.get("OperatingSystem"),
        "kernel": info.get("KernelVersion"),
        "architecture": info.get("Architecture"),
        "containerd": _component(version, "containerd"),
        "runc": _component(version, "runc"),
        "conmon": _component(version, "Conmon"),
        "oci_runtime": _component(version, "OCI Runtime"),
        "remote": remote,
        "swap_limit": info.get("SwapLimit") if name == DOCKER else None,
        "limits_in_part": held_in_part(info, limits) or None if name == DOCKER else None,
    }
    cgroup = str(info.get("CgroupVersion") or "")
    return EngineRecord(
        name=name,
        version=info.get("ServerVersion"),
        cgroup_version=int(cgroup) if cgroup.isdigit() else None,
        security=security_profile(info, security, name),
        limits=limits,
        facts={name: value for name, value in facts.items() if value is not None},
    )


def security_profile(info: Info, security: str, name: str = DOCKER) -> dict[str, Any]:
    """Return what shields the host from the run, and may cost it time.

    ``cgroup_namespace`` is what is usual; which it was is read from inside (``bench.run.result.record_of``).

    Args:
        info: the answer to ``GET /info``.
        security: ``default`` or ``unconfined``.
        name: the engine's.
    """
    options = parse_security_options(info.get("SecurityOptions") or [])
    unconfined = security == "unconfined"
    seccomp = profile_name(options["seccomp"].get("profile", "default")) if "seccomp" in options else None
    apparmor = "docker-default" if name == DOCKER else "containers-default"
    return {
        "network": "none",
        "read_only_root": True,
        "capabilities": [],
        "no_new_privileges": True,
        "user": f"{USER_ID}:{USER_ID}",
        "seccomp": "unconfined" if unconfined and seccomp else seccomp,
        "apparmor": ("unconfined" if unconfined else apparmor) if "apparmor" in options else None,
        "selinux": "selinux" in options and not unconfined,
        "rootless": "rootless" in options,
        "userns": "userns" in options,
        "cgroup_namespace": "private" if str(info.get("CgroupVersion")) == "2" else "host",
    }


def profile_name(profile: str) -> str:
    """Return a seccomp profile's name for a record: one for what engines ship, and never a path of the host."""
    if profile in BUILT_IN:
        return "default"
    return "custom" if "/" in profile else profile


def parse_security_options(options: list[str]) -> dict[str, dict[str, str]]:
    """``["name=seccomp,profile=default"]`` to ``{"seccomp": {"profile": "default"}}``."""
    found: dict[str, dict[str, str]] = {}
    for option in options:
        pairs = dict(pair.partition("=")[::2] for pair in option.split(","))
        if "name" in pairs:
            found[pairs.pop("name")] = pairs
        else:
            found[option] = {}  # as engines before API 1.25 wrote it
    return found


def check_limits_hold(info: Info, limits: Limits, name: str = DOCKER) -> None:
    """Refuse limits that this engine would drop without a word.

    Podman's answer is not believed: 5.x denies limits on cgroup v2 that it applies, and a rootless one on v1 applies
    none of those that it names. There the group's own files decide, as they are read in the run.

    Args:
        info: the answer to ``GET /info``.
        limits: what is asked for.
        name: the engine's.

    Raises:
        NotMeasured: a limit was asked for and the engine cannot apply it.
    """
    if name != DOCKER:
        return
    wanted = (
        ("--cpus", limits.cpus, bool(info.get("CpuCfsQuota", True))),
        ("--cpuset", limits.cpuset, bool(info.get("CPUSet", True))),
        ("--memory", limits.memory_bytes, bool(info.get("MemoryLimit", True))),
    )
    for option, value, holds in wanted:
        if value is not None and not holds:
            raise NotMeasured(
                f"this Docker engine cannot apply {option}",
                "its kernel lacks the control group, or a rootless engine was not delegated it",
                "delegate 'cpu cpuset io memory pids' to the user's slice, or leave the option away",
            )


def held_in_part(info: Info, limits: Limits) -> list[str]:
    """What of the limits this engine cannot hold, if that is no reason to refuse; for the record."""
    notes = []
    if limits.memory_bytes is not None and not info.get("SwapLimit", True):
        notes.append("the engine cannot limit swap: a run beyond the memory limit may swap instead of being killed")
    if limits.pids is not None and not info.get("PidsLimit", True):
        notes.append("the engine cannot limit the number of processes")
    return notes


def _component(version: Mapping[str, Any], name: str) -> str | None:
    for component in version.get("Components") or []:
        if str(component.get("Name") or "").partition(" (")[0] == name:
            return str(component.get("Version")).partition("\n")[0]
    return None


def _name_of(program: object) -> object:
    """A program's name without the folder that it lies in on the engine's host."""
    return PurePosixPath(program).name if isinstance(program, str) else program
