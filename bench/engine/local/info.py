"""What the record reports of the local engine: nothing shields the host, and which group measured and limited."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from bench.record.schema import Engine as EngineRecord
from bench.record.schema import Limits, Outer

_SECCOMP = {"0": None, "1": "strict", "2": "filter"}


def local_record(
    mode: str, why: str | None, version: int | None, limits: Limits, outer: Outer | None = None
) -> EngineRecord:
    """The engine as the record shows it.

    Args:
        mode: ``group`` (our own), ``scope`` (systemd's) or ``none``.
        why: why there is no group of our own.
        version: the control groups' version, or ``None``.
        limits: what was asked for.
        outer: what bounds it from outside.
    """
    facts: dict[str, Any] = {"group": mode, "kernel": platform.release(), "os": read_os(), "remote": False}
    if why is not None:
        facts["group_reason"] = why
    if mode == "none":
        facts["cpuset_by"] = "affinity"
        if limits.pids is not None:
            facts["limits_in_part"] = ["the number of processes is not limited"]
    return EngineRecord(
        name="local",
        version=platform.release(),
        cgroup_version=version,
        security=read_security(),
        limits=limits,
        outer=outer,
        facts=facts,
    )


def read_security(status: Path = Path("/proc/self/status")) -> dict[str, Any]:
    """What a process of this user may do: the run is not sandboxed, and inherits all of it."""
    try:
        fields = parse_status(status.read_text(encoding="utf-8"))
    except OSError:
        fields = {}
    return {
        "network": "host",
        "read_only_root": False,
        "capabilities": fields.get("CapEff"),
        "no_new_privileges": fields["NoNewPrivs"] == "1" if "NoNewPrivs" in fields else None,
        "user": f"{os.getuid()}:{os.getgid()}",
        "seccomp": _SECCOMP.get(fields.get("Seccomp", "0"), "unknown"),
        "apparmor": None,
        "selinux": None,
        "rootless": os.getuid() != 0,
    }


def parse_status(text: str) -> dict[str, str]:
    """The fields of ``/proc/PID/status`` (proc_pid_status(5))."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, colon, value in pairs if colon}


def read_os() -> str | None:
    """The distribution's name."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None
