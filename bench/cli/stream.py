"""Standard output and error as they are written to: a reader who goes away ends no command, and loses no evidence."""

from __future__ import annotations

import errno
import os
import select
import sys
from typing import TextIO

_GONE = frozenset({errno.EPIPE, errno.EIO})
"""How a stream fails whose reader is no more: the other end of a pipe is closed, or the terminal is."""


class Patient:
    """A stream that falls silent once nobody can read it.

    Args:
        stream: what is written to; its other attributes are this one's.
        forgiving: whether any failure silences it, as for progress; else one that is no reader's (a full disk) raises.
    """

    def __init__(self, stream: TextIO, *, forgiving: bool) -> None:
        self._stream = stream
        self._forgiving = forgiving

    def write(self, text: str) -> int:
        """Write text, or nothing where nobody can read it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        try:
            self._stream.flush()
        except OSError as error:
            self._failed(error)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _failed(self, error: OSError) -> None:
        if not self._forgiving and error.errno not in _GONE:
            raise error
        silence(self._stream)


def out() -> Patient:
    """Standard output as it is now."""
    return Patient(sys.stdout, forgiving=False)


def err() -> Patient:
    """Standard error as it is now."""
    return Patient(sys.stderr, forgiving=True)


def silence(stream: TextIO) -> None:
    """Let what a stream still holds, and all that follows, go nowhere: else Python's own last flush fails."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, stream.fileno())
    finally:
        os.close(null)


def has_reader(stream: TextIO) -> bool:
    """Whether a pipe's other end is still there; ``True`` of what is no pipe."""
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
    except OSError:  # it has no descriptor
        return True
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def replace_missing() -> None:
    """Give a command that was started with a stream closed one that goes nowhere, on the very descriptor."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - lives as long as we do
