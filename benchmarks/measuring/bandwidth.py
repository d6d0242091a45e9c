"""A memory-bandwidth load: ``python bandwidth.py [seconds=S] [mib=M]`` copies a block to and fro and prints how fast.

The standard library is enough: copying between two large buffers is one memcpy(3) each, which no cache holds. Besides
the rate it prints when this process began and when each turn did, in seconds of the monotonic clock, so that a turn can
be held against what else happened at that time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def turns(seconds: float, mib: int) -> list[tuple[float, float]]:
    """When each turn began and how long it took: there and back, reading and writing ``mib`` MiB twice each."""
    there, here = memoryview(bytearray(mib << 20)), memoryview(bytearray(mib << 20))
    here[:] = there  # every page is there before the clock starts
    taken: list[tuple[float, float]] = []
    start = before = time.monotonic()
    while before - start < seconds:
        here[:] = there
        there[:] = here
        now = time.monotonic()
        taken.append((before, now - before))
        before = now
    return taken


def began() -> float:
    """When this process was made: proc_pid_stat(5), field 22, in ticks since the machine's start."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK") - time.clock_gettime(time.CLOCK_BOOTTIME) + time.monotonic()


if __name__ == "__main__":
    given = dict(word.split("=") for word in sys.argv[1:])
    size = int(given.get("mib", 64))
    taken = turns(float(given.get("seconds", 5)), size)
    rate = 4 * (size << 20) * len(taken) / sum(spent for _, spent in taken)
    print(json.dumps({"bytes_per_s": rate, "began_s": began(), "turns": taken}), flush=True)
