"""Keeps us out of what is none of ours: a fault of ours costs a line of the record, never a test, and a pytest that a
test runs has tests, ends and timeouts of its own.
"""

from __future__ import annotations

import os
from typing import Any

from .writer import Writer

MAX_TOLD = 5
MEASURED = "BENCH_MEASURED_PYTEST"
"""The id of the process whose pytest is measured; its controller hands a worker of pytest-xdist the same word."""

_here: list[Any] = []
"""The configuration of the pytest of this process that is measured."""


class Guard:
    """``with guard:`` around all that a hook does. Interruptions (Ctrl-C, the supervisor's TERM) pass."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._told = 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        self._told += 1
        if self._told <= MAX_TOLD:
            try:
                message = f"the pytest plugin met {kind.__name__}: the record may lack something of a test"
                self._writer.put("warning", code="plugin_fault", message=message, value=None, unit=None)
            except Exception:
                return True
        return True


def is_within(worker: Any) -> bool:
    """Whether this pytest was started by a test of the one that is measured. ``worker`` is what pytest-xdist's
    controller hands to a worker, ``None`` in another process.
    """
    if _here:
        return True
    if worker is not None:
        return MEASURED not in worker
    own = str(os.getpid())
    return os.environ.get(MEASURED, own) != own


def begin(config: Any, is_worker: bool) -> None:
    """This is the one. Whatever it starts can tell."""
    _here.append(config)
    if not is_worker:
        os.environ[MEASURED] = str(os.getpid())


def end(config: Any) -> None:
    """It has ended: another pytest of this process would be measured, too."""
    if any(config is one for one in _here):
        _here.clear()
        os.environ.pop(MEASURED, None)
