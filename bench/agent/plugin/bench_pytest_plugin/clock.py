"""The moment on the clock that the supervisor and this process share, which no step of the wall clock moves.

Taken when this is loaded, before any test, and kept where what replaces a module's functions does not find it: projects
freeze time for their tests. Not ``time.monotonic``, which they replace first.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def _clock() -> Callable[[], float]:
    read, which = time.clock_gettime, time.CLOCK_MONOTONIC

    def monotonic_s() -> float:
        return read(which)

    return monotonic_s


monotonic_s = _clock()
