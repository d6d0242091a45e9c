"""One measurement at a time on a host: two would disturb each other, so the second waits or refuses.

The host is the engine's: commands of this machine lock a name for it, and the engine is asked whether a command of
another machine has a run there. Between two of its repeats that one is not seen.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engine.protocol import Engine, Notify
from bench.errors import HostBusy, NotMeasured, UsageError
from bench.times import utc_text

LOCK_NAME = "bench-measuring.lock"
FOLDER_VARIABLE = "BENCH_LOCK_FOLDER"
SHARED_FOLDER = "/tmp"  # noqa: S108 - the one folder that all users of a host share; see _open
REMIND_S = 60.0
_HOLDER = re.compile(
    rb'\{"pid": ([1-9][0-9]{0,9}), "since": "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[0-9.]{0,7}(?:Z|\+00:00))"\}'
)
"""What a command writes into the lock's file, for people."""
_POLL_S = 0.25
_ASK_S = 2.0


@contextmanager
def measuring(engine: Engine, if_busy: str, notify: Notify, folder: Path | None = None) -> Iterator[None]:
    """Hold the one place for a measurement on an engine's host.

    The lock is the kernel's (flock(2)), so that a killed command frees it.

    Args:
        engine: where the measurement is to be.
        if_busy: ``wait`` for the other command's end, or ``refuse``.
        notify: is told who is waited for, at once and then every minute.
        folder: where the lock lies; BENCH_LOCK_FOLDER or ``/tmp`` if it is not given.

    Raises:
        HostBusy: another command measures, and ``refuse`` was asked for.
        NotMeasured: the lock cannot be had.
        UsageError: ``if_busy`` is neither.
    """
    check_if_busy(if_busy)
    path = (folder or Path(os.environ.get(FOLDER_VARIABLE) or SHARED_FOLDER)) / lock_name(engine)
    file = _open(path)
    try:
        _wait(lambda: None if _try_lock(file) else read_holder(file), _POLL_S, if_busy, notify)
        _write_holder(file)
        _wait(engine.neighbour, _ASK_S, if_busy, notify)
        yield
    finally:
        os.close(file)


def check_if_busy(if_busy: str) -> None:
    """Refuse a word that says nothing of what to do.

    Raises:
        UsageError: it is neither ``wait`` nor ``refuse``.
    """
    if if_busy not in {"wait", "refuse"}:
        raise UsageError(f"--if-busy '{if_busy}' is not known", fix="choose wait or refuse")


def lock_name(engine: Engine) -> str:
    """One name for every engine of this machine, and one for each other machine."""
    if not engine.machine:
        return LOCK_NAME
    return f"{hashlib.sha256(engine.machine.encode()).hexdigest()[:12]}-{LOCK_NAME}"


def _wait(holder: Callable[[], str | None], poll_s: float, if_busy: str, notify: Notify) -> None:
    told: float | None = None
    while (who := holder()) is not None:
        if if_busy == "refuse":
            raise HostBusy(
                f"another measurement runs on this host ({who})", "it would disturb both", "wait for its end"
            )
        if told is None or time.monotonic() - told > REMIND_S:
            notify(f"waiting for another measurement on this host to end ({who})")
            told = time.monotonic()
        time.sleep(poll_s)


def read_holder(file: int) -> str:
    """Who holds the lock, as a few words. Anybody may write into the file: what is not exactly ours is not read."""
    try:
        found = _HOLDER.fullmatch(os.pread(file, 4096, 0))
    except OSError:
        found = None
    if found is None:
        return "by a process that did not leave its name"
    return f"process {int(found[1])}, since {found[2].decode()}"


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
        path.parent.mkdir(parents=True, exist_ok=True)
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
    holder = {"pid": os.getpid(), "since": utc_text(time.time())}
    with contextlib.suppress(OSError):  # for people only
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(holder).encode(), 0)
