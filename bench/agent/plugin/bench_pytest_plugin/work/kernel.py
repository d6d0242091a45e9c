"""What the process asked of the kernel: page faults, bytes and calls of reading and writing."""

from __future__ import annotations

import os
import resource
from typing import Any

from .counter import Growth

IO = "/proc/self/io"
NAMES = {"rchar": "read_bytes", "wchar": "write_bytes", "syscr": "read_calls", "syscw": "write_calls"}
"""Linux: Documentation/filesystems/proc.rst, "/proc/<pid>/io": bytes and calls of read(2), write(2) and their kin, also
those that no disk sees. A child's are added when it has been waited for.
"""
ROOM = 4096


class Kernel(Growth):
    """Minor faults by getrusage(2), reading and writing by /proc."""

    def __init__(self) -> None:
        super().__init__()
        self._own_bytes = self._own_calls = 0

    def read(self) -> dict[str, int]:
        """The counters now, without the readings themselves."""
        found = {}
        try:
            fd = os.open(IO, os.O_RDONLY | os.O_CLOEXEC)
            try:
                text = os.read(fd, ROOM)
            finally:
                os.close(fd)
            found = parse_io(text)
            found["read_bytes"] -= self._own_bytes
            found["read_calls"] -= self._own_calls
            self._own_bytes += len(text)
            self._own_calls += 1
        except (OSError, KeyError, ValueError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            self.unavailable |= {f"kernel.{name}": f"{IO} cannot be read: {why}" for name in NAMES.values()}
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        found["minor_faults"] = sum(usage.ru_minflt for usage in usages)
        return found

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        return {"kernel": dict(self._sums)}


def parse_io(text: bytes) -> dict[str, int]:
    """The counters of /proc/PID/io by our names. Raises KeyError where one is not there, ValueError for other text."""
    lines = (line.partition(b":") for line in text.splitlines())
    found = {name.decode("ascii"): int(value) for name, _, value in lines}
    return {ours: found[name] for name, ours in NAMES.items()}
