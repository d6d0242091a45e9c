"""Follows the lines that the pytest plugin appends to its file, and keeps what the result needs."""

from __future__ import annotations

import json
import math
import os
import time
from typing import Any

from .events import Events

READ_BYTES = 256 * 1024
SPARE = ".spare"
"""Ends the name of the file that the plugin falls back on where the disk is full."""
MAX_FACTS = 500
MAX_FACTS_CHARACTERS = 256 * 1024
"""Of all facts of a run together, as JSON: the file that they come from lies where the tests can write to it."""


class TestLog:
    """What pytest has said so far. ``tests`` are the finished ones in the result's form; ``running`` is the node at
    work; ``lost``, how many lines the plugin could not write; ``mute``, why it could not even have said how pytest
    ended, ``None`` where it could (empty: it had no room of its own, so that a full disk would be the reason).
    """

    __test__ = False

    def __init__(self, path: str, events: Events) -> None:
        self._path = path
        self._events = events
        self._fd: int | None = None
        self._rest = b""
        self._of: int | None = None
        self._index = 0
        self._start: float | None = None
        self._running_s: float | None = None
        self.loaded = False
        self.running: str | None = None
        self.tests: list[dict[str, Any]] = []
        self.metrics: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {}
        self.facts_left_out = 0
        self._facts_characters = 0
        self.first_failure: tuple[str, str] | None = None
        self.failures = 0
        self.pytest_s: float | None = None
        self.lost = 0
        self.mute: str | None = None
        self._told: tuple[str, ...] | None = None
        self.warnings: list[dict[str, Any]] = []

    def begin(self, start: float) -> None:
        """The child starts now (monotonic seconds): the zero of ``started_s``."""
        self._start = start

    def poll(self) -> None:
        """Take in what has been appended since."""
        if self._fd is None:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return
        while data := os.read(self._fd, READ_BYTES):
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            for line in lines:
                self._take(line)

    def close(self) -> None:
        """Read the rest; a test that never ended is kept as ``unfinished``."""
        self.poll()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._take_spare()
        if self.running is not None:
            began = {"marker_timeout_s": None, "started_s": self._running_s}
            self.tests.append({"node": self.running, "outcome": "unfinished", **_times({}), **began})

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Those of the tests; those that the plugin counted where it could not tell of each test."""
        return self._told if self._told is not None else tuple(test["outcome"] for test in self.tests)

    def _take_spare(self) -> None:
        """Take in, and remove, what the plugin wrote into the room that it had kept."""
        try:
            fd = os.open(self._path + SPARE, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            self.mute = ""
            return
        try:
            data = os.read(fd, READ_BYTES)
        except OSError:
            data = b""
        os.close(fd)
        if not data:
            self.mute = "the disk had no room for what pytest said"
        self._remove_spare()
        for line in data.split(b"\n"):
            self._take(line)

    def _remove_spare(self) -> None:
        try:
            os.unlink(self._path + SPARE)
        except OSError:
            pass  # in a folder of somebody else's

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            kind = entry["type"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return  # the file lies where the tests can write to it
        try:
            self._dispatch(str(kind), entry)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return

    def _dispatch(self, kind: str, entry: dict[str, Any]) -> None:
        if kind == "loaded":
            self.loaded = True
        elif kind == "collected":
            self._of = int(entry["tests"])
            self._events.emit("collected", tests=self._of)
        elif kind == "test_started":
            self._index += 1
            self.running = str(entry["node"])
            self._running_s = self._started_s(entry)
            self._events.emit("test_started", node=self.running, index=self._index, of=self._of)
        elif kind == "test":
            self._finish(entry)
        elif kind == "progress":
            label = entry.get("label")
            self._events.emit(
                "progress", done=entry.get("done"), of=entry.get("of"), label=None if label is None else str(label)
            )
        elif kind == "failure":
            self._fail(str(entry["node"]), str(entry["message"]))
        elif kind == "warning":
            self.warnings.append({key: entry.get(key) for key in ("code", "message", "value", "unit")})
        elif kind == "benchmarks":  # once more where the project saves its JSON in two places
            self.metrics.update({str(name): _metric(value) for name, value in entry["metrics"].items()})
        elif kind == "finished":
            self._end(entry)

    def _end(self, entry: dict[str, Any]) -> None:
        self.pytest_s = float(entry["pytest_s"])
        self.lost = int(entry.get("lost") or 0)
        if self.lost:
            self.running = None  # its end is among what was lost
            self._told = tuple(str(outcome) for outcome in entry["outcomes"])

    def _finish(self, entry: dict[str, Any]) -> None:
        node, outcome = str(entry["node"]), str(entry["outcome"])
        times = _times(entry)
        more = {"marker_timeout_s": entry.get("marker_timeout_s"), "started_s": self._started_s(entry)}
        self.tests.append({"node": node, "outcome": outcome, **times, **more})
        if self.running == node:
            self.running = None
        if outcome in ("failed", "error"):
            self._fail(node, str(entry.get("message") or outcome))
        for name, value in (entry.get("metrics") or {}).items():
            self.metrics[name if name not in self.metrics else f"{name}[{node}]"] = _metric(value)
        for name, value in (entry.get("facts") or {}).items():
            self._keep_fact(name if name not in self.facts else f"{name}[{node}]", value)
        self._events.emit("test", node=node, outcome=outcome, **times, index=self._index, of=self._of)

    def _started_s(self, entry: dict[str, Any]) -> float | None:
        """Seconds from the run's start to the test's; ``None`` where the line gives no moment that lies between the
        start and now.
        """
        moment = entry.get("monotonic_s")
        if self._start is None or isinstance(moment, bool) or not isinstance(moment, (int, float)):
            return None
        return moment - self._start if self._start <= moment <= time.monotonic() else None

    def _keep_fact(self, name: str, value: Any) -> None:
        size = len(name) + len(json.dumps(value, allow_nan=False))
        if len(self.facts) >= MAX_FACTS or self._facts_characters + size > MAX_FACTS_CHARACTERS:
            self.facts_left_out += 1
            return
        self._facts_characters += size
        self.facts[name] = value

    def _fail(self, node: str, message: str) -> None:
        self.failures += 1
        if self.first_failure is None:
            self.first_failure = (node, message)


def _times(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry.get(key) for key in ("setup_s", "call_s", "teardown_s")}


def _metric(value: dict[str, Any]) -> dict[str, Any]:
    number = value.get("value")
    usable = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
    better = value.get("better")
    return {
        "value": float(number) if usable and number is not None else None,
        "unit": str(value.get("unit") or ""),
        "better": better if better in ("lower", "higher") else "none",
    }
