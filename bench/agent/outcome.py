"""How the run ended, and in one line why (pure). A kill for memory is told from another KILL by the group's counters
alone.
"""

from __future__ import annotations

import re
import signal
from typing import NamedTuple

from .lacking import lacking

SIGNATURE_CHARACTERS = 300
PYTEST_STOPPED, PYTEST_USAGE, PYTEST_NOTHING = 2, 4, 5


class End(NamedTuple):
    """Everything that decides. ``oom_kills`` is the growth of the group's counter, ``None`` where there is none to
    read. ``mute`` says why the plugin could not have told how pytest ended, ``None`` where it could. ``early`` is why
    the session ended before its end, ``None`` where it did not; ``not_run``, how many of the ``collected`` tests never
    began; ``only``, pytest's option with which no test's body runs. ``sent_inside`` is the signal that a process of the
    run sent to the supervisor: what it asks for is not done, and it is a failure. ``expect_exit`` is the exit code of
    a command that passed.
    """

    exit_code: int | None
    signal: int | None
    timeout_s: float
    stopped_for: str | None = None
    cannot_start: str | None = None
    oom_kills: int | None = None
    no_oom_counter: str = "no counter"
    memory_limit_bytes: int | None = None
    plugin_wanted: bool = False
    plugin_loaded: bool = False
    session_finished: bool = False
    mute: str | None = None
    early: str | None = None
    collected: int | None = None
    not_run: int | None = None
    only: str | None = None
    running: str | None = None
    failure: tuple[str, str] | None = None
    failures: int = 0
    test_outcomes: tuple[str, ...] = ()
    last_line: str = ""
    frozen_s: float = 0.0
    sent_inside: str | None = None
    expect_exit: int = 0


class Outcome(NamedTuple):
    """One of the record's outcomes, and the signature of anything but ``passed``."""

    outcome: str
    signature: str | None


def decide(end: End) -> Outcome:
    """The outcome and its signature."""
    outcome, signature = _decide(end)
    return Outcome(outcome, None if signature is None else one_line(signature))


def one_line(text: str) -> str:
    """Text without control characters, on one line, bounded."""
    text = text.encode("utf-8", "backslashreplace").decode()
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).split())
    return line if len(line) <= SIGNATURE_CHARACTERS else line[: SIGNATURE_CHARACTERS - 1] + "…"


def _decide(end: End) -> tuple[str, str | None]:
    where = f" in {end.running}" if end.running else ""
    if end.stopped_for == "interrupt":
        return "interrupted", f"interrupted{where}"
    if end.cannot_start is not None:
        return "not_measured", f"cannot start the command: {end.cannot_start}"
    if end.stopped_for == "timeout":
        memory = f" (after {end.oom_kills} kill(s) for memory in the group)" if end.oom_kills else ""
        frozen = f" (stopped from outside for {end.frozen_s:.1f} s meanwhile)" if end.frozen_s else ""
        return "timed_out", f"timed out after {end.timeout_s:g} s{frozen}{where}{memory}"
    if end.exit_code == end.expect_exit:
        return _finished(end)
    if end.oom_kills:
        limit = "" if end.memory_limit_bytes is None else f" at the limit of {end.memory_limit_bytes / 2**20:.4g} MiB"
        return "oom_killed", f"out of memory{limit}: killed for memory{where}"
    if end.signal is not None:
        return "failed", _died(end.signal, end, where)
    if end.plugin_wanted and not end.plugin_loaded:
        return "not_measured", f"pytest did not start (exit code {end.exit_code}): {end.last_line or 'no output'}"
    if end.plugin_wanted and end.exit_code == PYTEST_USAGE:
        return "not_measured", _refused(end)
    if end.plugin_wanted and end.exit_code == PYTEST_NOTHING:
        return "not_measured", "pytest collected no test"
    if end.failure is not None:
        node, message = end.failure
        lacks = lacking(message) if end.exit_code == PYTEST_STOPPED and not end.test_outcomes else None
        if lacks is not None:  # a whole file was asked for, and pytest stopped before its first test
            return "failed", lacks
        more = f" (and {end.failures - 1} more)" if end.failures > 1 else ""
        return "failed", f"{node}: {message}{more}"
    if end.early is not None:
        return "failed", f"exit code {end.exit_code}: {_early(end)}"
    last = f": {end.last_line}" if end.last_line else ""
    expected = f" and not {end.expect_exit}" if end.expect_exit else ""
    return "failed", f"exit code {end.exit_code}{expected}{where}{last}"


def _refused(end: End) -> str:
    """Why pytest ran nothing: a file that cannot be imported has no tests, and pytest's last line names only these."""
    if end.failure is None:
        return lacking(end.last_line) or f"pytest refused the command line or the node: {end.last_line}"
    node, message = end.failure
    return lacking(message) or f"pytest could not import {node}: {message}"


def _finished(end: End) -> tuple[str, str | None]:
    if end.sent_inside is not None:
        return "failed", f"a process of the run sent {end.sent_inside} to the supervisor (although the exit code is 0)"
    if not end.plugin_loaded:
        return "passed", None
    if not end.session_finished and end.early is None and end.mute is not None:
        return "not_measured", f"exited with code 0, but whether pytest had finished cannot be told: {end.mute}"
    if not end.session_finished and end.early is None:  # os._exit(0) in a test
        return "failed", f"exited with code 0 before pytest had finished{f' in {end.running}' if end.running else ''}"
    if end.failure is not None:
        return "failed", f"{end.failure[0]}: {end.failure[1]} (although the exit code is 0)"
    if any(outcome in ("failed", "error") for outcome in end.test_outcomes):  # the line that said more is lost
        return "failed", "a test failed (although the exit code is 0)"
    if end.only is not None:
        return "not_measured", f"pytest ran no test's body ({end.only})"
    if end.early is not None:
        return "failed", f"{_early(end)} (although the exit code is 0)"
    if not end.test_outcomes:
        return "not_measured", "pytest ran no test"
    if all(outcome == "skipped" for outcome in end.test_outcomes):
        return "not_measured", "every test was skipped"
    return "passed", None


def _early(end: End) -> str:
    """In one line, how far the session came and why it went no further."""
    where = f" in {end.running}" if end.running else ""
    rest = f", {end.not_run} of {end.collected} tests never began" if end.not_run else ""
    return f"the session ended early{where}: {end.early}{rest}"


def _died(number: int, end: End, where: str) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL and end.oom_kills is None:
        return f"killed by {name}{where}; whether for memory cannot be told: {end.no_oom_counter}"
    if number == signal.SIGKILL:
        return f"killed by {name}{where}, not for memory: the group counts no such kill"
    return f"died of {name}{where}"
