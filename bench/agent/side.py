"""Runs a small command before or after the measured one, within a time limit, with its output in a file."""

from __future__ import annotations

import os
import select
import signal
import time

from .reap import Reaper
from .signals import Signals
from .spawn import Command, SpawnError, spawn

STOPPED = "asked to stop"


def run_aside(command: Command, path: str, limit_s: float, signals: Signals) -> str | None:
    """Returns ``None`` where it ended with 0, else what went wrong. Its output goes to ``path``. Asked to stop, it ends
    the command at once.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
        os.set_blocking(fd, True)
    except OSError as error:
        return f"{error.strerror}"
    try:
        pid = spawn(command._replace(output=fd))
    except SpawnError as error:
        return str(error)
    finally:
        os.close(fd)
    reaper = Reaper()
    reaper.watch(pid)
    limit = time.monotonic() + limit_s
    problem = None
    while True:
        reaper.collect()
        if reaper.status is not None:
            break
        if problem is None:
            problem = STOPPED if signals.take() else None
            if time.monotonic() >= limit:
                problem = f"not done within {limit_s:g} s"
            if problem is not None:
                try:
                    os.killpg(pid, signal.SIGKILL)  # spawn made it a session and thus a process group
                except ProcessLookupError:
                    pass
        select.select(signals.fds, [], [], 0.2)
        if problem is not None:
            signals.take()
    if problem is not None:
        return problem
    code = os.waitstatus_to_exitcode(reaper.status)
    return None if code == 0 else f"exit code {code}"
