"""Loads that use a known amount of something, and say how much."""

from __future__ import annotations

import hashlib
import mmap
import os
import resource
import tempfile
import threading
import time

from .tools import (
    MIB,
    PAGE,
    Truth,
    burn,
    burn_for,
    fork,
    machine_busy_s,
    outside,
    private,
    read_all,
    reap_one,
    since_birth_s,
    spin,
    status_bytes,
    told_cpu,
    waited_s,
)

BLOCK = 512
"""Bytes of a block of getrusage(2)."""


def cpu(seconds: float = 2.0) -> Truth:
    """CPU time on one thread, nearly all of it in user mode; the interpreter's own start counts too."""
    burn(seconds)
    return told_cpu()


def threads(seconds: float = 2.0, count: float = 2) -> Truth:
    """CPU time in threads that truly run at once: hashing a large buffer releases the interpreter's lock."""
    block = bytes(4 * MIB)

    def work() -> None:
        while time.thread_time() < seconds / count:
            hashlib.sha256(block).digest()

    workers = [threading.Thread(target=work) for _ in range(int(count))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return told_cpu()


def processes(seconds: float = 2.0, count: float = 2) -> Truth:
    """CPU time in child processes that are waited for; each tells its own clock, so nothing rests on wait4."""
    reports = [fork(lambda: burn_for(seconds / count)) for _ in range(int(count))]
    spent = sum(float(read_all(fd)) for fd in reports)
    while reap_one():
        pass
    return told_cpu(spent, ends=int(count) + 1)


def split(user: float = 1.0, system: float = 1.0) -> Truth:
    """Known time in user mode (counting) and in the kernel (reading /dev/zero into one buffer, which only fills it).

    Most kernels split CPU time by what a tick finds: a sample. How far this process's own account (getrusage) lies from
    what it did is this sample's error; and on a busy machine ticks come when the others let us run. That error, and how
    long we waited for a CPU meanwhile, make the truth of each part an interval.
    """
    buffer = bytearray(8 * MIB)
    with open("/dev/zero", "rb", buffering=0) as zero:
        zero.readinto(buffer)  # the buffer's page faults belong to neither part
        waited = waited_s(os.getpid()) or 0.0
        start = time.process_time()
        while time.process_time() - start < system:
            zero.readinto(buffer)
        in_kernel = time.process_time() - start
    start = time.process_time()
    while time.process_time() - start < user:
        spin()
    in_user = time.process_time() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    unsure = (waited_s(os.getpid()) or 0.0) - waited
    whole = told_cpu()
    other = whole["cpu_total_s"] + whole["end_s"] - in_user - in_kernel
    unsure += max(outside(usage.ru_utime, in_user, other), outside(usage.ru_stime, in_kernel, other))
    return {**whole, "cpu_user_s": in_user, "cpu_system_s": in_kernel, "other_s": other, "unsure_s": unsure}


def memory(mib: float = 512, hold: float = 1.5) -> Truth:
    """Anonymous memory, every page touched once and held for so many seconds that a sample at 1 Hz sees it."""
    area = private(int(mib) * MIB)
    for offset in range(0, len(area), PAGE):
        area[offset] = 1
    time.sleep(hold)
    held = status_bytes("RssAnon")
    area.close()
    return {"anon_bytes": held, "touched_bytes": int(mib) * MIB}


def cache(mib: float = 256, hold: float = 1.5, folder: str = "") -> Truth:
    """Page cache: a file that was dropped from it is read once and nothing of it kept.

    ``read_bytes`` is what the kernel counts as read from a disk for this process; ``None`` where that is nothing, as in
    a tmpfs.
    """
    with tempfile.TemporaryFile(dir=folder or None) as file:
        for _ in range(int(mib)):
            file.write(bytes(MIB))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_inblock
        buffer = bytearray(MIB)
        read = 0
        while count := file.readinto(buffer):
            read += count
        time.sleep(hold)
        from_disk = (resource.getrusage(resource.RUSAGE_SELF).ru_inblock - before) * BLOCK
        return {"anon_bytes": status_bytes("RssAnon"), "file_bytes": read, "read_bytes": from_disk or None}


def faults(count: float = 100_000) -> Truth:
    """Page faults: small pages touched, given back and touched again. The truth is the process's own count at its
    end.
    """
    pages = 25_000
    area = private(pages * PAGE)
    area.madvise(mmap.MADV_NOHUGEPAGE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for done in range(int(count)):
        if done and done % pages == 0:
            area.madvise(mmap.MADV_DONTNEED)
        area[done % pages * PAGE] = 1
    usage = resource.getrusage(resource.RUSAGE_SELF)
    area.close()
    return {"minor_faults": usage.ru_minflt, "caused": usage.ru_minflt - before, "asked": int(count)}


def switches(count: float = 1000) -> Truth:
    """Voluntary context switches: one for each sleep."""
    for _ in range(int(count)):
        time.sleep(0.0002)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"voluntary": usage.ru_nvcsw, "involuntary": usage.ru_nivcsw, "asked": int(count)}


def write(mib: float = 64, folder: str = "") -> Truth:
    """Bytes written to a file and synced; ``None`` where the kernel counts none for this process: no disk is below."""
    block = os.urandom(MIB)
    with tempfile.TemporaryFile(dir=folder or None) as file:
        for _ in range(int(mib)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    on_disk = resource.getrusage(resource.RUSAGE_SELF).ru_oublock > 0
    return {"write_bytes": int(mib) * MIB if on_disk else None}


def orphan(seconds: float = 1.0) -> Truth:
    """A double fork: the worker outlives its parent, so waiting for the command misses it; it reports by a pipe."""
    read_end, write_end = os.pipe()
    middle = os.fork()
    if middle == 0:
        if os.fork() == 0:
            os.setsid()
            burn_for(seconds)
            os.write(write_end, repr(time.process_time()).encode())
        os._exit(0)
    os.close(write_end)
    _, _, between = os.wait4(middle, 0)
    spent = float(read_all(read_end))
    return {**told_cpu(spent + between.ru_utime + between.ru_stime, ends=2), "orphan_s": spent}


def quota(seconds: float = 2.0) -> Truth:
    """Busy for so long by the wall clock. Under a quota of half a CPU, half of it is spent held back.

    Wall less CPU time is ``throttled_s`` where nobody else wants the CPU. Three things make that uncertain, and
    ``unsure_s`` is their sum: what others used of the machine meanwhile, which may have kept this process waiting too;
    what it waited before this function began; and how long its parent ever waited, since the kernel adds up what each
    CPU held back, and the supervisor may be held back on another one. The truth lies between ``held_back_s`` and
    ``unsure_s`` more.
    """
    early = max(since_birth_s() - time.process_time(), 0.0)
    machine = machine_busy_s()
    start, spent = time.monotonic(), time.process_time()
    while time.monotonic() - start < seconds:
        spin()
    wall, busy = time.monotonic() - start, time.process_time() - spent
    machine_after, parent = machine_busy_s(), waited_s(os.getppid())
    waited = max(wall - busy, 0.0)
    others = waited if machine is None or machine_after is None else max(machine_after - machine - busy, 0.0)
    beside = waited if parent is None else parent
    return {
        "throttled_s": wall - busy,
        "held_back_s": max(waited - others, 0.0),
        "unsure_s": min(others, waited) + early + beside,
        "wall_s": wall,
        "busy_s": busy,
    }
