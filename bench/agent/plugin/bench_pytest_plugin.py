"""Tells the supervisor what pytest does, line by line, and keeps other timeouts from cutting below the supervisor's.

Loaded by PYTEST_PLUGINS into any project's pytest (7 to 9), next to its own conftest, options and plugins. Writes to
the file that BENCH_EVENTS names; without it, it does nothing at all.

The agent needs nothing but the standard library: pytest, which has loaded this file, is only looked up.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

_api: Any = importlib.import_module("pytest")
_F = TypeVar("_F", bound=Callable[..., Any])

MESSAGE_CHARACTERS = 2000
FACT_CHARACTERS = 16_384
"""What one fact may take as JSON; a larger one is left out, and a warning says so."""
FACT_NAME_CHARACTERS = 200
SPARE_BYTES = 64 * 1024
LAST_BYTES = 1024
NO_TIMEOUT = 0
"""What pytest-timeout takes for "none"."""

# Before pytest captures the output: what is written here lands in the log even in the middle of a test.
_LOG_FD = os.dup(2)


def _hook(**options: bool) -> Callable[[_F], _F]:
    """pytest.hookimpl, for the type checker."""
    made: Callable[[_F], _F] = _api.hookimpl(**options)
    return made


class Writer:
    """Appends JSON lines. A full disk, or a file that cannot be opened, costs the lines and not the tests.

    With ``spare``, lines that cannot be appended go to ``path.spare``, whose room is taken at the start, and the last
    part of that room is kept for the last line: how pytest ended is known on a full disk too. A spare file of size 0
    says that not even that could be written. ``lost`` counts the lines that had no room.
    """

    def __init__(self, path: str, spare: bool = False) -> None:
        self._pid = os.getpid()
        self._torn = False
        self._spare = _make_spare(path + ".spare") if spare else -1
        self._spare_bytes = 0
        self.lost = 0
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            self._fd = -1

    def put(self, kind: str, **values: Any) -> None:
        """Append one line; a forked child of a test stays silent."""
        self._put({"type": kind, **values}, SPARE_BYTES - LAST_BYTES)

    def put_last(self, kind: str, **values: Any) -> None:
        """Append the line that must not be lost, of at most ``LAST_BYTES``."""
        self._put({"type": kind, **values}, SPARE_BYTES)

    def _put(self, entry: dict[str, Any], spare_bytes: int) -> None:
        if os.getpid() != self._pid:
            return
        line = json.dumps(entry).encode("ascii") + b"\n"
        if not self._append(line) and not self._save(line, spare_bytes):
            self.lost += 1

    def _append(self, line: bytes) -> bool:
        try:
            if self._torn:
                os.write(self._fd, b"\n")
                self._torn = False
            self._torn = 0 < os.write(self._fd, line) < len(line)
        except OSError:
            return False
        return not self._torn

    def _save(self, line: bytes, spare_bytes: int) -> bool:
        if self._spare < 0 or self._spare_bytes + len(line) > spare_bytes:
            return False
        try:
            done = os.pwrite(self._spare, line, self._spare_bytes)
            if done < len(line):
                os.ftruncate(self._spare, 0)
        except OSError:  # a file system that writes elsewhere than where it took the room
            os.ftruncate(self._spare, 0)
            return False
        self._spare_bytes += done
        return done == len(line)


def _make_spare(path: str) -> int:
    """A new file with room and no lines; -1 where there is none, or where another pytest in this run has made it.

    Preallocated and not written, since what is written counts as the run's own output to the disk.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError:
        return -1
    try:
        os.posix_fallocate(fd, 0, SPARE_BYTES)
    except OSError:
        os.close(fd)
        os.unlink(path)
        return -1
    return fd


