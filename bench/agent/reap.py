"""Collects children that have ended, ours and orphans that were given to us, and adds up what the kernel says they
used.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from typing import NamedTuple


class Usage(NamedTuple):
    """Sums over processes (getrusage(2)); ``max_rss_bytes`` is the largest of any one. A block is 512 bytes."""

    user_s: float = 0.0
    system_s: float = 0.0
    max_rss_bytes: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    in_blocks: int = 0
    out_blocks: int = 0
    voluntary: int = 0
    involuntary: int = 0
    processes: int = 0


def add(total: Usage, one: resource.struct_rusage) -> Usage:
    """The total with one more process (which stands for the children that it has waited for, too)."""
    return Usage(
        total.user_s + one.ru_utime,
        total.system_s + one.ru_stime,
        max(total.max_rss_bytes, one.ru_maxrss * 1024),
        total.minor_faults + one.ru_minflt,
        total.major_faults + one.ru_majflt,
        total.in_blocks + one.ru_inblock,
        total.out_blocks + one.ru_oublock,
        total.voluntary + one.ru_nvcsw,
        total.involuntary + one.ru_nivcsw,
        total.processes + 1,
    )


def grown(before: Usage, after: Usage) -> Usage:
    """What one process used between two readings: times and faults; the rest stays that of its life."""
    return after._replace(
        user_s=after.user_s - before.user_s,
        system_s=after.system_s - before.system_s,
        minor_faults=after.minor_faults - before.minor_faults,
        major_faults=after.major_faults - before.major_faults,
    )


class Reaper:
    """Waits for children. ``status`` is the main child's wait status once it has ended.

    ``before`` is called with the number of each child that has ended, while its files in /proc are still there.
    """

    def __init__(self) -> None:
        self.before: Callable[[int], None] = lambda _: None
        self.total = Usage()
        self.main: int | None = None
        self.status: int | None = None

    def watch(self, pid: int) -> None:
        """Whose end is the run's end."""
        self.main = pid

    def collect(self) -> bool:
        """Take in all that have ended; returns whether any child is left."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is None:
                    return True
                self.before(ended.si_pid)
                pid, status, usage = os.wait4(ended.si_pid, 0)
            except ChildProcessError:
                return False
            self.total = add(self.total, usage)
            if pid == self.main:
                self.status = status
