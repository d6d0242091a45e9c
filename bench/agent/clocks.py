"""The clocks of a run. Durations are of the monotonic clock; the others tell what else happened to time."""

from __future__ import annotations

import os
import resource
import time

from .cgroup.reading import Reading
from .reap import Usage, add
from .run_delay import parse_delay

NOTICED_S = 1.0
FROZEN_S = 2.0
"""We are never so late by ourselves: a gap of that length, less all waiting that is known, is a stop."""
WAITS = ("throttled_s", "memory_some_s", "io_some_s")
"""What can hold us up that is no stop of the run: its counters grow meanwhile."""


class Clocks:
    """The moment of the start on every clock. ``start`` is of the monotonic one."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self._wall = time.time()
        self._boot = time.clock_gettime(time.CLOCK_BOOTTIME)

    def findings(self) -> list[tuple[str, str, float]]:
        """Whether the machine slept, or somebody set the clock, by more than a second: code, message, seconds."""
        elapsed = time.monotonic() - self.start
        slept = time.clock_gettime(time.CLOCK_BOOTTIME) - self._boot - elapsed
        stepped = time.time() - self._wall - elapsed - slept
        found = []
        if slept > NOTICED_S:
            found.append(("suspended", f"the machine was suspended for {slept:.1f} s during the run", slept))
        if abs(stepped) > NOTICED_S:
            message = f"the wall clock was stepped by {stepped:.1f} s; durations do not use it"
            found.append(("clock_stepped", message, stepped))
        return found


class Gaps:
    """The seconds in which we should have run and did not, while nothing that is known held us up: somebody had
    stopped us (SIGSTOP, ``docker pause``), or the whole machine.

    How long a process waits for a CPU is told by ``/proc/PID/schedstat`` (Linux: sched-stats.rst), its second figure.
    """

    def __init__(self) -> None:
        try:
            self._schedstat: int | None = os.open("/proc/self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._schedstat = None  # a kernel without it
        self._waited_s = self._read_wait()
        self.frozen_s = 0.0

    def steady(self) -> None:
        """Count waiting from now on; often enough to keep it apart from the gap that it is held against."""
        self._waited_s = self._read_wait()

    def take(self, late_s: float, before: Reading, after: Reading) -> None:
        """We are this late; the readings are those of the group before and after."""
        if late_s < FROZEN_S:
            return
        known = self._read_wait() - self._waited_s
        for name in WAITS:
            one, other = getattr(before, name), getattr(after, name)
            known += other - one if one is not None and other is not None else 0.0
        if late_s - known >= FROZEN_S:
            self.frozen_s += late_s

    def close(self) -> None:
        """Close what is held open."""
        if self._schedstat is not None:
            os.close(self._schedstat)
            self._schedstat = None

    def _read_wait(self) -> float:
        try:
            return 0.0 if self._schedstat is None else parse_wait(os.pread(self._schedstat, 128, 0))
        except OSError:
            return 0.0


def parse_wait(text: bytes) -> float:
    """Seconds of waiting for a CPU in a ``schedstat``; 0 where it is none."""
    return (parse_delay(text) or 0) / 1e9


def read_utc() -> str:
    """The time now in ISO 8601, UTC, to the millisecond."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}+00:00"


def read_own() -> Usage:
    """What the supervisor itself has used since its birth."""
    return add(Usage(), resource.getrusage(resource.RUSAGE_SELF))


def read_own_peak_bytes() -> int | None:
    """Peak resident memory of the supervisor. ``ru_maxrss`` would also count what ran in its place before exec."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # a limit that a test has set for us
    return None
