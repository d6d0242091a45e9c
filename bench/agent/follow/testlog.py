"""Follows the lines that the pytest plugin appends to its file, and keeps what the result needs."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Protocol

from .checked import count, node_id, number, seconds, text
from .keeping import Keeping
from .lines import Lines
from .session import Session
from .told import OUTCOMES, TestsTold

SPARE = ".spare"
"""Ends the name of the file that the plugin falls back on where the disk is full."""
SPARE_BYTES = 256 * 1024
MESSAGE_CHARACTERS = 2000
REASON_CHARACTERS = 300
BEGINS = b'{"type": '
"""Every line of the plugin's does."""


class Events(Protocol):
    """Where to tell what happens (``events.py``)."""

    def emit(self, event: str, **values: Any) -> None:
        """Tell one event."""


class TestLog(Keeping):
    """What pytest has said so far. ``lost`` is how many lines the plugin could not write; ``mute``, why it could not
    even have said how pytest ended, ``None`` where it could (empty: it had no room of its own, so that a full disk
    would be the reason). ``unreadable`` lines were not the plugin's.
    """

    __test__ = False

    def __init__(self, path: str, events: Events) -> None:
        super().__init__()
        self._path = path
        self._events = events
        self._lines = Lines(path)
        self._ending = False
        self._start: float | None = None
        self._told = TestsTold()
        self._told_outcomes: tuple[str, ...] | None = None
        self.session = Session()
        self.loaded = False
        self.finished = False
        self.first_failure: tuple[str, str] | None = None
        self.failures = 0
        self.pytest_s: float | None = None
        self.lost = 0
        self.unreadable = 0
        self.mute: str | None = None

    def begin(self, start: float) -> None:
        """The child starts now (monotonic seconds): the zero of ``started_s``."""
        self._start = start

    def poll(self) -> None:
        """Take in some of what has been appended since."""
        for line in self._lines.turn():
            self._take(line)

    def close(self) -> None:
        """Read the rest; a test that never ended is kept as ``unfinished``."""
        self._ending = True
        for line in self._lines.last():
            self._take(line)
        self._take_spare()
        self._told.end_running()

    @property
    def running(self) -> str | None:
        """The test at work; of several at once, in workers, the one that began last."""
        return self._told.running

    @property
    def tests(self) -> list[dict[str, Any]]:
        """The tests that have begun, in the result's form."""
        return self._told.as_entries()

    @property
    def repeated(self) -> dict[str, int]:
        """Tests that were tried more than once, and how often."""
        return self._told.repeated()

    @property
    def unread_markers(self) -> dict[int, str]:
        """Why it is not known what a test's timeout marker asks for, by the test's place in ``tests``."""
        return self._told.unread_markers()

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Those of the tests; those that the plugin counted where it could not tell of each test."""
        return self._told_outcomes if self._told_outcomes is not None else self._told.outcomes()

    @property
    def incomplete(self) -> str | None:
        """Why it is not known of each test what became of it; ``None`` where it is."""
        if self.lost:
            return "lines of the pytest plugin had no room on the disk"
        if self._lines.passed_over_bytes:
            return "not all of what was written to the plugin's file was read"
        if self._told.left_out:
            return "there are more tests than a run may keep"
        return None

    @property
    def passed_over_bytes(self) -> int:
        """What was not looked at of the plugin's file."""
        return self._lines.passed_over_bytes

    @property
    def tests_left_out(self) -> int:
        """Tests beyond what a run may keep."""
        return self._told.left_out

    def describe_session(self) -> dict[str, Any] | None:
        """What the session was to run and how far it came; ``None`` where there was none."""
        if self.session.collected is None and not self.finished and self.session.reason is None:
            return None
        unfinished = self.running is not None
        return self.session.describe(self._told.begun(), unfinished, self.finished, self.incomplete)

    def _take_spare(self) -> None:
        """Take in, and remove, what the plugin wrote into the room that it had kept."""
        try:
            fd = os.open(self._path + SPARE, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            self.mute = ""
            return
        try:
            data = os.read(fd, SPARE_BYTES)
        except OSError:
            data = b""
        os.close(fd)
        if not data:
            self.mute = "the disk had no room for what pytest said"
        self._remove_spare()
        for line in data.split(b"\n"):
            if line.strip(b"\0"):  # room that it did not need
                self._take(line)

    def _remove_spare(self) -> None:
        try:
            os.unlink(self._path + SPARE)
        except OSError:
            pass  # in a folder of somebody else's

    def _take(self, line: bytes) -> None:
        if self._ending and b'"progress"' in line[:40]:
            return  # nobody watches any more
        if not self._take_one(line):
            self.unreadable += 1
            # What a test wrote and did not end stands before a line of the plugin's.
            at = line.find(BEGINS, 1)
            if at > 0:
                self._take_one(line[at:])

    def _take_one(self, line: bytes) -> bool:
        try:
            entry = json.loads(line)
            self._dispatch(entry["type"], entry)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            return False
        return True

    def _dispatch(self, kind: object, entry: dict[str, Any]) -> None:
        if kind == "loaded":
            self.loaded = True
        elif kind == "test_started":
            self._start_test(entry)
        elif kind == "test":
            self._finish(entry)
        elif kind == "asked":
            why = text(entry["why"], REASON_CHARACTERS) if "why" in entry else None
            self._told.asks(node_id(entry["node"]), seconds(entry["timeout_s"]), why)
        elif kind == "progress":
            label, done, of = entry.get("label"), number(entry.get("done")), number(entry.get("of"))
            label = text(label, 500) if type(label) is str else None
            self._events.emit("progress", done=done, of=of, label=label)
        elif kind == "failure":
            self._fail(node_id(entry["node"]), text(entry["message"], MESSAGE_CHARACTERS))
        elif kind == "warning":
            self.warn(entry["code"], entry["message"], entry.get("value"), entry.get("unit"))
        elif kind == "benchmarks":  # once more where the project saves its JSON in two places
            self.take_metrics(entry["metrics"], None)
        elif kind == "finished":
            self._end(entry)
        elif self.session.take(kind, entry) and kind == "collected":
            self._events.emit("collected", tests=self.session.collected)

    def _end(self, entry: dict[str, Any]) -> None:
        self.pytest_s = seconds(entry["pytest_s"])
        self.finished = self.finished or self.pytest_s is not None
        self.lost = count(entry.get("lost")) or 0
        if self.lost or self.passed_over_bytes:
            self._told.forget_running()  # its end is among what was lost
            self._told_outcomes = tuple(word for word in entry["outcomes"] if word in OUTCOMES)

    def _start_test(self, entry: dict[str, Any]) -> None:
        node = node_id(entry["node"])
        asked = seconds(entry.get("marker_timeout_s"))
        index = self._told.start(node, self._started_s(entry), asked)
        self._events.emit("test_started", node=node, index=index, of=self.session.collected)

    def _finish(self, entry: dict[str, Any]) -> None:
        node, outcome = node_id(entry["node"]), entry["outcome"]
        if outcome not in OUTCOMES:
            raise ValueError("no outcome of a test")
        times = {key: seconds(entry.get(key)) for key in ("setup_s", "call_s", "teardown_s")}
        asked, attempts = seconds(entry.get("marker_timeout_s")), count(entry.get("attempts")) or 1
        index = self._told.finish(node, outcome, times, (self._started_s(entry), asked, attempts))
        subtests = entry.get("subtests")
        if type(subtests) is dict:
            self._told.has_subtests(node, {word: number for word in OUTCOMES if (number := count(subtests.get(word)))})
        if outcome in ("failed", "error"):
            message = entry.get("message")
            self._fail(node, text(message, MESSAGE_CHARACTERS) if type(message) is str and message else outcome)
        self.take_metrics(entry.get("metrics"), entry.get("missing"), node)
        self.take_facts(entry.get("facts"), node)
        self._events.emit("test", node=node, outcome=outcome, **times, index=index, of=self.session.collected)

    def _started_s(self, entry: dict[str, Any]) -> float | None:
        """Seconds from the run's start to the test's; ``None`` where the line gives no moment that lies between the
        start and now.
        """
        if self._start is None:
            return None
        moment = number(entry.get("monotonic_s"), self._start, time.monotonic())
        return None if moment is None else moment - self._start

    def _fail(self, node: str, message: str) -> None:
        self.failures += 1
        if self.first_failure is None:
            self.first_failure = (node, message)
