"""What pytest printed, verbose or not, with the tests' own output in between, finished or not (pure)."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, replace

from bench.importer.read.clean import rows
from bench.importer.read.lines import LETTERS, MAX_TESTS, SUMMARY, TESTED, Reading, read_line
from bench.importer.read.tests import outcome_of_events, start_of
from bench.record.storage.manifest import Problem

_SIGNALS = {
    "Killed": signal.SIGKILL,
    "Terminated": signal.SIGTERM,
    "Aborted": signal.SIGABRT,
    "Segmentation fault": signal.SIGSEGV,
    "Bus error": signal.SIGBUS,
    "Illegal instruction": signal.SIGILL,
    "Floating point exception": signal.SIGFPE,
}
"""A shell's words for a command that a signal ended, and those of Python's own handler."""
_WORDS = "|".join(_SIGNALS)
_BY_SHELL = re.compile(
    r"(?:\S+::\S+ +)?(?:\S+: )?(?:line \d+: )?(?:\[\d+\][+-]? +)?(?:\d+ +)?"
    rf"(?P<word>{_WORDS})(?: +\(core dumped\))?(?: {{1,}}\S.*)?"
)
_RESULT = re.compile(r"(?:.*\s)?(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?:\s.*)?")
_BY_PYTHON = re.compile(rf"(?:.*\s)?Fatal Python error: (?P<word>{_WORDS})")
_LAST_LINES = 4


@dataclass(frozen=True, slots=True)
class Node:
    """One test as the log shows it; ``outcome`` is pytest's word in lower case, ``unfinished`` if it was at work."""

    node: str
    outcome: str | None = None
    setup_s: float | None = None
    call_s: float | None = None
    teardown_s: float | None = None


@dataclass(frozen=True, slots=True)
class PytestLog:
    """The figures of a log; times in seconds.

    ``stopped`` is pytest's own word on a session that it ended early; ``dump`` whether a timeout printed all stacks;
    ``timeouts`` how many tests failed by a timeout; ``files`` the test files that it names if it names no test;
    ``signal`` what ended a session that stops, by the word of a shell or of Python.
    """

    python: str | None = None
    pytest: str | None = None
    timeout_s: float | None = None
    total_s: float | None = None
    counts: tuple[tuple[str, int], ...] = ()
    nodes: tuple[Node, ...] = ()
    collected: int | None = None
    ended: bool = False
    stopped: str | None = None
    dump: bool = False
    timeouts: int = 0
    files: tuple[str, ...] = ()
    signal: int | None = None

    @property
    def ran(self) -> int:
        """How many tests came to an end."""
        named = sum(node.outcome not in (None, "unfinished") for node in self.nodes)
        return max(named, sum(count for word, count in self.counts if word in TESTED))


def parse_pytest_log(text: str, file: str = "pytest.log") -> tuple[PytestLog, list[Problem]]:
    """Read a log of one session.

    Returns:
        The figures, and what is wrong: no header, no summary line (cut off), results that do not add up to it.
    """
    reading = Reading()
    whole = text
    if text and not text.endswith("\n"):
        last = text[text.rfind("\n") + 1 :]
        if (
            SUMMARY.fullmatch(last.strip()) is None
        ):  # cut off within this line, whose node or time may be shorter than it was
            started = start_of(last)
            whole = text[: len(text) - len(last)]
            if started is not None and len(last) > len(started[0]):
                whole += f"{started[0]} "  # its name is whole: a space follows
    for number, line in rows(whole):
        read_line(reading, number, line.rstrip())
    log = _log_of(reading)
    if not log.ended:
        log = replace(log, signal=_signal_of(text))
    return log, _problems(text, log, reading, file)


