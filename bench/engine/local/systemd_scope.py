"""A control group by systemd's leave, for users who may not make one themselves (cgroup v2 only)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.engine.local.cgroup import PERIOD_US, Group, settings
from bench.engine.local.cgroup_mounts import read_hierarchy
from bench.host.cgroup.tree import V2, paths_by_controller
from bench.record.schema import Limits

_PROBE_TIMEOUT_S = 5.0


def scope_argv(unit: str, limits: Limits, argv: Sequence[str]) -> list[str]:
    """Return the command that starts ``argv`` alone in a scope of the user's systemd: systemd.resource-control(5).

    Args:
        unit: the scope's name.
        limits: what it may use.
        argv: the command to start.
    """
    properties = ["Delegate=yes"]
    if limits.cpus is not None:
        properties += [f"CPUQuota={limits.cpus * 100:g}%", f"CPUQuotaPeriodSec={PERIOD_US // 1000}ms"]
    if limits.cpuset is not None:
        properties.append(f"AllowedCPUs={limits.cpuset}")
    if limits.memory_bytes is not None:
        properties += [f"MemoryMax={limits.memory_bytes}", "MemorySwapMax=0"]
    if limits.pids is not None:
        properties.append(f"TasksMax={limits.pids}")
    options = [word for item in properties for word in ("-p", item)]
    return ["systemd-run", "--user", "--scope", "--quiet", "--collect", f"--unit={unit}", *options, "--", *argv]


def scope_environment() -> dict[str, str]:
    """What ``systemd-run --user`` needs to find the user's systemd."""
    names = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "PATH")
    return {name: os.environ[name] for name in names if name in os.environ}


def scopes_work() -> bool:
    """Whether this user's systemd starts scopes. Starts one, for a moment."""
    hierarchy = read_hierarchy()
    if hierarchy is None or hierarchy.version != 2 or shutil.which("systemd-run") is None:
        return False
    command = ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--", "true"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def read_scope(pid: int, limits: Limits, proc: Path = Path("/proc")) -> Group | None:
    """Return the group that a process of a scope is in, with the limits that really hold there, or ``None``.

    systemd sets what it can: a limit whose controller the user was not delegated is dropped without a word.

    Args:
        pid: the process.
        limits: what was asked for.
        proc: where the kernel's files on processes lie.
    """
    hierarchy = read_hierarchy()
    try:
        membership = paths_by_controller((proc / str(pid) / "cgroup").read_text(encoding="utf-8"))
    except OSError:
        return None
    if hierarchy is None or hierarchy.version != 2 or V2 not in membership:
        return None
    folder = hierarchy.mounted / membership[V2].lstrip("/")
    if not folder.name.startswith("bench-"):
        return None
    held = set()
    for name, writes in settings(2, limits).items():
        if all(_reads(folder / file) == _normal(text) for _, file, text in writes):
            held.add(name)
    return Group(2, {V2: folder}, frozenset(held))


def _reads(path: Path) -> str | None:
    try:
        return _normal(path.read_text(encoding="ascii"))
    except OSError:
        return None


def _normal(text: str) -> str:
    return " ".join(text.split())
