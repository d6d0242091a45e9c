"""Check weights: loads whose true cost is known, to hold a reading against.

``PYTHON loads.py NAME [key=value …]`` does the work and prints one line of JSON: what it cost, by its own clock
(``CLOCK_PROCESS_CPUTIME_ID``), by the kernel's accounting of the process (getrusage(2)), or by construction. Keys are
those of a reading where there is one. Runs anywhere: standard library only, imports nothing of ours.
"""

from __future__ import annotations

import errno
import hashlib
import json
import mmap
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

MIB = 1024 * 1024
PAGE = mmap.PAGESIZE
Truth = dict[str, Any]


def cpu(seconds: float = 2.0) -> Truth:
    """CPU time on one thread, nearly all of it in user mode; the interpreter's own start counts too."""
    _burn(seconds)
    return _self_cpu()


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
    return _self_cpu()


def processes(seconds: float = 2.0, count: float = 2) -> Truth:
    """CPU time in child processes that are waited for; each tells its own clock, so nothing rests on wait4."""
    reports = [_fork(lambda: _burn_for(seconds / count)) for _ in range(int(count))]
    spent = sum(float(_read_all(fd)) for fd in reports)
    while _reap_one():
        pass
    return {**_self_cpu(), "cpu_total_s": time.process_time() + spent}


def split(user: float = 1.0, system: float = 1.0) -> Truth:
    """Known time in user mode (counting) and in the kernel (reading /dev/zero into one buffer, which only fills it)."""
    buffer = bytearray(8 * MIB)
    with open("/dev/zero", "rb", buffering=0) as zero:
        zero.readinto(buffer)  # the buffer's page faults belong to neither part
        start = time.process_time()
        while time.process_time() - start < system:
            zero.readinto(buffer)
        in_kernel = time.process_time() - start
    start = time.process_time()
    while time.process_time() - start < user:
        _count()
    in_user = time.process_time() - start
    return {
        **_self_cpu(),
        "cpu_user_s": in_user,
        "cpu_system_s": in_kernel,
        "other_s": time.process_time() - in_user - in_kernel,
    }


def memory(mib: float = 512, hold: float = 1.5) -> Truth:
    """Anonymous memory, every page touched once and held for so many seconds that a sample at 1 Hz sees it."""
    area = _private(int(mib) * MIB)
    for offset in range(0, len(area), PAGE):
        area[offset] = 1
    time.sleep(hold)
    held = _status_bytes("RssAnon")
    area.close()
    return {"anon_bytes": held, "touched_bytes": int(mib) * MIB}


def cache(mib: float = 256, hold: float = 1.5, folder: str = "") -> Truth:
    """Page cache: a file that was dropped from it is read once and nothing of it kept. Needs a real disk, not a
    tmpfs.
    """
    with tempfile.TemporaryFile(dir=folder or None) as file:
        for _ in range(int(mib)):
            file.write(bytes(MIB))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        buffer = bytearray(MIB)
        read = 0
        while count := file.readinto(buffer):
            read += count
        time.sleep(hold)
        return {"anon_bytes": _status_bytes("RssAnon"), "file_bytes": read}


