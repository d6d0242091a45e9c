"""One log, several sessions of pytest: appended one after the other, or a test's own pytest within (pure)."""

from __future__ import annotations

import re

_EVENT = re.compile(
    r"^(?:(?P<begins>=+ test session starts =+)"
    r"|(?P<ends>=+ (?:no tests ran|\d+ [a-z][a-z ]*(?:, \d+ [a-z][a-z ]*)*) in \d+(?:\.\d+)?(?:s| seconds)"
    r"(?: \([\d:]+\))? =+)"
    r"|(?P<quotes>-+ Captured [a-z ]+ -+)"
    r"|(?P<goes_on>=+ short test summary info =+|=+ [A-Z]+ =+|_+ \S.{0,300} _+))\s*$",
    re.MULTILINE | re.ASCII,
)
MAX_EVENTS = 2000


def sessions(text: str) -> list[str]:
    """Return the text of each session, with as many empty lines before it as lines stood there.

    A session that begins and ends within another (a test of a plugin runs pytest itself) is part of that one.
    """
    found = _events(text)
    if len(found) > MAX_EVENTS:
        return [text]
    starts: list[int] = []
    at = 0
    while at < len(found):
        if not found[at]["begins"]:
            at += 1  # the end of the session before, whose tests printed a last line like pytest's
            continue
        starts.append(found[at].start())
        at = _end(found, at) + 1
    if len(starts) < 2:
        return [text]
    parts = [(0 if at == 0 else start) for at, start in enumerate(starts)]
    ends = [*parts[1:], len(text)]
    return ["\n" * text.count("\n", 0, start) + text[start:end] for start, end in zip(parts, ends, strict=True)]


def _events(text: str) -> list[re.Match[str]]:
    """Beginnings and ends, but for those in what pytest quotes of a test's output."""
    found = []
    quoted = False
    for match in _EVENT.finditer(text):
        if match["quotes"] or match["goes_on"]:
            quoted = match["quotes"] is not None
        elif not quoted:
            found.append(match)
    return found


def _end(found: list[re.Match[str]], begin: int) -> int:
    """The event that ends a session; its own beginning if it was cut off."""
    depth = 0
    for at in range(begin, len(found)):
        depth += 1 if found[at]["begins"] else -1
        if depth == 0:
            return at
    return begin
