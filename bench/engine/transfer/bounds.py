"""What may come out of a run, and what a bundle is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MAX_BYTES = 2 * 1024**3
MAX_FILES = 10_000

FIRST = (
    "result.json",
    "samples.csv",
    "pytest.log",
    "pytest.log.tail",
    "prepare.log",
    "pytest.junit.xml",
    "facts.json",
    "torch_env.txt",
    "operators.json",
    "profiler.json",
)
"""What a bundle is made of, the dearest first: each comes out alone, whatever else a run has left beside it."""
MAX_FIRST_BYTES = 64 * 1024**2
_MAY_BE_LARGE = frozenset({"profiler.json"})
INTERRUPTED = "the rest was not copied: it was interrupted"
TOO_LARGE = "it is too large for one call"
TOO_LONG = "the rest was not copied: it takes too long"


class GaveUp(Exception):
    """The copying was ended before its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may come out of a run, in all: bytes, files, seconds. ``gave_up`` returns true if nobody waits."""

    max_bytes: int = MAX_BYTES
    max_files: int = MAX_FILES
    seconds: float = 300.0
    gave_up: Callable[[], bool] = lambda: False

    def most(self, name: str) -> int:
        """The most bytes of a file that a bundle is made of: its readers take it whole."""
        return self.max_bytes if name in _MAY_BE_LARGE else min(self.max_bytes, MAX_FIRST_BYTES)


@dataclass(frozen=True, slots=True)
class Copied:
    """What came out of a container. ``notes`` names, in plain lines, what was left behind and why; ``whole`` is whether
    nothing was left behind because of a bound.
    """

    files: int
    size_bytes: int
    notes: tuple[str, ...] = ()
    whole: bool = True
