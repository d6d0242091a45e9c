"""Writing that survives a crash, and errors of the disk worded so that a person can act on them."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.errors import BenchError, NotMeasured, UsageError
from bench.units import size

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_ALLOWED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EEXIST,
    errno.ENOENT,
}


def disk_error(error: OSError, folder: Path, option: str = "--results") -> BenchError:
    """Return the error of this tool that an error of the disk means.

    Args:
        error: what the system refused.
        folder: what was to be written.
        option: the option of the command line that chooses another place.
    """
    if error.errno in _FULL:
        return NotMeasured(
            f"no room left for {folder}", str(error.strerror), f"free some space or choose {option} elsewhere"
        )
    if error.errno in _NOT_ALLOWED:
        return UsageError(
            f"{folder} cannot be written",
            str(error.strerror),
            f"choose a folder of yours with {option} or mend its rights",
        )
    return NotMeasured(f"writing to {folder} failed", str(error), "check the disk")


@contextmanager
def disk_errors(folder: Path, option: str = "--results") -> Iterator[None]:
    """Turn every ``OSError`` of the block into :func:`disk_error`."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, folder, option) from error


def check_results_folder(path: Path, need_bytes: int = 0) -> None:
    """See before a run that its bundle can be written; nothing is left behind and no folder is made.

    The nearest folder that exists is tried with a file: permission bits mean little to root or on a read-only mount.

    Args:
        path: the results folder; it need not exist yet.
        need_bytes: room that the bundle may take.

    Raises:
        UsageError: it is not a folder or cannot be written.
        NotMeasured: the disk has less room than needed.
    """
    with disk_errors(path):
        nearest = path.absolute()
        while not os.path.lexists(nearest):
            nearest = nearest.parent
        if not nearest.is_dir():
            raise UsageError(f"{nearest} is not a folder", fix="give another folder for the results")
        import tempfile  # here, since whoever only reads writes nothing

        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(b"\0")
            probe.flush()
        free = shutil.disk_usage(nearest).free
    if free < need_bytes:
        raise NotMeasured(
            f"no room for a result in {path}",
            f"{size(free)} are free and {size(need_bytes)} may be needed",
            "free some space or choose --results elsewhere",
        )


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and force it to the disk.

    Raises:
        OSError: it exists, or the disk refuses.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Force a folder's own entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def being_written(folder: Path) -> Iterator[None]:
    """Hold the lock by which others see that a partial folder is no leftover (:func:`is_idle`)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Yield whether a folder is there and nobody else holds it; if so nobody does before the context's end."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held, or on a disk without such locks
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def is_idle(folder: Path) -> bool:
    """Return whether nobody is writing a partial folder at this moment."""
    with claimed(folder) as idle:
        return idle


def sync_tree(path: Path) -> None:
    """Force the entries of a folder and of all folders below it to the disk."""
    for folder, _, _ in os.walk(path):
        sync_folder(Path(folder))


def make_folders(path: Path) -> list[Path]:
    """Make a folder with its parents; returns those that were made, the deepest first."""
    made: list[Path] = []
    missing = path
    while not missing.is_dir():
        made.append(missing)
        missing = missing.parent
    for folder in reversed(made):
        folder.mkdir(exist_ok=True)
    return made


def remove_empty(folders: list[Path]) -> None:
    """Remove those of the folders that are empty, the deepest first."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def remove_tree(path: Path) -> None:
    """Remove a folder with all that it holds, however deeply that is nested; links are not followed.

    What lies in a folder of a folder is moved up and goes in its turn, so that neither the stack, nor a path, nor the
    number of open files grows with the depth.

    Raises:
        OSError: some of it cannot be removed; the rest is gone.
    """
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    failed: OSError | None = None
    try:
        _open_to_its_owner(top)
        kept: set[str] = set()
        while left := [name for name in os.listdir(top) if name not in kept]:  # noqa: PTH208, of a descriptor
            for name in left:
                try:
                    _remove_entry(name, top)
                except OSError as error:
                    failed = failed or error
                    kept.add(name)
    finally:
        os.close(top)
    if failed is not None:
        raise failed
    path.rmdir()


def discard_tree(path: Path) -> None:
    """Remove of a folder what can be removed, as :func:`remove_tree` does."""
    with suppress(OSError):
        remove_tree(path)


def _remove_entry(name: str, top: int) -> None:
    """Remove one entry of a folder; of a folder in it, move up what it holds and is a folder itself."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return
    below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    try:
        _open_to_its_owner(below)
        for inner in os.listdir(below):  # noqa: PTH208, of a descriptor
            if stat.S_ISDIR(os.stat(inner, dir_fd=below, follow_symlinks=False).st_mode):
                os.rename(inner, f".{os.urandom(8).hex()}", src_dir_fd=below, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=below)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=top)


def _open_to_its_owner(folder: int) -> None:
    """Give its owner the rights to remove what it holds; of somebody else's, the removal itself tells."""
    mode = os.fstat(folder).st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        with suppress(OSError):
            os.fchmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)
