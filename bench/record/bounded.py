"""A stream that refuses to give more than was allowed: what stands between us and a compression bomb."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO

from bench.errors import DamagedData
from bench.units import size


class Bounded:
    """Reads from a stream, at most ``max_bytes`` in all, and fewer while :meth:`at_most` holds.

    Raises:
        DamagedData: on reading past the bound.
    """

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream, self._left, self._max = stream, max_bytes, max_bytes

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""
        data = self._stream.read(min(count, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise self._too_large()
        return data

    def announce(self, count: int) -> None:
        """A file of ``count`` bytes is to come: one that cannot fit is refused before any of it is written."""
        if count > self._left:
            raise self._too_large()

    def _too_large(self) -> DamagedData:
        return DamagedData(f"the archive unpacks to more than {size(self._max)}", "it is not what it says or a trap")

    @contextlib.contextmanager
    def at_most(self, count: int) -> Iterator[None]:
        """Allow only ``count`` bytes within the block."""
        held = max(0, self._left - count)
        self._left -= held
        try:
            yield
        finally:
            self._left += held
