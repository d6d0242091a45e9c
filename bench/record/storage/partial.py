"""Folders that are still being written: made with a mark, so that a leftover of ours is known among other folders.

A name shows nothing of whose a folder is. What has the mark was made here; all else is left alone, and no link is ever
followed to it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bench.names import PARTIAL, is_part, is_stamp
from bench.record.storage.disk import being_written, claimed, is_idle, remove_tree

MARK = ".bench-partial"
_TEXT = b"bench is writing here; what is left once it has ended is removed by the next run\n"
IMPORT = ".import-"
"""Begins the name of what an import has begun, in the results folder."""


_BEGUN = 0o1700


@contextlib.contextmanager
def held(parent: Path, prefix: str, suffix: str = "") -> Iterator[Path]:
    """Yield a new folder that is marked as ours and held, so that nobody takes it for a leftover; gone at the end.

    Args:
        parent: where.
        prefix: how its name begins.
        suffix: how its name ends.

    Raises:
        OSError: the disk refuses.
    """
    with contextlib.ExitStack() as stack:
        folder = None
        while folder is None:  # another command took it for a leftover before it was held
            made = make(parent, prefix, suffix)
            try:
                folder = _held(made, stack)
            except BaseException:
                with contextlib.suppress(OSError):
                    remove_marked(made)  # a disk that is full, or has no locks
                raise
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError):
                remove_marked(folder)


def _held(folder: Path, stack: contextlib.ExitStack) -> Path | None:
    try:
        stack.enter_context(being_written(folder))
        mark(folder)
    except FileNotFoundError:
        if folder.parent.is_dir():
            return None
        raise
    return folder


def make(parent: Path, prefix: str, suffix: str = "") -> Path:
    """Make a folder of a new name that is known as ours from its first moment, as :func:`make_named` does; return it.

    Args:
        parent: where.
        prefix: how its name begins.
        suffix: how its name ends.
    """
    while True:
        folder = parent / f"{prefix}{os.urandom(4).hex()}{suffix}"
        with contextlib.suppress(FileExistsError):
            make_named(folder)
            return folder


def make_named(folder: Path, more: int = 0) -> None:
    """Make an empty folder with the sticky bit, which no other program gives a folder that has such a name.

    A folder cannot be made with a file in it: whoever is killed before :func:`mark` leaves one that only this tells.

    Args:
        folder: the folder to make.
        more: further bits of its mode than those of its owner.

    Raises:
        OSError: it exists, or the disk refuses.
    """
    os.mkdir(folder, _BEGUN | more)  # noqa: PTH102, a mode and nothing else


def is_left(folder: Path) -> bool:
    """Return whether a folder is marked, or was made here and holds nothing yet."""
    return is_marked(folder) or _is_begun(folder)


def _is_begun(folder: Path) -> bool:
    try:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or not about.st_mode & stat.S_ISVTX or about.st_uid != os.geteuid():
            return False
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def mark(folder: Path) -> None:
    """Mark a folder as ours; the first file that goes into it.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(folder / MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_TEXT)


def is_marked(folder: Path) -> bool:
    """Return whether a folder is one that :func:`mark` was called for."""
    try:
        descriptor = os.open(folder / MARK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and os.read(descriptor, len(_TEXT) + 1) == _TEXT
    except OSError:
        return False
    finally:
        os.close(descriptor)


def remove_marked(folder: Path) -> None:
    """Remove a folder of ours with all that it holds. The mark goes last: whoever is killed here leaves it marked.

    Raises:
        OSError: some of it cannot be removed.
    """
    with os.scandir(folder) as entries:
        held = [entry for entry in entries if entry.name != MARK]
    for entry in held:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(Path(entry.path))
        else:
            Path(entry.path).unlink()
    (folder / MARK).unlink(missing_ok=True)
    folder.rmdir()


def find_partials(results: Path) -> list[Path]:
    """Half-written bundles that crashed runs and imports left; one being written now is not among them."""
    found = [path for path in _folders(results) if path.name.startswith(IMPORT) and path.name.endswith(PARTIAL)]
    for host in _named_folders(results):
        for diagnostic in _named_folders(host):
            found += [
                path
                for path in _folders(diagnostic)
                if path.name.endswith(PARTIAL) and is_stamp(path.name.removesuffix(PARTIAL))
            ]
    return sorted(path for path in found if is_left(path) and is_idle(path))


def remove_partials(results: Path) -> list[Path]:
    """Remove what :func:`find_partials` finds; returns what was removed. What cannot be removed stays."""
    removed = []
    for path in find_partials(results):
        with contextlib.suppress(OSError), claimed(path) as idle:
            if idle:
                remove_marked(path)
                removed.append(path)
    return removed


def _named_folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder that a host or a diagnostic of ours can have."""
    return (path for path in _folders(folder) if is_part(path.name))


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, links to folders left out; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
