"""What pytest printed, verbose or not, with the tests' own output in between, finished or not (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bench.importer.read.clean import rows
from bench.importer.read.tests import Event, outcome_of_events, start_of, told_by
from bench.record.storage.manifest import Problem

_WORDS = {"errors": "error", "reruns": "rerun", "warnings": "warning"}
_COUNTS = r"(?P<counts>no tests ran|\d+ [a-z][a-z ]*(?:, \d+ [a-z][a-z ]*)*)"
_SUMMARY = re.compile(rf"(?:=+ )?{_COUNTS} in (?P<s>\d+(?:\.\d+)?)(?:s| seconds)(?: \([\d:]+\))?(?: =+)?", re.ASCII)
_RESULTS = re.compile(r"Results \((?P<s>\d+(?:\.\d+)?)s.*\):", re.ASCII)
_COUNT = re.compile(r"(\d+) ([a-z][a-z ]*)", re.ASCII)
_VERSIONS = re.compile(r"platform \S+ -- Python (?P<python>[\w.+]+),? pytest-(?P<pytest>[\w.+]+)", re.ASCII)
_TIMEOUT = re.compile(r"(?P<session>session )?timeout: (?P<s>\d+(?:\.\d+)?)s", re.ASCII)
_COLLECTED = re.compile(
    r"(?:.*\s)?(?:collected (?P<all>\d+) items?\b(?P<more>.*)|\d+ workers? \[(?P<split>\d+) items?\])"
)
_SELECTED = re.compile(r"/ (\d+) selected")
_SECTION = re.compile(r"={2,} (?P<title>[A-Za-z][^=]*?) ={2,}")
_SUBSECTION = re.compile(r"_{2,} \S.* _{2,}|-{2,} Captured .* -{2,}")
_CAPTURED = re.compile(r"-{2,} Captured .* -{2,}")
_DURATION = re.compile(r"(?P<s>\d+[.,]\d+)s (?P<phase>call|setup|teardown)\s+(?P<node>\S.*)", re.ASCII)
_SHORT = re.compile(r"(?P<word>FAILED|ERROR) (?P<node>\S.*?)(?: - (?P<why>.*))?")
_LETTERS = re.compile(r"(?:(?P<path>\S+\.\w{1,6}) )?(?P<letters>[.FEsxXR]+)\s*(?P<progress>\[ *\d+%\])?")
_BANNER = re.compile(r"!{2,} (?P<said>.+?) !{2,}")
_DUMP = re.compile(r"\++ Timeout \++|(?:.*\s)?Timeout \(\d+:\d\d:\d\d(?:\.\d+)?\)!", re.ASCII)
_BY_TIMEOUT = re.compile(r"Failed: Timeout \(?>")
TITLES = ("ERRORS", "FAILURES", "PASSES", "XFAILURES", "XPASSES", "warnings summary", "slowest", "short test summary")
LETTERS = {".": "passed", "F": "failed", "E": "error", "s": "skipped", "x": "xfailed", "X": "xpassed", "R": "rerun"}
MAX_TESTS = 10_000
"""So many tests of a log are known by name."""
MAX_EVENTS = 100
TESTED = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


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
    ``timeouts`` how many tests failed by a timeout; ``files`` the test files that it names where it names no test.
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

    @property
    def ran(self) -> int:
        """How many tests came to an end."""
        named = sum(node.outcome not in (None, "unfinished") for node in self.nodes)
        return max(named, sum(count for word, count in self.counts if word in TESTED))


@dataclass(slots=True)
class _Reading:
    """What is known so far, line by line."""

    section: str = ""
    quoted: bool = False
    session: bool = False
    versions: re.Match[str] | None = None
    timeout_s: float | None = None
    collected: int | None = None
    events: dict[str, list[Event]] = field(default_factory=dict)
    open: str | None = None
    times: dict[str, dict[str, float]] = field(default_factory=dict)
    short: dict[str, set[str]] = field(default_factory=dict)
    by_timeout: set[str] = field(default_factory=set)
    timeouts: int = 0
    letters: str = ""
    files: dict[str, None] = field(default_factory=dict)
    done: bool = False
    stopped: str | None = None
    dump: bool = False
    summary: tuple[int, float | None, dict[str, int], bool] | None = None
    results: bool = False
    unnamed: int = 0


def parse_pytest_log(text: str, file: str = "pytest.log") -> tuple[PytestLog, list[Problem]]:
    """Read a log of one session.

    Returns:
        The figures, and what is wrong: no header, no summary line (cut off), results that do not add up to it.
    """
    reading = _Reading()
    whole = text
    if text and not text.endswith("\n"):
        last = text[text.rfind("\n") + 1 :]
        if (
            _SUMMARY.fullmatch(last.strip()) is None
        ):  # cut off within this line, whose node or time may be shorter than it was
            started = start_of(last)
            whole = text[: len(text) - len(last)]
            if started is not None and len(last) > len(started[0]):
                whole += f"{started[0]} "  # its name is whole: a space follows
    for number, line in rows(whole):
        _read_line(reading, number, line.rstrip())
    log = _log_of(reading)
    return log, _problems(text, log, reading, file)


def counts_of(text: str) -> dict[str, int]:
    """Number by outcome of a summary's words: ``1 failed, 2 passed``."""
    found: dict[str, int] = {}
    for count, word in _COUNT.findall(text):
        name = _WORDS.get(word.strip(), word.strip())
        found[name] = found.get(name, 0) + int(count)
    return found


