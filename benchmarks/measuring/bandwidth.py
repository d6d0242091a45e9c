"""A memory-bandwidth load: ``python bandwidth.py [seconds=S] [mib=M]`` copies a block to and fro and prints its rate.

The standard library is enough: copying between two large buffers is one memcpy(3) each, which no cache holds.
"""

from __future__ import annotations

import json
import sys
import time


def rate(seconds: float, mib: int) -> float:
    """Bytes copied a second, reading and writing counted once each."""
    there, here = memoryview(bytearray(mib << 20)), memoryview(bytearray(mib << 20))
    here[:] = there  # every page is there before the clock starts
    copied, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        here[:] = there
        there[:] = here
        copied += 4 * len(here)
    return copied / spent


if __name__ == "__main__":
    given = dict(word.split("=") for word in sys.argv[1:])
    print(json.dumps({"bytes_per_s": rate(float(given.get("seconds", 5)), int(given.get("mib", 128)))}), flush=True)
