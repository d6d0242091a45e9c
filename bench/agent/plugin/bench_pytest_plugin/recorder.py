"""Tells of the session and of each test: one line when it begins, one when all its attempts have ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .attempts import Attempts
from .clock import monotonic_s
from .deadline import Deadline
from .guard import MEASURED, Guard
from .hook import hook
from .imported import Own, told
from .plain import LeftOut, number, text, type_name
from .properties import Properties
from .reports import DECIDED, PHASES, benchmarks, is_subtest, message_of, node_id, outcome_of, seconds
from .threads import read_threads
from .writer import Writer

REASON_CHARACTERS = 300
NOT_RUN = (("collectonly", "--collect-only"), ("setupplan", "--setup-plan"), ("setuponly", "--setup-only"))
"""pytest's options with which it runs no test's body."""
THREADS = "bench_threads"
ELSEWHERE = "bench_elsewhere"


class _Test:
    """What is known of a test that has begun."""

    __slots__ = (
        "attempts",
        "began_s",
        "ended",
        "message",
        "node",
        "outcome",
        "properties",
        "starts",
        "subtests",
        "times",
    )

    def __init__(self, node: str) -> None:
        self.node = node
        self.began_s = monotonic_s()
        self.starts = 0
        self.attempts: dict[str, tuple[int, dict[str, float]]] = {}
        self.times: dict[str, float | None] = {}
        self.subtests: dict[str, int] = {}
        self.outcome: str | None = None
        self.message: str | None = None
        self.ended = False
        self.properties: object = ()


class Recorder:
    """The hooks of one session; in a worker of pytest-xdist the controller's reports."""

    def __init__(self, guard: Guard, writer: Writer, attempts: Attempts, deadline: Deadline) -> None:
        self._guard = guard
        self._writer = writer
        self._attempts = attempts
        self._deadline = deadline
        self._started = monotonic_s()
        self._tests: dict[str, _Test] = {}
        self._outcomes: dict[str, int] = {}
        self._threads: list[dict[str, Any]] = []
        self._own = Own()
        self._elsewhere: set[str] = set()
        self._only: str | None = None

    @hook(tryfirst=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """The time that pytest itself reports begins here."""
        self._started = monotonic_s()
        with self._guard:
            option = session.config.option
            self._only = next((word for name, word in NOT_RUN if getattr(option, name, False) is True), None)
            if self._only is not None:
                self._writer.put("only", option=self._only)

    def pytest_collectreport(self, report: Any) -> None:
        """A module that cannot be imported."""
        with self._guard:
            if report.failed:
                self._writer.put("failure", node=node_id(report.nodeid), message=message_of(report))

    @hook(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins, or begins again."""
        with self._guard:
            test = self._test(nodeid)
            test.starts += 1
            asked = self._deadline.asked.get(test.node)
            self._writer.put("test_started", node=test.node, monotonic_s=test.began_s, marker_timeout_s=asked)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test has ended."""
        with self._guard:
            self._report(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """All phases of an attempt have ended."""
        with self._guard:
            test = self._tests.get(nodeid)
            if test is not None and test.outcome is None and self._only is not None:
                test.outcome = "passed"
            if test is not None and test.outcome is not None:  # else it begins again
                self._end(nodeid)

    def pytest_internalerror(self, excrepr: object) -> None:
        """A fault of pytest or of a plugin."""
        with self._guard:
            lines = [line for line in str(excrepr).splitlines() if line.strip()]
            message = text(f"internal error: {lines[-1] if lines else ''}", REASON_CHARACTERS)
            self._writer.put("failure", node="pytest", message=message)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Ctrl-C, pytest.exit and whatever else ends the session at once."""
        with self._guard:
            self._writer.put("stopped", reason=_reason(excinfo.value))

    @hook(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """pytest-benchmark is about to write its JSON, because the project asked for it."""
        with self._guard:
            try:
                self._writer.put("benchmarks", metrics=benchmarks(output_json))
            except (TypeError, ValueError, AttributeError):
                return  # the project has changed its form

    @hook(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker of pytest-xdist is about to start, and is of the pytest that is measured."""
        with self._guard:
            node.workerinput[MEASURED] = True

    @hook(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has ended."""
        with self._guard:
            output = getattr(node, "workeroutput", None) or {}
            threads, elsewhere = output.pop(THREADS, None), output.pop(ELSEWHERE, ())
            if type(threads) is dict:
                self._threads.append(threads)
            self._elsewhere.update(name for name in elsewhere if type(name) is str)

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> Iterator[None]:
        """The session's end, after the other plugins' work for it."""
        yield
        with self._guard:
            for nodeid in [node for node, test in self._tests.items() if test.ended and test.outcome is not None]:
                self._end(nodeid)
        with self._guard:
            stop = session.shouldstop or session.shouldfail
            if stop:
                self._writer.put(
                    "stopped", reason=text(stop, REASON_CHARACTERS) if type(stop) is str else "it was told to stop"
                )
        with self._guard:
            for threads in self._threads or [read_threads()]:
                self._writer.put("threads", torch=threads.get("torch"), openmp=threads.get("openmp"))
        with self._guard:
            names = sorted(self._elsewhere.union(self._own.elsewhere()))
            if names:
                self._writer.put(
                    "warning", code="code_elsewhere", message=told(names), value=len(names), unit="modules"
                )
        with self._guard:
            self._writer.put_last(
                "finished",
                pytest_s=monotonic_s() - self._started,
                exit_code=_exit_code(exitstatus),
                outcomes=self._outcomes,
                lost=self._writer.lost,
            )

    def _test(self, nodeid: str) -> _Test:
        test = self._tests.get(nodeid)
        if test is None:
            test = self._tests[nodeid] = _Test(node_id(nodeid))
        return test

    def _report(self, report: Any) -> None:
        test = self._test(report.nodeid)
        with self._guard:  # apart, like the properties below: the end of a test must be told whatever else is not
            test.attempts[str(getattr(report, "worker_id", ""))] = self._attempts.of(report)
        if report.outcome not in DECIDED:  # a plugin's word for an attempt that does not count
            test.outcome = test.message = None
            return
        outcome = outcome_of(report)
        if is_subtest(report):
            test.subtests[str(outcome)] = test.subtests.get(str(outcome), 0) + 1
            if report.outcome != "failed":
                return  # the test goes on, and its own report decides
        if outcome is not None and test.outcome not in ("failed", "error"):
            test.outcome = outcome
        if report.outcome == "failed" and test.message is None:
            test.message = message_of(report)
        if report.when in PHASES:
            with self._guard:
                test.times[f"{report.when}_s"] = seconds(report.duration)
        test.properties = report.user_properties or test.properties
        test.ended = report.when == "teardown"
        if report.when not in PHASES:  # the process that ran it has died: nothing more will come
            self._end(report.nodeid)

    def _end(self, nodeid: str) -> None:
        test = self._tests.pop(nodeid)
        outcome = test.outcome or "failed"
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1
        counted = sum(count for count, _ in test.attempts.values())
        attempts = max(test.starts, counted, 1)
        if attempts > 1 and counted:
            for phase in PHASES:
                spent = sum(times.get(phase, 0.0) for _, times in test.attempts.values())
                test.times[f"{phase}_s"] = seconds(spent)
        own: dict[str, Any] = {"metrics": {}, "facts": {}}
        with self._guard:
            own = self._properties(test, attempts > 1)
        self._writer.put(
            "test",
            node=test.node,
            outcome=outcome,
            monotonic_s=test.began_s,
            marker_timeout_s=self._deadline.asked.get(test.node),
            attempts=attempts,
            **own,
            **test.times,
            **({"subtests": test.subtests} if test.subtests else {}),
            **({} if test.message is None else {"message": test.message}),
        )

    def _properties(self, test: _Test, repeated: bool) -> dict[str, Any]:
        found = Properties(test.node, test.properties, repeated)
        for code, message in found.left_out:
            self._writer.put("warning", code=code, message=message, value=None, unit=None)
        missing = {"missing": found.missing} if found.missing else {}
        return {"metrics": found.metrics, "facts": found.facts, **missing}


class WorkerThreads:
    """A worker of pytest-xdist tells its controller how many threads its tests had, and whose code they took."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._own = Own()

    @hook(tryfirst=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """A worker's only way of telling its controller."""
        with self._guard:
            output = getattr(session.config, "workeroutput", None)
            if type(output) is dict:
                output[THREADS] = read_threads()
                output[ELSEWHERE] = self._own.elsewhere()


def _reason(error: BaseException) -> str:
    """What ended the session, in pytest's words; only text that is text already."""
    said = getattr(error, "msg", None)
    if type(said) is not str:
        arguments = error.args
        said = arguments[0] if arguments and type(arguments[0]) is str else ""
    kind = type_name(error)
    name = "pytest.exit" if kind == "Exit" else kind
    return text(f"{name}: {said}" if said else name, REASON_CHARACTERS)


def _exit_code(status: object) -> int | None:
    try:
        return int(number(status))
    except LeftOut:
        return None
