"""The tests of a run, one entry an id: however often it was tried."""

from __future__ import annotations

from typing import Any

OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
"""What pytest says of a test that has ended."""
UNFINISHED = "unfinished"
BAD = ("failed", "error")
MAX_TESTS = 20_000
MAX_CHARACTERS = 4 * 1024 * 1024
"""Of all ids together."""
TIMES = ("setup_s", "call_s", "teardown_s")


class _Test:
    __slots__ = ("asked_s", "attempts", "outcome", "started_s", "subtests", "times")

    def __init__(self, started_s: float | None, asked_s: float | None) -> None:
        self.started_s = started_s
        self.asked_s = asked_s
        self.attempts = 0
        self.outcome: str | None = None
        self.times: tuple[float | None, ...] = (None, None, None)
        self.subtests: dict[str, int] = {}


class TestsTold:
    """In the order in which they ended, those that did not at the end. ``left_out`` counts tests beyond the bound."""

    def __init__(self) -> None:
        self.left_out = 0
        self._ended: dict[str, _Test] = {}
        self._running: dict[str, _Test] = {}
        self._asked: dict[str, float] = {}
        self._unread: dict[str, str] = {}
        self._tally: dict[str, int] = {}
        self._begun = 0
        self._characters = 0
        self._last: str | None = None

    @property
    def running(self) -> str | None:
        """The test at work that began last."""
        return next(reversed(self._running), self._last)

    def asks(self, node: str, timeout_s: float | None, why: str | None) -> None:
        """What a test's timeout marker asks for, or why that is not known."""
        if len(self._asked) + len(self._unread) >= MAX_TESTS:
            return
        if timeout_s is not None:
            self._asked[node] = timeout_s
        elif why is not None:
            self._unread[node] = why

    def start(self, node: str, started_s: float | None, asked_s: float | None) -> int:
        """A test begins, or begins again; returns its number, from 1."""
        test = self._running.pop(node, None)
        if test is None:
            self._begun += node not in self._ended
            test = _Test(started_s, asked_s)
        test.attempts += 1
        if len(self._running) < MAX_TESTS:
            self._running[node] = test
        return self._begun

    def finish(
        self,
        node: str,
        outcome: str,
        times: dict[str, float | None],
        more: tuple[float | None, float | None, int],
    ) -> int:
        """A test has ended, with when it began, what its marker asks for and its attempts; returns its number."""
        started_s, asked_s, attempts = more
        self._tally[outcome] = self._tally.get(outcome, 0) + 1
        test = self._running.pop(node, None) or _Test(started_s, asked_s)
        test.attempts = max(test.attempts, attempts)
        test.outcome, test.times = outcome, tuple(times[key] for key in TIMES)
        test.started_s = started_s if test.started_s is None else test.started_s
        test.asked_s = asked_s if asked_s is not None else test.asked_s
        before = self._ended.get(node)
        if before is not None:
            _merge(before, test)
        else:
            self._keep(node, test)
        return max(self._begun, len(self._ended))

    def has_subtests(self, node: str, counts: dict[str, int]) -> None:
        """How many parts of a test that has ended came to which end."""
        test = self._ended.get(node)
        if test is not None:
            for word, number in counts.items():
                test.subtests[word] = test.subtests.get(word, 0) + number

    def end_running(self) -> None:
        """Whatever still runs is unfinished."""
        self._last = self.running
        for node, test in self._running.items():
            test.outcome = UNFINISHED
            self._tally[UNFINISHED] = self._tally.get(UNFINISHED, 0) + 1
            before = self._ended.get(node)
            if before is not None:
                _merge(before, test)
            else:
                self._keep(node, test)
        self._running = {}

    def forget_running(self) -> None:
        """Their ends were told and lost."""
        self._running = {}

    def begun(self) -> dict[str, Any]:
        """Every test that has begun, by its id."""
        return {**self._ended, **self._running}

    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that there are."""
        return tuple(self._tally)

    def repeated(self) -> dict[str, int]:
        """How often those were tried that were tried more than once."""
        return {node: test.attempts for node, test in self._ended.items() if test.attempts > 1}

    def unread_markers(self) -> dict[int, str]:
        """Why it is not known what a marker asks for, by the entry's number."""
        return {at: self._unread[node] for at, node in enumerate(self._ended) if node in self._unread}

    def as_entries(self) -> list[dict[str, Any]]:
        """In the result's form."""
        return [
            {
                "node": node,
                "outcome": test.outcome,
                **dict(zip(TIMES, test.times, strict=True)),
                "marker_timeout_s": test.asked_s if test.asked_s is not None else self._asked.get(node),
                "started_s": test.started_s,
                "attempts": test.attempts,
                **({"subtests": test.subtests} if test.subtests else {}),
            }
            for node, test in self._ended.items()
        ]

    def _keep(self, node: str, test: _Test) -> None:
        self._characters += len(node)
        if len(self._ended) >= MAX_TESTS or self._characters > MAX_CHARACTERS:
            self.left_out += 1
        else:
            self._ended[node] = test


def _merge(before: _Test, test: _Test) -> None:
    """The same id ran again (given twice, or once in each worker): its time holds both, and a failure stays one."""
    before.attempts += test.attempts
    pairs = zip(before.times, test.times, strict=True)
    before.times = tuple(_sum(one, other) for one, other in pairs)
    if before.outcome not in BAD:
        before.outcome = test.outcome


def _sum(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
