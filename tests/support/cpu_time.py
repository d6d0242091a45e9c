"""What a call costs in CPU time, which other work on the machine changes less than the clock."""

from __future__ import annotations

import time
from collections.abc import Callable


def cost(call: Callable[[], object]) -> float:
    """Seconds of CPU that a call takes."""
    start = time.process_time()
    call()
    return time.process_time() - start
