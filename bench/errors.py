"""What can go wrong, said so that a person can act on it: one exit code a class."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    REGRESSED = 1
    USAGE = 2
    TEST_FAILED = 3
    TIMED_OUT = 4
    OOM_KILLED = 5
    NOT_MEASURED = 6
    NOT_COMPARABLE = 7
    DAMAGED = 8
    INTERRUPTED = 130


_GRAVITY = (
    ExitCode.INTERRUPTED,
    ExitCode.REGRESSED,
    ExitCode.OOM_KILLED,
    ExitCode.TIMED_OUT,
    ExitCode.TEST_FAILED,
    ExitCode.DAMAGED,
    ExitCode.USAGE,
    ExitCode.NOT_COMPARABLE,
    ExitCode.NOT_MEASURED,
)


def gravest(codes: Iterable[int], default: ExitCode = ExitCode.OK) -> ExitCode:
    """Return the exit code of a command that did several things, from that of each.

    Interrupted first, then regressed, then how a test itself failed, then what kept it from being measured or compared.

    Args:
        codes: exit codes; one that is none of ours, as that of a process that was killed, counts as not measured.
        default: what to return if there are no codes.
    """
    known = {ExitCode(code) if code in set(ExitCode) else ExitCode.NOT_MEASURED for code in codes}
    return next((code for code in _GRAVITY if code in known), ExitCode.OK if known else default)


class BenchError(Exception):
    """A failure that is reported in one line: what failed, the likely cause, what to do.

    Args:
        what: the failure, as a clause without a full stop ("no Docker engine answers").
        cause: the likely cause, or empty.
        fix: what the reader can do about it, or empty.
    """

    exit_code: ExitCode = ExitCode.NOT_MEASURED

    def __init__(self, what: str, cause: str = "", fix: str = "") -> None:
        super().__init__(what, cause, fix)
        self.what, self.cause, self.fix = what, cause, fix

    def __str__(self) -> str:
        line = f"{self.what}: {self.cause}" if self.cause else self.what
        return f"{line}; {self.fix}" if self.fix else line


class UsageError(BenchError):
    """The command line, a name or a configuration file is wrong."""

    exit_code = ExitCode.USAGE


class NotMeasured(BenchError):
    """Nothing was measured: no engine, no GPU, no image, no room on the disk."""

    exit_code = ExitCode.NOT_MEASURED


class NoBase(NotMeasured):
    """No image of ours can be had: its base can neither be pulled nor made, or nothing can be built on it."""


class HostBusy(NotMeasured):
    """Another command measures on this host, and nobody waited for its end."""


class NotComparable(BenchError):
    """The results given cannot be compared with one another."""

    exit_code = ExitCode.NOT_COMPARABLE


class DamagedData(BenchError):
    """A bundle, a record or an archive is damaged, foreign or of a newer schema."""

    exit_code = ExitCode.DAMAGED


class Interrupted(BenchError):
    """The user stopped the command."""

    exit_code = ExitCode.INTERRUPTED
