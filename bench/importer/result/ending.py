"""How an older run ended, from all that its files hold of it, and in one line why (pure). Nothing is guessed."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import NamedTuple

from bench.importer.files import Evidence
from bench.record.schema import Outcome, TestResult

TIMED_OUT_STATUS = 124
"""Exit status of coreutils' ``timeout`` when it had to end the command."""
_SHELLS = 128
"""A shell reports signal N as this and N."""
_INTERRUPTED, _REFUSED, _NOTHING = 2, 4, 5
_BAD = frozenset(("failed", "error"))


class Ending(NamedTuple):
    """The outcome, and why if it is not ``passed``. ``inferred`` is what no file states outright."""

    outcome: Outcome
    signature: str | None = None
    inferred: str | None = None


def ending_of(evidence: Evidence, tests: Sequence[TestResult], exit_code: int | None) -> Ending:
    """Return how the run ended: a deadline first, then a signal, then the tests, then the exit code.

    Args:
        evidence: what the files hold.
        tests: the tests that ran.
        exit_code: what they agree on; ``None`` if they do not, or if a signal ended it.
    """
    at = next((f" in {test.node}" for test in tests if test.outcome == "unfinished"), "")
    for decide in (_by_deadline, _by_signal, _by_log, _by_tests):
        found = decide(evidence, tests, exit_code, at)
        if found is not None:
            return found
    return Ending("not_measured", "no file says how it ended")


def signal_of(evidence: Evidence, exit_code: int | None) -> int | None:
    """Return the signal that ended it: by GNU time's first line, as a shell reports it, or by the log's last words."""
    if evidence.time is not None and evidence.time.signal is not None:
        return evidence.time.signal
    if exit_code is not None and _SHELLS < exit_code <= _SHELLS + 64:
        return exit_code - _SHELLS
    return evidence.log.signal if evidence.log is not None and exit_code is None else None


def limit_of(evidence: Evidence) -> float | None:
    """Return the deadline that its files name, in seconds: the shortest."""
    limits = (
        evidence.commands.timeout_s if evidence.commands else None,
        evidence.log.timeout_s if evidence.log else None,
    )
    return min((limit for limit in limits if limit is not None), default=None)


def _by_deadline(evidence: Evidence, tests: Sequence[TestResult], exit_code: int | None, at: str) -> Ending | None:
    log, limit = evidence.log, limit_of(evidence)
    if exit_code == TIMED_OUT_STATUS:
        outer = evidence.commands.timeout_s if evidence.commands else None
        return Ending("timed_out", f"timed out after {outer:g} s{at}" if outer else f"timed out{at} (exit code 124)")
    if log is None:
        return None
    if log.dump and not log.ended:
        return Ending("timed_out", f"timed out{f' after {limit:g} s' if limit else ''}{at}: its stacks were printed")
    if log.stopped is not None and log.stopped.startswith("session-timeout"):
        return Ending("timed_out", f"{log.stopped}{at}")
    counts = dict(log.counts)
    if log.timeouts and log.timeouts >= counts.get("failed", 0) and not counts.get("error"):
        node = next((f"{test.node}: " for test in tests if test.outcome == "failed"), "")
        return Ending("timed_out", f"{node}failed by its timeout{f' of {log.timeout_s:g} s' if log.timeout_s else ''}")
    return None


def _by_signal(evidence: Evidence, tests: Sequence[TestResult], exit_code: int | None, at: str) -> Ending | None:  # noqa: ARG001
    number = signal_of(evidence, exit_code)
    if number is None:
        return None
    limit = evidence.commands.timeout_s if evidence.commands else None
    wall = evidence.time.wall_s if evidence.time else None
    if number in (signal.SIGKILL, signal.SIGTERM) and limit is not None and wall is not None and wall >= limit:
        return Ending("timed_out", f"timed out after {limit:g} s{at}, ended by signal {number}")
    if number == signal.SIGINT:
        return Ending("interrupted", f"interrupted{at}")
    unknown = "; whether for memory cannot be told: no file counts such kills" if number == signal.SIGKILL else ""
    return Ending("failed", f"ended by {_called(number)}{at}{unknown}")


def _by_log(evidence: Evidence, tests: Sequence[TestResult], exit_code: int | None, at: str) -> Ending | None:  # noqa: ARG001
    """By a session that did not come to its end, as the log shows it."""
    log = evidence.log
    if log is None:
        return None
    if log.stopped is not None and "KeyboardInterrupt" in log.stopped:
        return Ending("interrupted", f"interrupted{at}")
    began = bool(log.nodes) or log.collected is not None or log.python is not None
    if log.ended or not began or (evidence.junit is not None and evidence.junit.cases):
        return None
    stops = f"the log stops{at or ' before its end'}"
    if exit_code == 0:
        return Ending("not_measured", f"{stops}, though the exit code is 0")
    if exit_code == _INTERRUPTED:
        return Ending("interrupted", f"interrupted{at}")
    if exit_code is not None:
        return Ending("failed", f"exit code {exit_code}; {stops}")
    limit, wall = limit_of(evidence), evidence.time.wall_s if evidence.time else None
    if limit is not None and wall is not None and wall < limit:
        return Ending("not_measured", f"{stops}, after {wall:g} s and before the deadline of {limit:g} s")
    why = f"{stops} and nothing says what ended it: read as a deadline from outside"
    return Ending("timed_out", f"timed out{at}: the log stops", why)


def _by_tests(evidence: Evidence, tests: Sequence[TestResult], exit_code: int | None, at: str) -> Ending | None:
    log = evidence.log
    counts = dict(log.counts) if log else {}
    outcomes = {test.outcome for test in tests}
    bad = next((test.node for test in tests if test.outcome in _BAD), None)
    number = sum(test.outcome in _BAD for test in tests) or counts.get("failed", 0) + counts.get("error", 0)
    if bad is not None or number:
        more = f" (and {number - 1} more)" if number > 1 else ""
        return Ending("failed", f"{bad} failed{more}" if bad else f"{number} tests failed")
    if log is not None and log.ended and log.collected is not None and 0 < log.ran < log.collected:
        return Ending("failed", f"pytest ended early{at}: {log.ran} of {log.collected} tests ran")
    if log is not None and log.stopped is not None and "Exit" in log.stopped:
        return Ending("failed", f"pytest ended early{at}: {log.stopped}")
    if exit_code in (_REFUSED, _NOTHING):
        return Ending("not_measured", f"pytest ran no test (exit code {exit_code})")
    if exit_code:
        return Ending("failed", f"exit code {exit_code}{at}")
    known = (outcomes - {"unknown"}) | {word for word, count in counts.items() if count}
    if known & {"passed", "xfailed", "xpassed"}:
        return Ending("passed")
    if "skipped" in known:
        return Ending("not_measured", "every test was skipped")
    if log is not None and log.ended:
        return Ending("not_measured", "pytest ran no test")
    return Ending("passed") if exit_code == 0 else None


def _called(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
