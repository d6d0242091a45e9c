"""``pytest.log``: what pytest printed (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.record.storage.manifest import Problem

_WORDS = {
    "passed": "passed",
    "failed": "failed",
    "error": "error",
    "errors": "error",
    "skipped": "skipped",
    "xfailed": "xfailed",
    "xpassed": "xpassed",
}
_SUMMARY = re.compile(
    r"=+ (?P<counts>(?:no tests ran|\d+ [a-z]+(?:, \d+ [a-z]+)*)) in (?P<s>\d+(?:\.\d+)?)s(?: \([\d:]+\))? =+", re.ASCII
)
_VERSIONS = re.compile(r"platform \S+ -- Python (?P<python>[\w.+]+), pytest-(?P<pytest>[\w.+]+)", re.ASCII)
_TIMEOUT = re.compile(r"timeout: (?P<s>\d+(?:\.\d+)?)s", re.ASCII)
_RESULT = re.compile(r"(?P<node>\S+::\S.*?) (?P<word>PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b.*")
_DURATION = re.compile(r"(?P<s>\d+\.\d+)s (?P<phase>call|setup|teardown)\s+(?P<node>\S.*)", re.ASCII)
_COUNT = re.compile(r"(\d+) ([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Node:
    """One test as the log shows it; ``outcome`` is pytest's word in lower case."""

    node: str
    outcome: str | None = None
    setup_s: float | None = None
    call_s: float | None = None
    teardown_s: float | None = None


@dataclass(frozen=True, slots=True)
class PytestLog:
    """The figures of a log; times in seconds."""

    python: str | None = None
    pytest: str | None = None
    timeout_s: float | None = None
    total_s: float | None = None
    counts: tuple[tuple[str, int], ...] = ()
    nodes: tuple[Node, ...] = ()


def parse_pytest_log(text: str, file: str = "pytest.log") -> tuple[PytestLog, list[Problem]]:
    """Read a log of ``pytest -v``, with ``--durations=0`` or without.

    Returns:
        The figures, and what is wrong: no header, no summary line (cut off), results that do not add up to it.
    """
    versions = timeout = total = None
    counts: dict[str, int] = {}
    outcomes: dict[str, str] = {}
    times: dict[str, dict[str, float]] = {}
    summary_line = None
    rows = text.splitlines()
    if rows and not text.endswith("\n") and _SUMMARY.fullmatch(rows[-1].strip()) is None:
        rows.pop()  # cut off within this line, whose node or time may be shorter than it was
    for number, line in enumerate(rows, start=1):
        stripped = line.strip()
        if (match := _SUMMARY.fullmatch(stripped)) is not None:
            total, summary_line = float(match["s"]), number
            counts = {_WORDS.get(word, word): int(count) for count, word in _COUNT.findall(match["counts"])}
        elif (match := _DURATION.fullmatch(stripped)) is not None:
            times.setdefault(match["node"].strip(), {})[match["phase"]] = float(match["s"])
        elif (match := _RESULT.fullmatch(stripped)) is not None:
            outcomes.setdefault(
                match["node"], match["word"].lower().replace("xpass", "xpassed").replace("xfail", "xfailed")
            )
        elif versions is None and (match := _VERSIONS.match(stripped)) is not None:
            versions = match
        elif timeout is None and (match := _TIMEOUT.fullmatch(stripped)) is not None:
            timeout = float(match["s"])
    nodes = tuple(
        Node(
            name,
            outcomes.get(name),
            times.get(name, {}).get("setup"),
            times.get(name, {}).get("call"),
            times.get(name, {}).get("teardown"),
        )
        for name in dict.fromkeys([*outcomes, *times])
    )
    log = PytestLog(
        versions["python"] if versions else None,
        versions["pytest"] if versions else None,
        timeout,
        total,
        tuple(sorted(counts.items())),
        nodes,
    )
    return log, _problems(text, log, counts, outcomes, summary_line, file)


def _problems(
    text: str, log: PytestLog, counts: dict[str, int], outcomes: dict[str, str], summary_line: int | None, file: str
) -> list[Problem]:
    last = len(text.splitlines()) or None
    if log.python is None and summary_line is None and not log.nodes:
        return [Problem(file, "not a log of pytest, or empty", last)]
    if summary_line is None:
        return [Problem(file, "cut off: pytest's last line with the counts and the time is missing", last)]
    problems = []
    for word in ("passed", "failed", "error"):
        seen = sum(outcome == word for outcome in outcomes.values())
        if outcomes and seen > counts.get(word, 0):
            problems.append(Problem(file, f"says {counts.get(word, 0)} {word}, but shows {seen}", summary_line))
    called = sum(node.call_s for node in log.nodes if node.call_s is not None)
    if log.total_s is not None and called > log.total_s + 0.01 * max(1, len(log.nodes)):
        problems.append(Problem(file, f"says {log.total_s} s in all, but the calls take {called:.2f} s", summary_line))
    return problems