class Recorder:
    """The hooks of one session."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._started = time.perf_counter()
        self._phases: dict[str, dict[str, Any]] = {}
        self._markers: dict[str, float | None] = {}
        self._outcomes: dict[str, int] = {}

    @_hook(tryfirst=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """The time that pytest itself reports begins here."""
        self._started = time.perf_counter()
        _lift_session_timeout(session.config, self._writer)

    @_hook(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Put a marker that means "no timeout" in front of each test's own: a marker beats option, ini and
        environment alike.
        """
        for item in items:
            marker = item.get_closest_marker("timeout")
            self._markers[item.nodeid] = None if marker is None else _marker_seconds(marker)
            if _timeout_plugin(item.config) is not None:
                item.add_marker(_api.mark.timeout(NO_TIMEOUT), append=False)

    def pytest_collection_finish(self, session: Any) -> None:
        """How many tests there will be."""
        self._writer.put("collected", tests=len(session.items))

    def pytest_collectreport(self, report: Any) -> None:
        """A module that cannot be imported."""
        if report.failed:
            self._writer.put("failure", node=report.nodeid, message=_message(report))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        began = _monotonic_s()
        self._phases[nodeid] = {"monotonic_s": began}
        self._writer.put("test_started", node=nodeid, monotonic_s=began)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test has ended."""
        entry = self._phases.setdefault(report.nodeid, {})
        entry[f"{report.when}_s"] = report.duration
        outcome = _outcome(report)
        if outcome is not None and entry.get("outcome") not in ("failed", "error"):
            entry["outcome"] = outcome
        if report.failed and "message" not in entry:
            entry["message"] = _message(report)
        entry["metrics"] = _metrics(report.user_properties)
        entry["facts"], entry["large_facts"] = _facts(report.user_properties)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """All phases of a test have ended."""
        entry = self._phases.pop(nodeid, {})
        outcome = entry.setdefault("outcome", "passed")
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1
        for name in entry.pop("large_facts", ()):
            message = f"the fact {name!r} of {nodeid} is larger than {FACT_CHARACTERS} characters and was left out"
            self._writer.put("warning", code="fact_left_out", message=message, value=None, unit=None)
        self._writer.put("test", node=nodeid, marker_timeout_s=self._markers.get(nodeid), **entry)

    def pytest_internalerror(self, excrepr: object) -> None:
        """A fault of pytest or of a plugin."""
        lines = [line for line in str(excrepr).splitlines() if line.strip()]
        self._writer.put("failure", node="pytest", message=f"internal error: {lines[-1] if lines else ''}")

    @_hook(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """pytest-benchmark is about to write its JSON, because the project asked for it."""
        try:
            self._writer.put("benchmarks", metrics=_benchmarks(output_json))
        except (TypeError, ValueError, AttributeError):
            return  # the project has changed its form

    @_hook(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Iterator[None]:
        """The session's end, after the other plugins' work for it."""
        yield
        self._writer.put_last(
            "finished",
            pytest_s=time.perf_counter() - self._started,
            exit_code=int(exitstatus),
            outcomes=self._outcomes,
            lost=self._writer.lost,
        )


def pytest_configure(config: Any) -> None:
    """Begin, unless nobody asked or this is a worker whose controller reports for it."""
    config.addinivalue_line("markers", "timeout(seconds): the supervisor's deadline replaces it")
    path = os.environ.get("BENCH_EVENTS")
    if not path or hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Recorder(Writer(path, spare=True)), "bench-recorder")
    _die_with_traceback()


def _die_with_traceback() -> None:
    """On TERM write every thread's traceback to the log, then let pytest end in order (reports are written).

    QUIT, which the supervisor sends last of all before KILL, writes them too, for a test that took TERM for itself.
    """
    pid = os.getpid()

    def stop(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt("ended by the supervisor (SIGTERM)")

    def restore() -> None:  # a worker that a test forks must die of TERM as ever
        if os.getpid() != pid and signal.getsignal(signal.SIGTERM) is stop:
            faulthandler.unregister(signal.SIGTERM)
            faulthandler.unregister(signal.SIGQUIT)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    try:
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return  # the project has its own way
        signal.signal(signal.SIGTERM, stop)
        faulthandler.register(signal.SIGTERM, file=_LOG_FD, all_threads=True, chain=True)
        faulthandler.register(signal.SIGQUIT, file=_LOG_FD, all_threads=True, chain=False)
        os.register_at_fork(after_in_child=restore)
    except (ValueError, RuntimeError, AttributeError):
        return  # not the main thread


def _monotonic_s() -> float:
    """The moment on the clock that the supervisor and this process share, which no step of the wall clock moves.

    Not ``time.monotonic``: projects that freeze time for their tests replace that one.
    """
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _timeout_plugin(config: Any) -> Any:
    manager = config.pluginmanager
    return manager.get_plugin("timeout") or manager.get_plugin("pytest_timeout")


def _lift_session_timeout(config: Any, writer: Writer) -> None:
    """pytest-timeout's limit on the whole session is no marker's business, so it is taken back where it is kept."""
    plugin = _timeout_plugin(config)
    if plugin is None:
        return
    asked = getattr(config, "_env_timeout", None)
    if asked:
        _warn(writer, "timeout_overridden", f"the project's timeout of {asked:g} s a test is not applied", asked)
    expiry, limit = getattr(plugin, "SESSION_EXPIRE_KEY", None), getattr(plugin, "SESSION_TIMEOUT_KEY", None)
    if expiry is not None and limit is not None and config.stash.get(expiry, 0):
        asked = config.stash.get(limit, None)
        config.stash[expiry] = 0
        _warn(writer, "timeout_overridden", f"the project's timeout of {asked} s for the session is not applied", asked)


def _warn(writer: Writer, code: str, message: str, value: Any) -> None:
    number = float(value) if isinstance(value, (int, float)) else None
    writer.put("warning", code=code, message=message, value=number, unit="s")


def _marker_seconds(marker: Any) -> float | None:
    value = marker.args[0] if marker.args else marker.kwargs.get("timeout")
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _outcome(report: Any) -> str | None:
    """The test's outcome as far as this phase decides it, in pytest's words."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "skipped"
    return "passed" if report.when == "call" else None


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(crash, "message", None) or report.longreprtext
    lines = [line for line in str(text).splitlines() if line.strip()]
    if not lines:
        return "failed"
    # A failed import has no crash line: its last line names the error.
    return (lines[0] if crash is not None else lines[-1])[:MESSAGE_CHARACTERS]