def _log_of(reading: Reading) -> PytestLog:
    outcomes = {node: outcome_of_events(events) for node, events in reading.events.items()}
    if reading.summary is not None and reading.summary[3]:
        _doubt_the_summary(reading, outcomes)
    ended = reading.summary is not None
    _, total, counts, _ = reading.summary if reading.summary is not None else (0, None, {}, False)
    failed = reading.short.get("failed", set())
    if ended and len(failed) == counts.get(
        "failed", 0
    ):  # pytest names all that failed: what tests print of that is theirs
        for node, events in reading.events.items():
            if (outcomes[node] == "failed") != (node in failed):
                outcomes[node] = "failed" if node in failed else outcome_of_events(events, but="FAILED")
    if not ended and reading.letters and reading.done and not reading.dump:
        ended = True
        for letter in reading.letters:
            counts[LETTERS[letter]] = counts.get(LETTERS[letter], 0) + 1
    for node, events in reading.events.items():
        if outcomes[node] is None and (not ended or not any(event.tokens for event in events)):
            outcomes[node] = "unfinished"
    nodes = tuple(
        Node(
            name,
            outcomes.get(name),
            *(reading.times.get(name, {}).get(phase) for phase in ("setup", "call", "teardown")),
        )
        for name in dict.fromkeys([*outcomes, *reading.times])
    )
    return PytestLog(
        reading.versions["python"] if reading.versions else None,
        reading.versions["pytest"] if reading.versions else None,
        reading.timeout_s,
        total,
        tuple(sorted(counts.items())),
        nodes,
        reading.collected,
        ended,
        reading.stopped,
        reading.dump,
        max(len(reading.by_timeout), reading.timeouts),
        tuple(reading.files),
    )


def _signal_of(text: str) -> int | None:
    """The signal that the end of a log without an end names."""
    lines = [line.strip() for _, line in rows(text) if line.strip()]
    last = max(
        (at for at, line in enumerate(lines) if _RESULT.fullmatch(line)), default=0
    )  # what is before it did not end
    found = [match for line in lines[last:] if (match := _BY_PYTHON.fullmatch(line)) is not None]
    found += [match for line in lines[-_LAST_LINES:] if (match := _BY_SHELL.fullmatch(line)) is not None]
    return int(_SIGNALS[found[-1]["word"]]) if found else None


def _doubt_the_summary(reading: Reading, outcomes: dict[str, str | None]) -> None:
    """A last line that may be a test's own output counts only if it agrees with the tests."""
    assert reading.summary is not None  # noqa: S101 - the caller looked
    counts = reading.summary[2]
    seen = list(outcomes.values()) or [LETTERS[letter] for letter in reading.letters]
    if not seen or any(counts.get(word, 0) != seen.count(word) for word in ("passed", "failed", "skipped")):
        reading.summary = None


def _problems(text: str, log: PytestLog, reading: Reading, file: str) -> list[Problem]:
    last = (text.count("\n") + (not text.endswith("\n"))) if text else None
    if log.python is None and not log.ended and not log.nodes and not reading.session and not reading.letters:
        return [Problem(file, "not a log of pytest, or empty", last)]
    if not log.ended:
        at = next((f" within {node.node}" for node in log.nodes if node.outcome == "unfinished"), "")
        why = "cut off: pytest's last line with the counts and the time is missing"
        return [Problem(file, f"{why}; it stops{at}" if at else why, last)]
    problems = []
    if reading.unnamed:
        problems.append(Problem(file, f"names over {MAX_TESTS} tests; the rest is only counted", last))
    counts, line = dict(log.counts), reading.summary[0] if reading.summary is not None else last
    for word in ("passed", "failed", "error"):
        seen = sum(node.outcome == word for node in log.nodes)
        if seen > counts.get(word, 0):
            problems.append(Problem(file, f"says {counts.get(word, 0)} {word}, but shows {seen}", line))
    if log.collected is not None and 0 < log.ran < log.collected:
        problems.append(Problem(file, f"collected {log.collected} tests, but only {log.ran} came to an end", line))
    called = sum(node.call_s for node in log.nodes if node.call_s is not None)
    if log.total_s is not None and called > log.total_s + 0.01 * max(1, len(log.nodes)) and "xdist" not in text[:4096]:
        problems.append(Problem(file, f"says {log.total_s} s in all, but the calls take {called:.2f} s", line))
    return problems
