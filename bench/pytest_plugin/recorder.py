"""Reads counters around each test; what they add up to is worked out and written when the session ends."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.agent.plugin.bench_pytest_plugin.clock import monotonic_s
from bench.agent.plugin.bench_pytest_plugin.reports import PHASES, is_subtest, message_of, node_id, outcome_of
from bench.errors import BenchError, ExitCode
from bench.host.kernel_files import STATE_FILES, read_texts
from bench.pytest_plugin.counters import Counters, read_counters, read_peak, reset_peak
from bench.pytest_plugin.guarded import Guard, duration, unix_s
from bench.record.storage.disk import check_results_folder

NEED_BYTES = 64 * 1024**2
"""Room that the bundles may need, checked before the first test."""
LOG_CHARACTERS = 1024**2
ALL_CHARACTERS = 64 * LOG_CHARACTERS
"""Of what all tests of a session printed; of later ones the end is kept."""
END_CHARACTERS = 4096
FRESH_S = 1.0
"""A look at the host is as good as a new one for so long."""
_ENDS = (KeyboardInterrupt, pytest.exit.Exception)


@dataclass(slots=True)
class Test:
    """What was seen of one test, unread: ``texts`` are the host's files before and after."""

    node: str
    started_unix_s: float
    before: Counters
    texts: tuple[dict[str, str], dict[str, str]]
    after: Counters | None = None
    peak_bytes: int | None = None
    outcome: str | None = None
    message: str | None = None
    ended: str | None = None
    marker_timeout_s: float | None = None
    attempts: int = 0
    spent_s: dict[str, float] = field(default_factory=dict)
    subtests: dict[str, int] = field(default_factory=dict)
    properties: list[Any] = field(default_factory=list)
    log: str = ""


def begin(config: Any, results: str) -> Recorder:
    """Return what records a session.

    Raises:
        pytest.UsageError: several tests would run at once, or the folder cannot be written.
    """
    option = config.option
    if getattr(option, "numprocesses", None) or getattr(option, "tx", None) or getattr(option, "distload", False):
        what = "--bench measures one test at a time, and tests that run at once disturb one another"
        raise pytest.UsageError(f"{what}: leave -n away, or give -n 0")
    folder = Path(config.invocation_params.dir, results)
    try:
        check_results_folder(folder, NEED_BYTES)
    except BenchError as error:
        raise pytest.UsageError(f"--bench: {error}") from None
    return Recorder(folder, config.rootpath, ["pytest", *map(str, config.invocation_params.args)])


class Recorder:
    """The hooks of one session.

    Args:
        results: the folder that takes the bundles.
        root: pytest's root folder, whose commit is recorded.
        command: the command line.
    """

    def __init__(self, results: Path, root: Path, command: list[str]) -> None:
        self._results = results
        self._root = root
        self._command = shlex.join(command)
        self._pid = os.getpid()
        self._now: Test | None = None
        self._tests: list[Test] = []
        self._skipped = 0
        self._looked_s = -FRESH_S
        self._texts: dict[str, str] = {}
        self._said: list[str] = []
        self._guard = Guard()
        self._characters = ALL_CHARACTERS

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """All of a test, with what repeats it: fixtures, call, and what they leave to be cleared away."""
        texts = self._look()
        can_tell = reset_peak()
        test = Test(item.nodeid, unix_s(), read_counters(), (texts, texts))
        self._now = test
        with self._guard:
            test.marker_timeout_s = _asked_timeout(item.get_closest_marker("timeout"))
        outcome: Any = yield
        test.after, test.peak_bytes = read_counters(), read_peak() if can_tell else None
        self._now = None
        error = outcome.excinfo[1] if outcome.excinfo else None
        if isinstance(error, _ENDS):
            test.outcome, test.ended = "unfinished", f"interrupted: {type(error).__name__} in {node_id(item.nodeid)}"
        if os.getpid() == self._pid:
            test.texts = texts, self._look()
            self._keep(test)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of it has ended."""
        test = self._now
        with self._guard:
            if test is not None and report.nodeid == test.node:
                self._take(test, report)

    def _take(self, test: Test, report: Any) -> None:
        if report.when == "setup":
            test.attempts += 1
            test.outcome = test.message = None  # a test that is tried again ends as its last attempt does
        if is_subtest(report):
            word = outcome_of(report) or report.outcome
            test.subtests[word] = test.subtests.get(word, 0) + 1
        elif report.when in PHASES:
            test.spent_s[report.when] = test.spent_s.get(report.when, 0.0) + (duration(report.duration) or 0.0)
        said = outcome_of(report) if not is_subtest(report) or report.outcome == "failed" else None
        if said is not None and (test.outcome is None or said in ("failed", "error")):
            test.outcome = said if test.outcome != "failed" else "failed"
        if report.outcome == "failed" and test.message is None:
            test.message = message_of(report)
        if report.when == "teardown":
            with self._guard:
                test.properties = list(report.user_properties)
        with self._guard:
            test.log = (test.log + _shown(report))[-LOG_CHARACTERS:]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """Write what was seen. Nothing of it may end a session otherwise than the tests did, but a loss is told."""
        if os.getpid() != self._pid:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a project's filters are for its own tests
                self._said = self._write()
        except Exception as error:
            what = (
                str(error) if isinstance(error, BenchError) else f"a fault of bench ({type(error).__name__}: {error})"
            )
            self._said = [f"not all results were kept: {what}"]
            if session.exitstatus == 0:
                session.exitstatus = int(ExitCode.NOT_MEASURED)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What was kept, and where."""
        for line in self._said:
            terminalreporter.write_line(f"bench: {line}")

    def _write(self) -> list[str]:
        from bench.pytest_plugin.write import write_all  # with numpy and more, which the tests were measured without

        kept = write_all(self._tests, self._results, self._root, self._command, self._guard)
        said = [f"{len(kept)} result{'s' * (len(kept) != 1)} kept in {self._results}"]
        if self._guard.faults:
            said.append(f"what some tests said of themselves could not be kept ({', '.join(self._guard.faults)})")
        return said + [f"{self._skipped} skipped, of which nothing is kept"] * bool(self._skipped)

    def _keep(self, test: Test) -> None:
        if test.outcome == "skipped":
            self._skipped += 1
        else:
            test.log = test.log if self._characters > 0 else test.log[-END_CHARACTERS:]
            self._characters -= len(test.log)
            self._tests.append(test)

    def _look(self) -> dict[str, str]:
        """The host's files, not oftener than once a second."""
        if monotonic_s() - self._looked_s >= FRESH_S:
            self._texts, self._looked_s = read_texts(STATE_FILES), monotonic_s()
        return self._texts


def _asked_timeout(marker: Any) -> float | None:
    """The seconds that a ``timeout`` marker names."""
    asked = None if marker is None else marker.args[0] if marker.args else marker.kwargs.get("timeout")
    return duration(asked)


def _shown(report: Any) -> str:
    """What pytest shows of a report: how it ended and what was captured."""
    lines = [f"{report.nodeid} {report.when}: {report.outcome}"]
    if report.outcome == "failed":
        lines.append(str(report.longreprtext))
    shown = ((str(name), str(text)) for name, text in report.sections)
    lines += [f"--- {name} ---\n{text}" for name, text in shown if report.when in name]
    return "\n".join(lines)[-LOG_CHARACTERS:] + "\n"