def faults(count: float = 100_000) -> Truth:
    """Page faults: small pages touched, given back and touched again. The truth is the process's own count at its
    end.
    """
    pages = 25_000
    area = _private(pages * PAGE)
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
    """Bytes written to a file and synced. Needs a real disk, not a tmpfs."""
    block = os.urandom(MIB)
    with tempfile.TemporaryFile(dir=folder or None) as file:
        for _ in range(int(mib)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return {"write_bytes": int(mib) * MIB}


def orphan(seconds: float = 1.0) -> Truth:
    """A double fork: the worker outlives its parent, so waiting for the command misses it; it reports by a pipe."""
    read_end, write_end = os.pipe()
    middle = os.fork()
    if middle == 0:
        if os.fork() == 0:
            os.setsid()
            _burn_for(seconds)
            os.write(write_end, repr(time.process_time()).encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(middle, 0)
    spent = float(_read_all(read_end))
    return {"cpu_total_s": _self_cpu()["cpu_total_s"] + spent, "orphan_s": spent}


def left(seconds: float = 1000.0) -> Truth:
    """Ends at once and leaves a process of a session of its own behind, which must be found and ended."""
    if os.fork() == 0:
        os.setsid()
        _burn_for(seconds)
        os._exit(0)
    return {"left": 1}


def quota(seconds: float = 2.0) -> Truth:
    """Busy for so long by the wall clock. Under a quota of half a CPU, half of it is spent held back.

    The truth of ``throttled_s`` is wall less CPU time, which holds where nobody else wants the CPU.
    """
    start, spent = time.monotonic(), time.process_time()
    while time.monotonic() - start < seconds:
        _count()
    wall, busy = time.monotonic() - start, time.process_time() - spent
    return {**_self_cpu(), "throttled_s": wall - busy, "wall_s": wall, "busy_s": busy}


def balloon(most_mib: float = 2048) -> Truth:
    """Grows until it is killed. A bound spares the host; reaching it is the outcome that should not be."""
    _tell({"load": "balloon", "outcome": "oom_killed"})
    kept = []
    for _ in range(int(most_mib) // 16):
        area = _private(16 * MIB)
        for offset in range(0, len(area), PAGE):
            area[offset] = 1
        kept.append(area)
    return {"outcome": "passed", "anon_bytes": len(kept) * 16 * MIB}


def flood(seconds: float = 10.0, mib_per_s: float = 100.0) -> Truth:
    """Output at a rate, each line numbered, with bytes in it that are no UTF-8."""
    start, line, written = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - start) < seconds:
        if written > elapsed * mib_per_s * MIB:
            time.sleep(0.001)
            continue
        chunk = b"".join(b"%08d \xff\xfe\x80 %s\n" % (line + i, b"x" * 51) for i in range(1024))
        line += 1024
        written += _write_all(1, chunk)
    return {"log_bytes": written}


def hang(seconds: float = 1000.0) -> Truth:
    """Ignores TERM and INT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    _tell({"load": "hang", "deaf": True})
    time.sleep(seconds)
    return {}


def forks(most: float = 400) -> Truth:
    """Starts processes that only wait, until none is given or the bound is met, and leaves them all behind."""
    for started in range(int(most)):
        try:
            if os.fork() == 0:
                signal.pause()
                os._exit(0)
        except OSError as error:
            return {"started": started, "refused": errno.errorcode.get(error.errno or 0, "")}
    return {"started": int(most), "refused": None}


LOADS: dict[str, Callable[..., Truth]] = {
    load.__name__: load
    for load in (
        cpu, threads, processes, split, memory, cache, faults, switches, write, orphan, left, quota, balloon, flood,
        hang, forks,
    )
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run one load and print its truth; 2 where there is none of that name."""
    name, *pairs = arguments or [""]
    if name not in LOADS:
        sys.stderr.write(f"usage: loads.py NAME [key=value …], NAME one of {' '.join(LOADS)}\n")
        return 2
    options: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        options[key] = value if key == "folder" else float(value)
    truth = LOADS[name](**options)
    _tell({"load": name, **truth})
    return 0


def _private(size: int) -> mmap.mmap:
    """Anonymous memory. Python's default is a shared mapping, which the kernel counts with the files."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _tell(truth: Truth) -> None:
    sys.stdout.write(json.dumps(truth) + "\n")
    sys.stdout.flush()


def _count() -> None:
    for _ in range(2000):
        pass


def _burn(seconds: float) -> None:
    """Until this process has used that much since its birth, its start included."""
    while time.process_time() < seconds:
        _count()


def _burn_for(seconds: float) -> None:
    start = time.process_time()
    while time.process_time() - start < seconds:
        _count()


def _self_cpu() -> Truth:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_total_s": time.process_time(), "cpu_user_s": usage.ru_utime, "cpu_system_s": usage.ru_stime}


def _fork(work: Callable[[], None]) -> int:
    """Do work in a child; returns a pipe on which it tells its CPU time."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        work()
        os.write(write_end, repr(time.process_time()).encode())
        os._exit(0)
    os.close(write_end)
    return read_end


def _reap_one() -> bool:
    try:
        os.wait()
    except ChildProcessError:
        return False
    return True


def _read_all(fd: int) -> bytes:
    with os.fdopen(fd, "rb") as file:
        return file.read()


def _write_all(fd: int, data: bytes) -> int:
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
    return done


def _status_bytes(key: str) -> int | None:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # nothing more is spent after the truth was told
