"""Which pytest is the one that is measured: a test may run another one, whose tests, ends and timeouts are its own."""

from __future__ import annotations

import os
from typing import Any

MEASURED = "BENCH_MEASURED_PYTEST"
"""The id of the process whose pytest is measured; its controller hands a worker of pytest-xdist the same word."""

_here: list[Any] = []
"""The configuration of the pytest of this process that is measured."""


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
