"""What keeps a test's odd words from ending pytest, or a later test's result; and the clock that no test replaces."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.agent.plugin.bench_pytest_plugin.plain import LeftOut, number

MOST_SECONDS = 1e10


class Guard:
    """``with guard:`` around what a hook does. Interruptions pass; ``faults`` names the kinds of all else."""

    def __init__(self) -> None:
        self.faults: dict[str, None] = {}

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        self.faults[kind.__name__] = None
        return True


def duration(value: object) -> float | None:
    """Return seconds that can be, as a number of ours; ``None`` of anything else."""
    try:
        found = number(value)
    except LeftOut:
        return None
    return float(found) if 0 < found < MOST_SECONDS else None


def _clock() -> Callable[[], float]:
    read, which = time.clock_gettime, time.CLOCK_REALTIME

    def unix_s() -> float:
        return read(which)

    return unix_s


unix_s = _clock()
"""Seconds since 1970, also in a project that stops time for its tests."""
