"""Known work, timed: the calibration's loads, as a script (``python loads.py [--quick]`` prints one JSON object).

Standard library only and free of imports from this project, so that the same file runs on this host and inside a
container of another one. Every load has a fixed amount of work, the same on every machine. What is timed is compiled
code of the interpreter that has not changed between Python's releases (multiplication of long integers, a sort, a copy
of memory, a strided write), except ``process_start_s``, which is the start of this interpreter: compare it between
equal ones only.

Each figure is the best of its repetitions: what the machine can do, which neighbours can only make worse.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

MODULUS = (1 << 2203) - 1
EXPONENT = (1 << 400) + 12345
POWERS = 24
SORTED = 60_000
COPY_BYTES = 128 << 20
"""Twice that is in use; larger than the last-level cache of all but a few server processors."""

FAULTS = 16_384
STARTS = 5
BUDGET_S = 2.2
"""Past this no load is repeated; each has run once by then, whatever the machine."""


def compute() -> int:
    """A fixed piece of work for one core, some 0.1 to 0.2 s: arithmetic in registers, then branches and cache."""
    base = 3
    for _ in range(POWERS):
        base = pow(base, EXPONENT, MODULUS)
    # Knuth's multiplicative hash: a fixed disorder, without a random generator whose code could change.
    disorder = [(index * 2654435761) & 0xFFFFFFFF for index in range(SORTED)]
    disorder.sort()
    return base ^ disorder[SORTED // 2]


def one_core_s() -> float:
    """Seconds of :func:`compute` on one core."""
    started = time.perf_counter()
    compute()
    return time.perf_counter() - started


def all_cores_s(repetitions: int) -> float:
    """Seconds until every CPU has done :func:`compute` at the same time: one process a CPU, started together."""
    command = [sys.executable, "-I", "-S", "-B", os.path.abspath(__file__), "--worker"]  # noqa: PTH100
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(len(os.sched_getaffinity(0)))
    ]
    try:
        for worker in workers:
            _answer(worker)  # each says once that it is ready
        return min(_round_s(workers) for _ in range(repetitions))
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _round_s(workers: list[subprocess.Popen[bytes]]) -> float:
    started = time.perf_counter()
    for worker in workers:
        if worker.stdin is not None:
            worker.stdin.write(b"\n")
            worker.stdin.flush()
    for worker in workers:
        _answer(worker)
    return time.perf_counter() - started


def _answer(worker: subprocess.Popen[bytes]) -> None:
    if worker.stdout is None or not worker.stdout.readline():
        raise OSError("a worker process ended early")


def work() -> None:
    """The life of one worker: report that it is ready, then one :func:`compute` for each line that comes."""
    _say("ready")
    for _ in sys.stdin:
        compute()
        _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def memory_bandwidth_bytes_per_s(repetitions: int) -> float:
    """Bytes read and written a second by one core that copies memory (STREAM's count for a copy: both ways)."""
    source, target = bytearray(COPY_BYTES), bytearray(COPY_BYTES)
    best = float("inf")
    for _ in range(repetitions):
        started = time.perf_counter()
        target[:] = source
        best = min(best, time.perf_counter() - started)
    return 2 * COPY_BYTES / best


def page_fault_s() -> float:
    """Seconds a page fault: fresh anonymous pages of the base size, written once each by compiled code.

    Without huge pages, whatever the machine's setting, since they would make one fault of 512. The writes themselves
    take some 20 ns each; the kernel's own count of faults is what the time is divided by.
    """
    page = mmap.PAGESIZE
    with mmap.mmap(-1, FAULTS * page) as fresh:
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            fresh.madvise(mmap.MADV_NOHUGEPAGE)
        ones = b"\1" * FAULTS
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        started = time.perf_counter()
        fresh[::page] = ones
        took_s = time.perf_counter() - started
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    if faults < FAULTS // 2:
        raise OSError(f"{FAULTS} pages were touched and only {faults} faults counted")
    return took_s / faults


def process_start_s() -> float:
    """Seconds to start this interpreter with nothing to do and to wait for its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure(*, quick: bool) -> dict[str, object]:
    """All figures: name with its unit to value, and under ``unavailable`` the reason for each that failed."""
    end = time.perf_counter() + BUDGET_S

    def best(load: Callable[[], float], times: int) -> float:
        least = load()
        for _ in range(times - 1):
            if time.perf_counter() > end:
                break
            least = min(least, load())
        return least

    loads: dict[str, Callable[[], float]] = {
        "one_core_s": lambda: best(one_core_s, 1 if quick else 4),
        "all_cores_s": lambda: all_cores_s(1 if quick else 3),
        "memory_bandwidth_bytes_per_s": lambda: memory_bandwidth_bytes_per_s(2 if quick else 6),
        "page_fault_s": lambda: best(page_fault_s, 1 if quick else 4),
        "process_start_s": lambda: best(process_start_s, 3 if quick else 3 * STARTS),
    }
    figures: dict[str, object] = {}
    unavailable: dict[str, str] = {}
    for name, load in loads.items():
        try:
            figures[name] = load()
        except (OSError, MemoryError, ValueError, subprocess.SubprocessError) as error:
            figures[name] = None
            unavailable[name] = f"{type(error).__name__}: {error}".rstrip(": ")
    return {"figures": figures, "unavailable": unavailable, "python": sys.version.split()[0]}


if __name__ == "__main__":
    if "--worker" in sys.argv[1:]:
        work()
    else:
        json.dump(measure(quick="--quick" in sys.argv[1:]), sys.stdout)
