"""Ends the whole tree: TERM, time to comply, KILL until nothing is left."""

from __future__ import annotations

import os
import signal
import time

from .cgroup.reading import Group
from .process_tree import Process, alive, read_descendants, send
from .reap import Reaper

QUIT_LEAD_S = 0.3
"""Between the traceback that is asked for last and KILL."""

KILL_EVERY_S = 0.05
KILL_LIMIT_S = 10.0
SETTLE_S = 0.25
"""A helper that ends by itself when its parent is gone (a resource tracker) has this long."""


class Tree:
    """Every process of the run: those in its group, and those below us."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._self = os.getpid()
        self._before = frozenset(group.members()) | frozenset(read_descendants(self._self))

    def pids(self) -> list[int]:
        """All of them, without the supervisor and what was there before it."""
        found = set(self._group.members()) | set(read_descendants(self._self))
        return sorted(found - self._before - {self._self, 0})

    def holds(self, pid: int) -> bool:
        """Whether a process is one of them. Process 1 sees no process but these: a sender outside has the number 0."""
        return pid > 1 if self._self == 1 else pid in self.pids()

    def running(self) -> list[Process]:
        """Those that are more than zombies."""
        return alive(self.pids())

    def kill(self) -> None:
        """KILL all at once where the kernel offers it: a fork bomb outruns a loop.

        As process 1 by ``kill(-1)``, which spares only ourselves and reaches a whole process namespace in one step; a
        version 2 group that is not ours to live in by ``cgroup.kill`` (Linux 5.14).
        """
        if self._self == 1:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                pass
            return
        for path in self._group.joins():
            if self._group.version == 2 and _write(os.path.join(os.path.dirname(path), "cgroup.kill"), b"1"):
                return
        send(self.pids(), signal.SIGKILL)


class Ladder:
    """The steps from a polite request to the end of the main child. Times are of the monotonic clock."""

    def __init__(self, tree: Tree, main: int, grace_s: float, ask_traceback: bool) -> None:
        self._tree = tree
        self._main = main
        self._grace_s = grace_s
        self._ask_traceback = ask_traceback
        self._asked = False
        self.reason: str | None = None
        self.next_at: float | None = None

    def begin(self, reason: str, now: float) -> None:
        """Send TERM, once to each process: a second one would break off what the first one began."""
        self.reason = reason
        send(self._tree.pids(), signal.SIGTERM)
        self.next_at = now + self._grace_s

    def hurry(self, now: float) -> None:
        """Skip what is left of the grace."""
        self._asked = True
        self.next_at = now

    def step(self, now: float) -> None:
        """Take the step that is due."""
        if self.next_at is None or now < self.next_at:
            return
        if self._ask_traceback and not self._asked:
            self._asked = True
            send([self._main], signal.SIGQUIT)
            self.next_at = now + QUIT_LEAD_S
            return
        self._tree.kill()
        self.next_at = now + KILL_EVERY_S


def end_leftovers(tree: Tree, reaper: Reaper) -> tuple[list[Process], list[Process]]:
    """After the main child's end: returns what still ran and was killed, and what could not be.

    They are killed and not waited for: the run is over when its main process says so. Until then their CPU time
    is the run's.
    """
    limit = time.monotonic() + SETTLE_S
    reaper.collect()
    left = tree.running()
    while left and time.monotonic() < limit:
        time.sleep(0.01)
        reaper.collect()
        left = tree.running()
    limit = time.monotonic() + KILL_LIMIT_S
    remaining = left
    while remaining and time.monotonic() < limit:
        tree.kill()
        time.sleep(0.005)
        reaper.collect()
        remaining = tree.running()
    _collect_rest(tree, reaper)
    return left, remaining


def _collect_rest(tree: Tree, reaper: Reaper) -> None:
    """Zombies whose parent died in the same moment come to us a moment later."""
    limit = time.monotonic() + 1.0
    while (reaper.collect() or tree.pids()) and time.monotonic() < limit and not tree.running():
        time.sleep(0.002)


def _write(path: str, data: bytes) -> bool:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.write(fd, data) > 0
    except OSError:
        return False
    finally:
        os.close(fd)
