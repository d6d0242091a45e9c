"""One measurement at a time on a host: two would disturb each other, so the second waits or refuses."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engine.protocol import Notify
from bench.errors import NotMeasured, UsageError

LOCK_NAME = "bench-measuring.lock"
FOLDER_VARIABLE = "BENCH_LOCK_FOLDER"
SHARED_FOLDER = "/tmp"  # noqa: S108 - the one folder that all users of a host share; see _open
REMIND_S = 60.0
_POLL_S = 0.25


@contextmanager
def measuring(if_busy: str, notify: Notify, folder: Path | None = None) -> Iterator[None]:
    """Hold the host's one place for a measurement.

    The lock is the kernel's (flock(2)), so that a killed command frees it.

    Args:
        if_busy: ``wait`` for the other command's end, or ``refuse``.
        notify: is told who is waited for, at once and then every minute.
        folder: where the lock lies; BENCH_LOCK_FOLDER or ``/tmp`` where it is not given.

    Raises:
        NotMeasured: another command measures, and ``refuse`` was asked for.
        UsageError: ``if_busy`` is neither.
    """
    if if_busy not in {"wait", "refuse"}:
        raise UsageError(f"'{if_busy}' says nothing of what to do while another command measures", fix="wait or refuse")
    path = (folder or Path(os.environ.get(FOLDER_VARIABLE) or SHARED_FOLDER)) / LOCK_NAME
    file = _open(path)
    try:
        told: float | None = None
        while not _try_lock(file):
            who = read_holder(file)
            if if_busy == "refuse":
                raise NotMeasured(
                    f"another measurement runs on this host ({who})", "it would disturb both", "wait for its end"
                )
            if told is None or time.monotonic() - told > REMIND_S:
                notify(f"waiting for another measurement on this host to end ({who})")
                told = time.monotonic()
            time.sleep(_POLL_S)
        _write_holder(file)
        yield
    finally:
        os.close(file)


def read_holder(file: int) -> str:
    """Who holds the lock, as a few words."""
    try:
        holder = json.loads(os.pread(file, 4096, 0))
        return f"process {int(holder['pid'])}, since {str(holder['since'])[:20]}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by a process that did not leave its name"


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    """The lock's file. Made once; then opened without O_CREAT, which a sticky folder refuses for others' files.

    A link is not followed, and reading is enough to lock, so nobody gains anything by being first.
    """
    try:
        with contextlib.suppress(FileExistsError):
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666)
            os.fchmod(file, 0o666)  # whatever the umask: other users write their name into it
            return file
        try:
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except PermissionError:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        cause = error.strerror or str(error)
        raise NotMeasured(f"{path} cannot be locked", cause, f"remove it, or set {FOLDER_VARIABLE}") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise NotMeasured(f"{path} cannot be locked", "it is no file", f"remove it, or set {FOLDER_VARIABLE}")
    return file


def _write_holder(file: int) -> None:
    holder = {"pid": os.getpid(), "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    with contextlib.suppress(OSError):  # for people only
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(holder).encode(), 0)
