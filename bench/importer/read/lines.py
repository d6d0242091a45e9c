"""A log of pytest, line by line: what is known so far, and what the next line adds to it (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bench.importer.read.tests import Event, start_of, worker_outcome

_WORDS = {"errors": "error", "reruns": "rerun", "warnings": "warning"}
_COUNTS = r"(?P<counts>no tests ran|\d+ [a-z][a-z ]*(?:, \d+ [a-z][a-z ]*)*)"
SUMMARY = re.compile(rf"(?:=+ )?{_COUNTS} in (?P<s>\d+(?:\.\d+)?)(?:s| seconds)(?: \([\d:]+\))?(?: =+)?", re.ASCII)
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


@dataclass(slots=True)
class Reading:
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


def read_line(reading: Reading, number: int, line: str) -> None:
    """Add what a line holds to what is known so far.

    Args:
        reading: what is known so far; changed in place.
        number: the line's number, from 1 on.
        line: its text without terminal sequences.
    """
    stripped = line.strip()
    if (match := SUMMARY.fullmatch(stripped)) is not None:
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


def _read_session(reading: Reading, number: int, line: str) -> None:
    """A line of the session's part: the header, and the tests one after the other."""
    if (event := worker_outcome(line)) is not None or (event := start_of(line)) is not None:
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


def _name(reading: Reading, node: str, tokens: list[tuple[int, str]]) -> None:
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


def _head(reading: Reading, line: str) -> bool:
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


def _read_section(reading: Reading, line: str) -> None:
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


def counts_of(text: str) -> dict[str, int]:
    """Return the number by outcome of a summary's words: ``1 failed, 2 passed``."""
    found: dict[str, int] = {}
    for count, word in _COUNT.findall(text):
        name = _WORDS.get(word.strip(), word.strip())
        found[name] = found.get(name, 0) + int(count)
    return found
