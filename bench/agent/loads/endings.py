"""Loads that end badly, or leave something behind."""

from __future__ import annotations

import errno
import os
import signal
import time

from .tools import MIB, PAGE, Truth, burn_for, private, tell, write_all


def balloon(most_mib: float = 2048) -> Truth:
    """Grows until it is killed. A bound spares the host; reaching it is the outcome that should not be."""
    tell({"load": "balloon", "outcome": "oom_killed"})
    kept = []
    for _ in range(int(most_mib) // 16):
        area = private(16 * MIB)
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
        written += write_all(1, chunk)
    return {"log_bytes": written}


def hang(seconds: float = 1000.0) -> Truth:
    """Ignores TERM and INT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    tell({"load": "hang", "deaf": True})
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


def left(seconds: float = 1000.0) -> Truth:
    """Ends at once and leaves a process of a session of its own behind, which must be found and ended."""
    if os.fork() == 0:
        os.setsid()
        burn_for(seconds)
        os._exit(0)
    return {"left": 1}
