"""What every counter has: it counts between ``resume`` and ``pause``, and tells each test's share and the sums."""

from __future__ import annotations

from typing import Any


class Counter:
    """Counts nothing. ``unavailable`` says by the path in the result why a figure is missing."""

    def __init__(self) -> None:
        self.unavailable: dict[str, str] = {}

    def begin_test(self) -> None:
        """A test begins."""

    def resume(self) -> None:
        """Count from here."""

    def pause(self) -> None:
        """Count no more."""

    def end_test(self) -> dict[str, Any]:
        """The test's share."""
        return {}

    def close(self) -> None:
        """No test follows."""

    def totals(self) -> dict[str, Any]:
        """The sums over all tests."""
        return {}


class Growth(Counter):
    """Counters that only grow, read at both ends of each phase."""

    def __init__(self) -> None:
        super().__init__()
        self._sums: dict[str, int] = {}
        self._test: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def read(self) -> dict[str, int]:
        """The counters now; one that cannot be read is left out."""
        return {}

    def begin_test(self) -> None:
        """A test begins."""
        self._test = {}

    def resume(self) -> None:
        """Read them."""
        self._before = self.read()

    def pause(self) -> None:
        """Read them again, and keep how much they grew."""
        after = self.read()
        for name, before in self._before.items():
            if name in after:
                grown = max(after[name] - before, 0)
                for sums in (self._sums, self._test):
                    sums[name] = sums.get(name, 0) + grown

    def end_test(self) -> dict[str, Any]:
        """The test's share."""
        return dict(self._test)
