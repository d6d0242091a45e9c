"""The processes below one: who they are, what they use (where no control group counts for us), and how to end them
all.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from .cgroup.limits import read_limits
from .cgroup.reading import Reading
from .reap import Reaper


class Process(NamedTuple):
    """One line of /proc/PID/stat (proc_pid_stat(5)); times in ticks, own and of children waited for."""

    pid: int
    name: str
    state: str
    parent: int
    minor_faults: int
    major_faults: int
    user_ticks: int
    system_ticks: int


def parse_stat(text: str) -> Process | None:
    """A process from its stat line. The name may hold blanks and brackets, so it ends at the last closing one."""
    head, _, tail = text.rpartition(") ")
    pid, _, name = head.partition(" (")
    words = tail.split()
    try:
        return Process(
            int(pid),
            name,
            words[0],
            int(words[1]),
            int(words[7]) + int(words[8]),
            int(words[9]) + int(words[10]),
            int(words[11]) + int(words[13]),
            int(words[12]) + int(words[14]),
        )
    except (ValueError, IndexError):
        return None


def read_process(pid: int) -> Process | None:
    """A process by its number, or ``None`` where it is gone."""
    text = _read(f"/proc/{pid}/stat")
    return None if text is None else parse_stat(text)


def read_descendants(root: int) -> list[int]:
    """All live processes below ``root``, without itself.

    By ``children`` files, which cost by the size of the tree and not of the machine; where the kernel has none
    (CONFIG_PROC_CHILDREN), by the parents of all processes.
    """
    if not os.path.exists(f"/proc/{root}/task/{root}/children"):
        return _scan_descendants(root)
    found: list[int] = []
    stack = [root]
    while stack:
        pid = stack.pop()
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            for word in (_read(f"/proc/{pid}/task/{thread}/children") or "").split():
                found.append(int(word))
                stack.append(int(word))
    return found


def alive(pids: list[int]) -> list[Process]:
    """Those that still run: a zombie only waits to be reaped."""
    processes = (read_process(pid) for pid in pids)
    return [process for process in processes if process is not None and process.state not in "ZX"]


def send(pids: list[int], number: int) -> None:
    """Send a signal to each once; one that is gone, or is not ours, is passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


class Account:
    """Stands in for a control group where there is none of our own: the tree's processes are added up at each sample.

    What has ended is taken from ``wait4``, what still runs from /proc: CPU time, anonymous memory (resident less
    shared pages, proc_pid_statm(5)) and the number of processes. ``reaper`` is the one that collects our children.
    """

    def __init__(self, why: str, reaper: Reaper, facts: dict[str, object] | None = None) -> None:
        self._reaper = reaper
        self._facts = facts or {}
        self._why = why
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._self = os.getpid()
        measured = ("cpu_total_s", "cpu_user_s", "cpu_system_s", "anon_bytes", "pids")
        self.sources: dict[str, str] = {}
        self.reasons = {field: why for field in Reading._fields if field not in measured}

    @property
    def version(self) -> int | None:
        """``None``: no group."""
        return None

    @property
    def peak_is_fresh(self) -> bool:
        """There is no peak counter."""
        return False

    def read(self) -> Reading:
        """Sum over the tree now: the live processes, the children that they have waited for, and those that we have."""
        user = system = pages = count = 0
        for pid in read_descendants(self._self):
            process = read_process(pid)
            words = (_read(f"/proc/{pid}/statm") or "").split()
            if process is None or len(words) < 3:
                continue
            user += process.user_ticks
            system += process.system_ticks
            pages += int(words[1]) - int(words[2])
            count += 1
        ended = self._reaper.total
        return Reading(
            cpu_total_s=(user + system) / self._ticks + ended.user_s + ended.system_s,
            cpu_user_s=user / self._ticks + ended.user_s,
            cpu_system_s=system / self._ticks + ended.system_s,
            anon_bytes=pages * self._page,
            pids=count,
        )

    def reset_peak(self) -> None:
        """There is no peak counter."""

    def members(self) -> list[int]:
        """No group, no members: the tree is found by descent."""
        return []

    def joins(self) -> list[str]:
        """Nothing to enter."""
        return []

    def describe(self) -> dict[str, object]:
        """Why there is no group."""
        return {"version": None, "why": self._why, "limits": read_limits(None, {}, inside=True), **self._facts}

    def close(self) -> None:
        """Nothing is held open."""


def _read(path: str) -> str | None:
    try:
        with open(path, "rb", buffering=0) as file:  # to its end: the kernel hands out a page at a time
            return file.read().decode("utf-8", "replace")
    except OSError:
        return None


def _scan_descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            process = read_process(int(name))
            if process is not None:
                children.setdefault(process.parent, []).append(process.pid)
    found: list[int] = []
    stack = [root]
    while stack:
        below = children.get(stack.pop(), [])
        found.extend(below)
        stack.extend(below)
    return found
