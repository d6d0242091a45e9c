"""How often each test was tried, and how long its phases took in all attempts together.

Counted where the test runs, at the hooks that every way of repeating a test calls anew (pytest-rerunfailures, flaky,
pytest-retry), since none of them reports all attempts. A worker of pytest-xdist or a forked child hands the count on
with the test's reports.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from .clock import monotonic_s
from .guard import Guard
from .hook import hook
from .reports import PHASES

CARRIED = "_bench_attempts"


class Attempts:
    """Counts in this process."""

    def __init__(self, guard: Guard, hands_on: bool) -> None:
        self._guard = guard
        self._hands_on = hands_on
        self._pid = os.getpid()
        self._node: str | None = None
        self._count = 0
        self._spent = dict.fromkeys(PHASES, 0.0)

    def of(self, report: Any) -> tuple[int, dict[str, float]]:
        """Attempts up to this report, and the seconds of each phase in all of them; 0 where nothing was counted."""
        carried: Any = getattr(report, CARRIED, None)
        if type(carried) in (list, tuple) and len(carried) == 4:
            return int(carried[0]), dict(zip(PHASES, carried[1:], strict=True))
        if report.nodeid == self._node:
            return self._count, dict(self._spent)
        return 0, {}

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """A test begins, and whatever repeats it."""
        with self._guard:
            self._node, self._count, self._spent = item.nodeid, 0, dict.fromkeys(PHASES, 0.0)
        yield

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        """One more attempt."""
        self._count += 1
        yield from self._timed("setup")

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """The test's own code."""
        yield from self._timed("call")

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """After it."""
        yield from self._timed("teardown")

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Iterator[Any]:
        """In a forked child the report is all that comes back."""
        made: Any = yield
        if self._hands_on or os.getpid() != self._pid:
            with self._guard:
                self._hand_on(made.get_result())

    @hook(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """In a worker of pytest-xdist: before the report is sent, and after all attempts that it stands for."""
        if self._hands_on:
            with self._guard:
                self._hand_on(report)

    def _hand_on(self, report: Any) -> None:
        if report.nodeid == self._node:
            setattr(report, CARRIED, [self._count, *(self._spent[phase] for phase in PHASES)])

    def _timed(self, phase: str) -> Iterator[None]:
        began = monotonic_s()
        yield
        self._spent[phase] += monotonic_s() - began
