"""How long the tasks of a run were ready and waited for a CPU (Linux: Documentation/scheduler/sched-stats.rst).

``/proc/PID/task/TID/schedstat`` has it of one thread since its birth, with or without a control group: version 1 has no
pressure file of a group, and version 2's counts tasks that wait for one another too. A thread that has ended leaves
nothing behind, so each is read at every sample, and the child at its end once more, before it is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable

MOST_TASKS = 512
"""Threads that are read at one sample: reading more would itself be work that the run waits for."""
NO_FILE = "/proc/PID/schedstat cannot be read here (needs CONFIG_SCHED_INFO)"


class RunDelay:
    """Adds up the waiting of every task that it sees.

    Args:
        pids: returns the processes of the run.
        proc: where the processes' files are.
    """

    def __init__(self, pids: Callable[[], list[int]], proc: str = "/proc") -> None:
        self._pids = pids
        self._proc = proc
        self._last: dict[int, int] = {}
        self._ran: dict[int, int] = {}
        self._gone_ns = self._gone_ran_ns = 0
        self.left_out = False
        """Whether there were more threads than are read."""

    @property
    def seconds(self) -> float | None:
        """The waiting of all tasks together, ``None`` if no task could be read."""
        return (self._gone_ns + sum(self._last.values())) / 1e9 if self._last else None

    @property
    def seen_cpu_s(self) -> float:
        """The CPU time of the tasks as far as it was seen: by it one tells how much of the run the waiting is of."""
        return (self._gone_ran_ns + sum(self._ran.values())) / 1e9

    @property
    def source(self) -> str:
        """Where the figure comes from."""
        more = f", the first {MOST_TASKS} of each sample" if self.left_out else ""
        return f"schedstat of {len(self._last)} tasks, at each sample and at the child's end{more}"

    def sample(self) -> None:
        """Read every thread of the run."""
        left = MOST_TASKS
        for pid in self._pids():
            try:
                tasks = os.listdir(f"{self._proc}/{pid}/task")
            except OSError:
                continue
            self.left_out = self.left_out or len(tasks) > left
            for task in tasks[:left]:
                self._read(int(task), f"{self._proc}/{pid}/task/{task}/schedstat")
            left -= min(left, len(tasks))

    def end(self, pid: int) -> None:
        """Read a child that has ended and was not waited for yet: a zombie still has its figures."""
        self._read(pid, f"{self._proc}/{pid}/schedstat")

    def _read(self, task: int, path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            text = os.read(descriptor, 128)
        except OSError:
            text = b""
        finally:
            os.close(descriptor)
        waited = parse_delay(text)
        if waited is not None:
            self.take(task, waited, int(text.split()[0]))

    def take(self, task: int, waited: int, ran: int = 0) -> None:
        """Keep what a task has waited and run by now, in nanoseconds."""
        before = self._last.get(task, 0)
        if waited < before:  # another thread has the number now
            self._gone_ns += before
            self._gone_ran_ns += self._ran[task]
        self._last[task], self._ran[task] = waited, ran


def parse_delay(text: bytes) -> int | None:
    """Nanoseconds of waiting for a CPU in a ``schedstat``; ``None`` where it is none."""
    words = text.split()
    return int(words[1]) if len(words) == 3 and words[0].isdigit() and words[1].isdigit() else None