def _read_line(reading: _Reading, number: int, line: str) -> None:
    stripped = line.strip()
    if (match := _SUMMARY.fullmatch(stripped)) is not None:
        imitated = reading.quoted or (reading.open is not None and not reading.events[reading.open][-1].tokens)
        reading.summary = (number, float(match["s"]), counts_of(match["counts"]), imitated)
    elif (match := _SECTION.fullmatch(stripped)) is not None and match["title"].startswith((*TITLES, "test session")):
        started = match["title"].startswith("test session")
        reading.session = reading.session or started
        if not started or not reading.events:
            reading.section = "" if started else match["title"]
        reading.quoted, reading.stopped, reading.summary = False, None, None
    elif (match := _BANNER.fullmatch(stripped)) is not None:
        reading.stopped, reading.quoted = match["said"], False
    elif _DUMP.fullmatch(stripped) is not None and not reading.quoted:
        reading.dump = True
        if (started := start_of(line)) is not None:
            _name(reading, started[0], [])
    elif reading.section == "":
        _read_session(reading, number, line)
    else:
        _read_section(reading, stripped)


def _read_session(reading: _Reading, number: int, line: str) -> None:
    """A line of the session's part: the header, and the tests one after the other."""
    if (event := told_by(line)) is not None or (event := start_of(line)) is not None:
        node, tokens = event
        _name(reading, node, tokens)
        reading.summary, reading.stopped = None, None
        return
    stripped = line.strip()
    if not reading.events and _head(reading, stripped):
        return
    if reading.results and (match := re.fullmatch(r"(\d+) ([a-z]+)", stripped)) is not None and reading.summary:
        reading.summary[2][_WORDS.get(match[2], match[2])] = int(match[1])
    elif (match := _RESULTS.fullmatch(stripped)) is not None:
        reading.results, reading.summary = True, (number, float(match["s"]), {}, False)
    elif reading.open is not None:
        reading.events[reading.open][-1].add(line)
    elif (match := _LETTERS.fullmatch(stripped)) is not None and (
        match["path"] or match["progress"] or reading.letters or len(stripped) > 1
    ):
        reading.letters += match["letters"]
        reading.done = match["progress"] == "[100%]"
        if match["path"]:
            reading.files[match["path"]] = None
    elif (match := re.match(r"(\S+\.py) [.FEsxXR]", stripped)) is not None:
        reading.files[match[1]] = None  # its letters stand between what the tests printed


def _name(reading: _Reading, node: str, tokens: list[tuple[int, str]]) -> None:
    """A line begins with a test."""
    if node not in reading.events and len(reading.events) >= MAX_TESTS:
        reading.unnamed += 1
        reading.open = None
        return
    events = reading.events.setdefault(node, [])
    if events and (not events[-1].tokens or len(events) >= MAX_EVENTS):
        events[-1].tokens = events[-1].tokens[-MAX_EVENTS:] + tokens
    else:
        events.append(Event(tokens))
    reading.open = node


def _head(reading: _Reading, line: str) -> bool:
    if reading.versions is None and (match := _VERSIONS.match(line)) is not None:
        reading.versions = match
    elif reading.timeout_s is None and (match := _TIMEOUT.fullmatch(line)) is not None:
        if match["session"] is None:
            reading.timeout_s = float(match["s"])
    elif (match := _COLLECTED.fullmatch(line)) is not None:
        selected = _SELECTED.search(match["more"] or "")
        reading.collected = int(selected[1] if selected else match["all"] or match["split"])
    else:
        return False
    return True


def _read_section(reading: _Reading, line: str) -> None:
    """A line of what pytest prints after the tests."""
    if (match := _DURATION.fullmatch(line)) is not None and "duration" in reading.section:
        reading.times.setdefault(match["node"].strip(), {})[match["phase"]] = float(match["s"].replace(",", "."))
    elif reading.section.startswith("short") and (match := _SHORT.fullmatch(line)) is not None:
        reading.short.setdefault(match["word"].lower(), set()).add(match["node"])
        if match["why"] is not None and _BY_TIMEOUT.match(match["why"]):
            reading.by_timeout.add(match["node"])
    elif _SUBSECTION.fullmatch(line) is not None:
        reading.quoted = _CAPTURED.fullmatch(line) is not None
        reading.summary = None
    elif line.startswith("E ") and _BY_TIMEOUT.search(line) and not reading.quoted:
        reading.timeouts += 1


def _log_of(reading: _Reading) -> PytestLog:
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


def _doubt_the_summary(reading: _Reading, outcomes: dict[str, str | None]) -> None:
    """A last line that may be a test's own output counts only if it says what the tests say."""
    assert reading.summary is not None  # noqa: S101 - the caller looked
    counts = reading.summary[2]
    seen = list(outcomes.values()) or [LETTERS[letter] for letter in reading.letters]
    if not seen or any(counts.get(word, 0) != seen.count(word) for word in ("passed", "failed", "skipped")):
        reading.summary = None


def _problems(text: str, log: PytestLog, reading: _Reading, file: str) -> list[Problem]:
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
