"""The folder that the results go to, held open: the tests can write to it, rename it, shut it and fill it.

Whatever they do there, what the supervisor writes is found again: by descriptors that were opened before the child's
start, of files of which some have no name at all. A process of our user can reach neither (see ``calls.hide``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

PIECE = 256 * 1024
ASIDE = ".replaced"
"""Ends the name of what lay in the place of one of our files."""


class OutFolder:
    """The folder by its descriptor. ``way`` leads to it wherever it was moved to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        way = f"/proc/self/fd/{self._fd}"
        self.way = way if os.path.isdir(way) else path

    def file(self, name: str) -> str:
        """The path of a file in it, for as long as the folder is open."""
        return os.path.join(self.way, name)

    def restore(self) -> str | None:
        """Put the folder back where it was, open to its owner; returns what was wrong with it."""
        found = []
        about = os.fstat(self._fd)
        if about.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            quietly(os.fchmod, self._fd, stat.S_IMODE(about.st_mode) | stat.S_IRWXU)
            found.append("had been shut")
        if not same(about, self.path):
            found.append("had been removed" if about.st_nlink == 0 else "had been moved")
            self._bring_back(about)
        return " and ".join(found) or None

    def _bring_back(self, about: os.stat_result) -> None:
        if os.path.lexists(self.path):
            quietly(os.rename, self.path, free_name(self.path + ASIDE))
        if about.st_nlink:
            quietly(os.rename, os.readlink(self.way) if self.way != self.path else self.path, self.path)
        else:
            os.makedirs(self.path, exist_ok=True)
            fresh = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.dup2(fresh, self._fd, inheritable=False)  # so that the way to it stays the same
            os.close(fresh)

    def make_way(self, name: str) -> None:
        """Move aside what is no plain file, so that a file of this name can be written: nothing is removed."""
        try:
            plain = stat.S_ISREG(os.lstat(self.file(name)).st_mode)
        except OSError:
            return
        if not plain:
            quietly(os.rename, self.file(name), free_name(self.file(name) + ASIDE))

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)


class KeptFile:
    """A file that only grows, in a folder where the tests can change it.

    What is written goes to a second file too, which has no name. At the end the first is written anew from it, if it
    was changed. Where the file system has no such files, the named one is all there is.
    """

    def __init__(self, path: str, twin: bool = True) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._twin = unnamed(os.path.dirname(path)) if twin else None
        self.changed: str | None = None

    def write(self, data: bytes) -> int:
        """Write; returns how much of it, and raises OSError as ``write(2)`` does: what the named file made of it."""
        try:
            done = os.write(self._fd, data)
        except OSError:
            self._drop_twin()  # full: the two differ from now on
            raise
        if done < len(data) or (self._twin is not None and _write(self._twin, data) < len(data)):
            self._drop_twin()
        return done

    def _drop_twin(self) -> None:
        if self._twin is not None:
            os.close(self._twin)
            self._twin = None

    def close(self) -> None:
        """Close it, whole; ``changed`` tells what had become of it meanwhile."""
        try:
            self._restore()
        except OSError as error:
            self.changed = f"{self.changed or 'was changed'}, and cannot be written anew: {error.strerror}"
        os.close(self._fd)
        self._drop_twin()

    def _restore(self) -> None:
        here = same(os.fstat(self._fd), self._path)
        if here and (self._twin is None or equal(self._fd, self._twin)):
            return
        self.changed = "was changed" if here else "was removed or replaced"
        write_anew(self._path, self._fd if self._twin is None else self._twin)


def write_anew(path: str, source: int) -> None:
    """Write a file from a descriptor of its content, whatever lies in its place; raises OSError."""
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        os.rename(path, free_name(path + ASIDE))
    fresh = free_name(path + ".new")
    target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        at = 0
        while data := os.pread(source, PIECE, at):
            at += os.write(target, data)
        os.rename(fresh, path)
    except OSError:
        os.unlink(fresh)
        raise
    finally:
        os.close(target)


def unnamed(folder: str) -> int | None:
    """A file without a name, which nobody else can open; ``None`` where the file system has none."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def same(about: os.stat_result, path: str) -> bool:
    """Whether a path leads to the very file of a descriptor."""
    try:
        return os.path.samestat(about, os.lstat(path))
    except OSError:
        return False


def equal(one: int, other: int) -> bool:
    """Whether two descriptors hold the same content."""
    if os.fstat(one).st_size != os.fstat(other).st_size:
        return False
    at = 0
    while data := os.pread(one, PIECE, at):
        if data != os.pread(other, len(data), at):
            return False
        at += len(data)
    return True


def free_name(path: str) -> str:
    """A name beside ``path`` that nothing has: the tests could have taken any that is known beforehand."""
    number = 0
    while os.path.lexists(name := f"{path}{number or ''}"):
        number += 1
    return name


def quietly(call: Callable[..., object], *arguments: object) -> None:
    """Do something that the tests may have made impossible."""
    try:
        call(*arguments)
    except OSError:
        pass  # what then cannot be written tells


def _write(fd: int, data: bytes) -> int:
    try:
        return os.write(fd, data)
    except OSError:
        return -1
