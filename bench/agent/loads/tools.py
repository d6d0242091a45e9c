"""What the loads are made of."""

from __future__ import annotations

import json
import mmap
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

MIB = 1024 * 1024
PAGE = mmap.PAGESIZE
Truth = dict[str, Any]
"""What a load says of itself."""


def private(size: int) -> mmap.mmap:
    """Anonymous memory. Python's default is a shared mapping, which the kernel counts with the files."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def tell(truth: Truth) -> None:
    """Print a truth as one line, now."""
    sys.stdout.write(json.dumps(truth) + "\n")
    sys.stdout.flush()


def spin() -> None:
    """Some microseconds of user time."""
    for _ in range(2000):
        pass


def burn(seconds: float) -> None:
    """Until this process has used that much since its birth, its start included."""
    while time.process_time() < seconds:
        spin()


def burn_for(seconds: float) -> None:
    """Use that much more CPU time."""
    start = time.process_time()
    while time.process_time() - start < seconds:
        spin()


def told_cpu(others_s: float = 0.0, ends: int = 1) -> Truth:
    """CPU time since this process's birth and that of ``others_s``, in seconds.

    No process can tell what its own end costs, which frees its memory. ``end_s`` is that for ``ends`` processes like
    this one, tried on a child that ends at once: the truth lies between ``cpu_total_s`` and ``end_s`` more.
    """
    child = os.fork()
    if child == 0:
        os._exit(0)
    _, _, tried = os.wait4(child, 0)
    end = tried.ru_utime + tried.ru_stime
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_user_s": usage.ru_utime,
        "cpu_system_s": usage.ru_stime,
        "end_s": end * ends,
        "cpu_total_s": time.process_time() + others_s + end,
    }


def fork(work: Callable[[], None]) -> int:
    """Do work in a child; returns a pipe on which it tells its CPU time."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        work()
        os.write(write_end, repr(time.process_time()).encode())
        os._exit(0)
    os.close(write_end)
    return read_end


def reap_one() -> bool:
    """Wait for a child; false where there is none."""
    try:
        os.wait()
    except ChildProcessError:
        return False
    return True


def read_all(fd: int) -> bytes:
    """Everything up to the end, then close."""
    with os.fdopen(fd, "rb") as file:
        return file.read()


def write_all(fd: int, data: bytes) -> int:
    """Write everything; returns its length."""
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
    return done


def status_bytes(key: str) -> int | None:
    """A line of /proc/self/status in bytes."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None


def machine_busy_s() -> float | None:
    """CPU time that the whole machine has used, stolen time included (proc_stat(5)); ``None`` where it is hidden."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def since_birth_s() -> float:
    """Seconds since this process was forked (proc_pid_stat(5): starttime, since boot, to a clock tick)."""
    with open("/proc/self/stat", "rb") as file:
        started = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def outside(value: float, least: float, more: float) -> float:
    """How far a value lies from the interval of ``least`` and so much ``more``; 0 within."""
    return max(least - value, value - least - more, 0.0)


def waited_s(pid: int) -> float | None:
    """How long a process was ready and had to wait for a CPU (Linux: sched-stats.rst); ``None`` where it is hidden."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
