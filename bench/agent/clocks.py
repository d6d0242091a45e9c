"""The clocks of a run. Durations are of the monotonic clock; the others tell what else happened to time."""

from __future__ import annotations

import resource
import time

from .reap import Usage, add

NOTICED_S = 1.0


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


def read_utc() -> str:
    """The time now in ISO 8601, UTC, to the millisecond."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}+00:00"


def read_own() -> Usage:
    """What the supervisor itself has used since its birth."""
    return add(Usage(), resource.getrusage(resource.RUSAGE_SELF))


def read_own_peak_bytes() -> int | None:
    """Peak resident memory of the supervisor. ``ru_maxrss`` would also count what ran in its place before exec."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
