"""Lines in which pytest names a test, and the word on how it ended among all that the test printed itself (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NAMES = {"XPASS": "xpassed", "XFAIL": "xfailed"}
_WORD = r"(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|RERUN)"
_REASON = r"(?: \(.*\))?"
_PROGRESS = r"(?:\[ *\d+%\]|\[ *\d+/\d+\]|\d+(?:\.\d+)?(?:us|ms|s|m|h)(?: \d+(?:\.\d+)?s)?)?"
_ALONE = re.compile(rf"\s*(?P<word>{_WORD}){_REASON}\s*{_PROGRESS}\s*")
_NEAR = re.compile(rf"^(?P<first>{_WORD})|(?P<last>{_WORD})\s*{_PROGRESS}\s*$")
_ANYWHERE = re.compile(_WORD)
_SUB = re.compile(r"SUB(?:PASS|FAIL|SKIP|XFAIL)")
_PATH = re.compile(r"(?P<path>[^\s:]+\.[A-Za-z]\w{0,6})(?P<names>(?:::[^\s\[:]+)+)(?P<param>\[)?")
_WORKER = re.compile(rf"\[gw\d+\] (?:{_PROGRESS} )?\s*(?P<word>{_WORD}|SUB\w+(?:\[.*?\])?) (?P<node>\S.*)")
_MOST = 1000
_CERTAIN, _LIKELY, _POSSIBLE = 3, 2, 1


@dataclass(slots=True)
class Event:
    """One time that pytest named a test: the words that may be its outcome, each with how certain that is."""

    tokens: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Look for the outcome in a further line of the test's."""
        self.tokens += _tokens(line)
        if len(self.tokens) > _MOST:
            best = max(self.tokens[:-1], key=lambda token: token[0])
            self.tokens = [best, self.tokens[-1]]


def start_of(line: str) -> tuple[str, list[tuple[int, str]]] | None:
    """Return the test that a line begins with, and what the rest of the line may hold of its outcome."""
    match = _PATH.match(line)
    if match is None:
        return None
    end = match.end() if match["param"] is None else _end_of_brackets(line, match.end() - 1)
    if end is None:
        return None
    rest = line[end:]
    if rest and not rest[0].isspace():
        return None
    rest = re.sub(r"^ <- \S+", "", rest).strip()
    if _SUB.match(rest):
        return line[:end], [(_POSSIBLE, "SUB")]
    return line[:end], _tokens(rest)


def worker_outcome(line: str) -> tuple[str, list[tuple[int, str]]] | None:
    """Return the test and its outcome of a line of pytest-xdist's: ``[gw0] [ 50%] PASSED test_x.py::test_y``."""
    match = _WORKER.fullmatch(line.strip())
    if match is None:
        return None
    word = match["word"]
    return match["node"].strip(), [(_POSSIBLE, "SUB") if word.startswith("SUB") else (_CERTAIN, word)]


def outcome_of_events(events: Iterable[Event], but: str | None = None) -> str | None:
    """Return how a test ended: failed in any part, else an error (of its setup or teardown), else the last word on it.

    Args:
        events: each time that pytest named it.
        but: a word that is not pytest's here but the test's own.
    """
    words = []
    for event in events:
        told = [token for token in event.tokens if token[1] != but]
        best = max((certain for certain, _ in told), default=0)
        said = [word for certain, word in told if certain == best]
        if said and said[-1] not in ("RERUN", "SUB"):
            words.append(_NAMES.get(said[-1], said[-1].lower()))
    return next((word for word in ("failed", "error") if word in words), words[-1] if words else None)


def _tokens(text: str) -> list[tuple[int, str]]:
    if (match := _ALONE.fullmatch(text)) is not None:
        return [(_CERTAIN, match["word"])]
    if (match := _NEAR.search(text)) is not None:
        return [(_LIKELY, match["first"] or match["last"])]
    return [(_POSSIBLE, match[0]) for match in _ANYWHERE.finditer(text)]


def _end_of_brackets(line: str, start: int) -> int | None:
    """Where a test's parameters end: brackets within them are balanced, or the outcome follows."""
    depth = 0
    for at in range(start, len(line)):
        depth += {"[": 1, "]": -1}.get(line[at], 0)
        if depth <= 0 and line[at] == "]" and (at + 1 == len(line) or line[at + 1] == " "):
            return at + 1
    match = re.search(rf"\](?= (?:{_WORD})\b)", line[start:])
    return start + match.end() if match else None
