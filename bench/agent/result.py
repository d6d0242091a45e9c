"""Writes ``result.json`` so that it is whole or absent, and so that a full disk does not keep it from being written."""

from __future__ import annotations

import json
import math
import os
import stat
from typing import Any

from .out import ASIDE, equal, free_name, quietly, same, unnamed, write_anew

RESERVE_BYTES = 512 * 1024
MAX_DEPTH = 60
KEPT_WHEN_FULL = (
    "state",
    "outcome",
    "exit_code",
    "signal",
    "started_at",
    "wall_s",
    "effective_timeout_s",
    "signature",
    "error",
)


def encode(result: dict[str, Any]) -> bytes:
    """The result as JSON that every reader takes: finite numbers and valid Unicode, whatever got so far."""
    try:
        data = json.dumps(result, indent=1, allow_nan=False).encode("ascii")
        if b"\\ud" not in data:  # else a surrogate, of a pair or alone
            return data
    except (ValueError, TypeError, RecursionError):
        pass
    return json.dumps(_valid(result, MAX_DEPTH), indent=1, allow_nan=False).encode("ascii")


def _valid(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, dict) and depth:
        return {_valid(str(key), 0): _valid(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)) and depth:
        return [_valid(inner, depth - 1) for inner in value]
    return None


class ResultFile:
    """The result in the ``out`` folder. Some room is reserved there at the start and given back just before the last
    writing.
    """

    def __init__(self, out: str) -> None:
        self._path = os.path.join(out, "result.json")
        self._reserve = os.path.join(out, ".reserve")
        self._whole: int | None = None
        try:
            fd = os.open(self._reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, RESERVE_BYTES)
            finally:
                os.close(fd)
        except OSError:
            pass  # a file system without preallocation, or full already: the writing itself will tell

    def write(self, result: dict[str, Any]) -> None:
        """Write to a neighbour, sync, rename. Raises OSError."""
        self._make_way()
        data = encode(result)
        temporary = free_name(self._path + ".tmp")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            _put(fd, data)
            os.fsync(fd)
            os.rename(temporary, self._path)
        except OSError:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        """Write it once more where nobody can reach it, if there is room."""
        self._drop()
        self._whole = unnamed(os.path.dirname(self._path))
        try:
            if self._whole is not None:
                _put(self._whole, data)
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._whole is not None:
            os.close(self._whole)
            self._whole = None

    def _make_way(self) -> None:
        """Move aside what lies in our place and is no file."""
        try:
            plain = stat.S_ISREG(os.lstat(self._path).st_mode)
        except OSError:
            return
        if not plain:
            quietly(os.rename, self._path, free_name(self._path + ASIDE))

    def write_last(self, result: dict[str, Any]) -> bool:
        """Write the final result; where the disk is full even so, its core over the first version. Returns whether
        all was written.
        """
        self.release()
        try:
            self.write(result)
        except OSError as error:
            core = {key: result.get(key) for key in KEPT_WHEN_FULL}
            core["error"] = f"result.json could not be written in full: {error.strerror}"
            data = encode(core)
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
            try:
                os.pwrite(fd, data, 0)  # over blocks that the file has already
                os.ftruncate(fd, len(data))
                os.fsync(fd)
            finally:
                os.close(fd)
            self._drop()
            return False
        return True

    def secure(self) -> None:
        """See that the result is still what was written: code of the project runs after it, too (see ``facts``)."""
        if self._whole is None:
            return
        intact = False
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            intact = same(os.fstat(fd), self._path) and equal(fd, self._whole)
            os.close(fd)
        except OSError:
            pass  # gone, or shut
        if not intact:
            quietly(write_anew, self._path, self._whole)
        self._drop()

    def release(self) -> None:
        """Give the reserved room back."""
        try:
            os.unlink(self._reserve)
        except OSError:
            pass


def _put(fd: int, data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
