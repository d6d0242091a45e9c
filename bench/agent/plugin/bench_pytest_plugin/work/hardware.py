"""Instructions, branches and system calls by perf_event_open(2), where machine and rules let a process count."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Any

from .counter import Growth

CALLS = {"x86_64": 298, "aarch64": 241}
"""The number of perf_event_open(2) (Linux: arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h)."""
HARDWARE, TRACEPOINT = 0, 2
KINDS = {"instructions": (HARDWARE, 1), "branches": (HARDWARE, 4)}
"""Of perf_event_attr (Linux: include/uapi/linux/perf_event.h): its type and config."""
SYSTEM_CALLS = "system_calls"
TRACEPOINT_IDS = tuple(
    f"{root}/events/raw_syscalls/sys_enter/id" for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
)
INHERIT, EXCLUDE_KERNEL, EXCLUDE_HV = 1 << 1, 1 << 5, 1 << 6
CLOSE_ON_EXEC = 8
ATTRIBUTE_BYTES = 64
"""PERF_ATTR_SIZE_VER0, which every kernel takes."""
REASONS = {
    errno.ENOENT: "this machine has no such counter (many virtual ones have none)",
    errno.EOPNOTSUPP: "this machine has no such counter (many virtual ones have none)",
    errno.ENODEV: "this machine has no such counter (many virtual ones have none)",
    errno.EACCES: "the kernel allows it to nobody without privileges (kernel.perf_event_paranoid)",
    errno.EPERM: "the sandbox does not allow it",
    errno.ENOSYS: "the sandbox or the kernel has no perf_event_open",
}


class Hardware(Growth):
    """Counts in user mode, of this process and of the threads and children that it starts after this."""

    def __init__(self) -> None:
        super().__init__()
        self._fds: dict[str, int] = {}
        for name, (kind, config) in KINDS.items():
            self._open(name, kind, config, EXCLUDE_KERNEL | EXCLUDE_HV)
        number, why = _tracepoint()
        if number is None:
            self.unavailable[f"kernel.{SYSTEM_CALLS}"] = why
        else:
            self._open(SYSTEM_CALLS, TRACEPOINT, number, 0)

    def read(self) -> dict[str, int]:
        """The counters now."""
        return {name: struct.unpack("<Q", os.read(fd, 8))[0] for name, fd in self._fds.items()}

    def end_test(self) -> dict[str, Any]:
        """Not told of each test: they never repeat exactly."""
        return {}

    def close(self) -> None:
        """Give the counters back."""
        for fd in self._fds.values():
            os.close(fd)

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        return dict(self._sums)

    def _open(self, name: str, kind: int, config: int, flags: int) -> None:
        path = f"kernel.{name}" if name == SYSTEM_CALLS else name
        number = CALLS.get(os.uname().machine)
        if number is None:
            self.unavailable[path] = f"not known how to ask on {os.uname().machine}"
            return
        attribute = struct.pack("<IIQQQQQ", kind, ATTRIBUTE_BYTES, config, 0, 0, 0, INHERIT | flags)
        attribute += bytes(ATTRIBUTE_BYTES - len(attribute))
        call = ctypes.CDLL(None, use_errno=True).syscall
        fd = call(number, ctypes.create_string_buffer(attribute, ATTRIBUTE_BYTES), 0, -1, -1, CLOSE_ON_EXEC)
        if fd < 0:
            code = ctypes.get_errno()
            self.unavailable[path] = REASONS.get(code, f"perf_event_open: {os.strerror(code)}")
        else:
            self._fds[name] = fd


def _tracepoint() -> tuple[int | None, str]:
    """The number of the event that every system call is, or why it is not known."""
    for path in TRACEPOINT_IDS:
        try:
            with open(path, encoding="ascii") as file:
                return int(file.read()), ""
        except (OSError, ValueError):
            continue
    return None, "the kernel's trace events cannot be read here, and nothing else counts them without ptrace"