def _benchmarks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each benchmark's median round, in seconds, by its name; by its full name where two have the same."""
    rows = document.get("benchmarks") or []
    names = [str(row.get("name")) for row in rows]
    found = {}
    for name, row in zip(names, rows, strict=True):
        key = name if names.count(name) == 1 else str(row.get("fullname"))
        found[key] = {"value": (row.get("stats") or {}).get("median"), "unit": "s", "better": "lower"}
    return found


def _metrics(properties: list[tuple[str, object]]) -> dict[str, dict[str, Any]]:
    """The test's own numbers: ``record_property("metric:NAME", json.dumps({"value": …, "unit": …, "better": …}))``.

    A bare number under any other name is one too, as projects write them that never heard of us.
    """
    found = {}
    for name, raw in properties:
        named = str(name).startswith("metric:")
        if not named and (isinstance(raw, bool) or not isinstance(raw, (int, float)) or ":" in str(name)):
            continue
        try:
            value = json.loads(raw) if isinstance(raw, str) else raw
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            value = {"value": value}
        number = value.get("value")
        usable = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
        found[str(name).removeprefix("metric:")] = {
            "value": number if usable else None,
            "unit": str(value.get("unit", "")),
            "better": str(value.get("better", "none")),
        }
    return found


def _facts(properties: list[tuple[str, object]]) -> tuple[dict[str, Any], list[str]]:
    """What else the test says of itself: ``record_property("fact:NAME", json.dumps(…))``, text where it is no JSON.

    Returns the facts, and the names of those that are too large.
    """
    found, large = {}, []
    for key, raw in properties:
        if not str(key).startswith("fact:"):
            continue
        name = str(key)[len("fact:") :]
        try:
            value = json.loads(raw) if isinstance(raw, str) else raw
            size = len(json.dumps(value, allow_nan=False))
        except (ValueError, TypeError, RecursionError):
            value = str(raw)
            size = len(value)
        if size > FACT_CHARACTERS or len(name) > FACT_NAME_CHARACTERS:
            large.append(name[:FACT_NAME_CHARACTERS])
        else:
            found[name] = value
    return found, large


_announce = os.environ.get("BENCH_EVENTS")
if _announce:  # as early as can be: whether pytest came up at all is then known
    Writer(_announce).put("loaded")
