"""Whose container this is: labels that name the very process that made it, and whether that process still lives.

A name or a process id alone is not enough to remove anything by: ids are used again, several machines may share one
engine, and process ids mean something else in another pid namespace. So the labels hold the host, its boot, the pid
namespace, the process id and that process's start time; only where all of them say so is a thing an orphan.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

PREFIX = "bench."
TOOL = PREFIX + "tool"
TOOL_NAME = "bench"
RUN = PREFIX + "run"
ROLE = PREFIX + "role"
_FIELDS = ("host", "boot", "pidns", "pid", "start")


@dataclass(frozen=True, slots=True)
class Owner:
    """One process of one boot of one host. ``start`` is opaque: equal for the same process, else different."""

    host: str
    boot: str
    pidns: str
    pid: int
    start: str


@cache
def current_owner() -> Owner:
    """This process."""
    return Owner(read_host(), read_boot(), read_pid_namespace(), os.getpid(), read_start(os.getpid()) or "")


def owner_labels(owner: Owner, run_id: str) -> dict[str, str]:
    """The labels of everything that ``owner`` makes for one run."""
    labels = {TOOL: TOOL_NAME, RUN: run_id}
    return labels | {PREFIX + "owner." + name: str(getattr(owner, name)) for name in _FIELDS}


def parse_owner(labels: Mapping[str, str]) -> Owner | None:
    """The owner that labels name, or ``None`` if they are not (completely) ours."""
    if labels.get(TOOL) != TOOL_NAME:
        return None
    values = {name: labels.get(PREFIX + "owner." + name, "") for name in _FIELDS}
    if not values["host"] or not values["boot"] or not values["pid"].isdigit():
        return None
    return Owner(values["host"], values["boot"], values["pidns"], int(values["pid"]), values["start"])


def is_gone(owner: Owner, here: Owner, running: bool) -> bool:
    """Whether ``owner`` was a process of this host that no longer lives; ``False`` wherever that is not certain.

    Args:
        owner: who made the thing.
        here: this process, for host, boot and namespace.
        running: whether the thing is a container that runs now. Nothing survives a reboot of the host running, so a
            running container with our host's name and another boot belongs to a clone of this machine.
    """
    if owner.host != here.host:
        return False
    same_pids = owner.pidns == here.pidns
    if owner.boot != here.boot:  # if a boot has no id, its time is taken, and a clock that is set moves it
        return not running and not (same_pids and is_alive(owner.pid, owner.start))
    return same_pids and not is_alive(owner.pid, owner.start)


def is_alive(pid: int, start: str) -> bool:
    """Whether the process ``pid`` that started at ``start`` still lives (another user's too)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it lives, and is another user's
    now = read_start(pid)
    return now is None or not start or now == start


def parse_stat_start(text: str) -> str | None:
    """The start time, in clock ticks since boot, of the text of ``/proc/PID/stat`` (proc(5), field 22).

    The second field is the command's name in brackets and may hold brackets and spaces. A zombie counts as ended.
    """
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20:
        return None
    return "ended" if fields[0] in {"Z", "X"} else fields[19]


def read_start(pid: int) -> str | None:
    """When a process started, as opaque text; ``None`` if that cannot be read."""
    try:
        return parse_stat_start(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        pass
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.Error:
        return None


def read_host() -> str:
    """A short hash of this machine's id and name: stable over reboots, and telling nobody the id itself."""
    ident = ""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            ident = Path(path).read_text(encoding="ascii").strip()
            break
        except (OSError, UnicodeDecodeError):
            continue
    return hashlib.sha256(f"bench\0{ident}\0{platform.node()}".encode()).hexdigest()[:16]


def read_boot() -> str:
    """An id of this boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(round(psutil.boot_time() / 60))


def read_pid_namespace() -> str:
    """The pid namespace, or empty if the system has none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
