"""How many processes the tests start, as Python's audit events tell (PEP 578)."""

from __future__ import annotations

import sys
from typing import Any

from .counter import Counter

STARTS = frozenset(("os.fork", "os.forkpty", "subprocess.Popen", "os.posix_spawn"))


class Processes(Counter):
    """Counts starts in this process; what C code starts, and what children start, is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self._on = False
        self._test = 0
        self._sum = 0
        sys.addaudithook(self._heard)

    def begin_test(self) -> None:
        """A test begins."""
        self._test = 0

    def resume(self) -> None:
        """Count from here."""
        self._on = True

    def pause(self) -> None:
        """Count no more: a hook cannot be taken away."""
        self._on = False

    def end_test(self) -> dict[str, Any]:
        """The test's share."""
        return {"processes": self._test}

    def totals(self) -> dict[str, Any]:
        """The sum over all tests."""
        return {"processes": self._sum}

    def _heard(self, event: str, _arguments: object) -> None:
        if not self._on or event not in STARTS:
            return
        # subprocess may use posix_spawn, and has told of it by then.
        if event == "os.posix_spawn" and sys._getframe(1).f_globals.get("__name__") == "subprocess":
            return
        self._test += 1
        self._sum += 1
