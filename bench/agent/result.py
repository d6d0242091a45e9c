"""Writes ``result.json`` so that it is whole or absent, and so that a full disk does not keep it from being written."""

from __future__ import annotations

import json
import os
from typing import Any

RESERVE_BYTES = 512 * 1024
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


class ResultFile:
    """The result in the ``out`` folder. Some room is reserved there at the start and given back just before the last
    writing.
    """

    def __init__(self, out: str) -> None:
        self._path = os.path.join(out, "result.json")
        self._reserve = os.path.join(out, ".reserve")
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
        data = json.dumps(result, indent=1).encode("ascii")
        temporary = self._path + ".tmp"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            done = 0
            while done < len(data):
                done += os.write(fd, data[done:])
            os.fsync(fd)
        except OSError:
            os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        os.rename(temporary, self._path)

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
            data = json.dumps(core).encode("ascii")
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.pwrite(fd, data, 0)  # over blocks that the file has already
                os.ftruncate(fd, len(data))
                os.fsync(fd)
            finally:
                os.close(fd)
            return False
        return True

    def release(self) -> None:
        """Give the reserved room back."""
        try:
            os.unlink(self._reserve)
        except OSError:
            pass
