"""Calls of the kernel that the standard library lacks.

By ``_ctypes`` itself: the package around it costs another quarter of a megabyte, and our memory is part of what is
measured. Where it is missing nothing is lost but the protection that each call gives.
"""

from __future__ import annotations

from typing import NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
SFD_NONBLOCK, SFD_CLOEXEC = 0o4000, 0o2000000
SIGSET_BYTES = 128
SIGINFO_BYTES = 128


def prctl(option: int, value: int) -> bool:
    """Set an attribute of this process (prctl(2)); whether that was done."""
    return call("prctl", option, value, 0, 0, 0) == 0


def hide(on: bool) -> bool:
    """Keep processes of our own user out of our memory and our descriptors (proc(5), "dumpable"), or let them in again.

    A process that was hidden and executes another program is not hidden any more.
    """
    return prctl(PR_SET_DUMPABLE, int(not on))


def signalfd(numbers: tuple[int, ...]) -> int | None:
    """A descriptor that can be read where one of these signals, which are blocked, has come (signalfd(2))."""
    mask = sum(1 << (number - 1) for number in numbers).to_bytes(SIGSET_BYTES, "little")
    fd = call("signalfd", -1, mask, SFD_NONBLOCK | SFD_CLOEXEC)
    return fd if fd >= 0 else None


class Came(NamedTuple):
    """A signal that has come. ``pid`` is its sender's, 0 where that lives outside of our process namespace."""

    number: int
    pid: int


def parse_signals(data: bytes) -> list[Came]:
    """What was read from a signal's descriptor: ``struct signalfd_siginfo``, of which ssi_signo and ssi_pid count."""
    found = []
    for at in range(0, len(data) - SIGINFO_BYTES + 1, SIGINFO_BYTES):
        number, pid = (int.from_bytes(data[at + start : at + start + 4], "little") for start in (0, 12))
        found.append(Came(number, pid))
    return found


def call(name: str, *arguments: int | bytes) -> int:
    """Call a function of the C library; -1 where that cannot be done."""
    try:
        import _ctypes

        program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
        result: int = _ctypes.call_function(_ctypes.dlsym(program, name), arguments)
    except (ImportError, AttributeError, OSError):
        return -1
    return result
