"""A neighbour that comes and goes: processes that take CPU time and memory bandwidth for a while, then none.

python benchmarks/measuring/neighbour.py [--seconds 600] [--processes 2] [--longest 20] [--seed 1]

How long it stays and how many processes it has is drawn anew each time, by the seed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time

_BLOCK = 8 * 1024**2


def work(until: float) -> None:
    """Copy a block that no cache holds, and count, until a moment of the monotonic clock."""
    block, total = bytearray(_BLOCK), 0
    while time.monotonic() < until:
        total += len(bytes(block))
        total += sum(range(20_000))


def come_and_go(seconds: float, processes: int, longest: float, seed: int) -> None:
    """Be there and be away in turns, each for up to ``longest`` seconds.

    Args:
        seconds: how long in all.
        processes: how many work at once while it is there, at most.
        longest: seconds of a stay or of a pause, at most.
        seed: of the lengths.
    """
    draw, end = random.Random(seed), time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        until = min(end, now + draw.uniform(0.1, 1) * longest)
        there = [multiprocessing.Process(target=work, args=(until,)) for _ in range(draw.randint(1, processes))]
        for one in there:
            one.start()
        for one in there:
            one.join()
        time.sleep(max(0.0, min(draw.uniform(0.1, 1) * longest, end - time.monotonic())))


def main() -> int:
    """Be a neighbour."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--longest", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    come_and_go(given.seconds, given.processes, given.longest, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
