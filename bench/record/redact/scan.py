"""Where a text may hold a secret: one fast look at all of it, so that the exact rules see a few lines only (pure).

Each rule names a gate: an expression without look-around that occurs wherever the rule finds something. One automaton
searches all gates at once, in time that is linear in the text whatever stands in it (RE2). The exact rules then run on
windows of whole lines around what was found.

A library of detectors was tried for the rules themselves: detect-secrets 1.5.0. It answers with values and not with
places, line by line, at a seventh or less of the speed; it imports `requests` (half a second, longer than this tool's
start); and of the 229 forms of `docs/redaction.md` it finds 27. So nothing of ours could go for it.
`benchmarks/redaction/speed.py --detectors` counts again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import re2

Redact = Callable[[bytes], bytes]

_BEFORE, _BEHIND = 1 << 10, 1 << 13
_MOST = 1 << 20
_CHUNK, SAMPLE = 1 << 18, 1 << 12
LARGE = 1 << 16
"""Bytes of a text from which on it is worth to look at its lines at once."""
# Where a gate reaches into the next line, or a line ends as one does whose value follows: bytes of the next lines.
_BELOW = 1 << 12
_OPEN = frozenset((b":", b"=", b"|", b">", b"-", b"(", b"[", b"{", b",", b'"', b"'", b"+"))
_TAIL = 64
_UP_TO = re.compile(rb"\{([01]),[0-9]+\}")


def mark(kind: str) -> str:
    """The mark that stands where a secret of that kind stood."""
    return f"[redacted:{kind}]"


def hidden(match: re.Match[bytes], group: str | int, kind: str) -> bytes:
    """Return what was matched with a mark in place of one group.

    Args:
        match: where a rule found something.
        group: the group that holds the secret.
        kind: what the mark calls it.
    """
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + mark(kind).encode() + match[0][end:]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing that is looked for: where it may be (``gate``), and the text without it (``redact``)."""

    gate: bytes
    redact: Redact


def rule(
    kind: str,
    gate: bytes | Iterable[bytes],
    pattern: bytes,
    accept: Callable[[re.Match[bytes]], bool] | None = None,
) -> Rule:
    """A rule that replaces the group ``secret`` of a pattern, or all of the match if it has no such group.

    Args:
        kind: what stands in the mark.
        gate: an expression of RE2, or literals of which one occurs in each match.
        pattern: what is looked for.
        accept: whether a match is a secret; each is without it.
    """
    whole = gate if isinstance(gate, bytes) else b"|".join(map(re.escape, gate))
    compiled = re.compile(pattern)
    group: str | int = "secret" if "secret" in compiled.groupindex else 0

    def replace(match: re.Match[bytes]) -> bytes:
        if match[group].startswith(b"[redacted") or not match[group] or (accept is not None and not accept(match)):
            return match[0]
        return hidden(match, group, kind)

    return Rule(whole, lambda text: compiled.sub(replace, text))


class Rules:
    """Rules in their order, and the search for where they apply."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)

    def redact(self, data: bytes) -> bytes:
        """``data`` without what any rule finds; the same object if none finds anything."""
        parts: list[bytes | memoryview] = []
        done, view = 0, memoryview(data)
        for since, until in self._windows(data):
            start, end = max(since, done), until
            if end <= start:  # a window before it grew and took it in
                continue
            text = data[start:end]
            made = self._redact_window(text)
            while made[-_TAIL:] != text[-_TAIL:] and end < len(data) and data[end - 1 : end] != b"\n":
                # A value that reaches the window's end may go on behind it.
                end = _line_end(data, end, 2 * (end - start))
                text = data[start:end]
                made = self._redact_window(text)
            if made != text:
                parts += [view[done:start], made]
                done = end
        return data if not parts else b"".join([*parts, view[done:]])

    def places(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where a rule may find something."""
        return self._spans(data)

    def _redact_window(self, text: bytes) -> bytes:
        waiting = [*self._set(text)]
        while waiting:
            at = waiting.pop(0)
            made = self.rules[at].redact(text)
            if made != text:  # beside a mark a word may stand that was part of a longer one before
                waiting = [each for each in self._set(made) if each > at]
            text = made
        return text

    def _windows(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Spans of whole lines that hold a gate, in order; of very long lines a part."""
        first = last = -1
        for start, end in self._spans(data):
            if start >= last or end > last:
                to = _line_end(data, end, _BEHIND)
                if data.find(b"\n", start, end) >= 0 or data[max(start, to - 9) : to].rstrip()[-1:] in _OPEN:
                    to = _line_end(data, to + _BELOW, _BEHIND)
                since = max(0, start - _BEFORE)
                since = max(since, data.rfind(b"\n", since, start) + 1)
                # A window ends where the next line begins, if it is large and nothing reaches into that line.
                if since > last or (since == last and since - first > _MOST):
                    if last >= 0:
                        yield first, last
                    first = since
                last = max(last, to)
        if last >= 0:
            yield first, last

    @cached_property
    def _spans(self) -> Callable[[bytes], Iterator[tuple[int, int]]]:
        # Fixed words first: at a place where one stands, no longer gate is followed to its end.
        gates = sorted((each.gate for each in self.rules), key=lambda gate: b"{" in gate)
        return spans(b"|".join(b"(?:" + gate + b")" for gate in gates))

    @cached_property
    def _set(self) -> Callable[[bytes], Sequence[int]]:
        """Which rules' gates a text holds, in the rules' order."""
        found = re2.Set.SearchSet(_options())
        for each in self.rules:
            found.Add(_unbounded(each.gate))
        found.Compile()
        return lambda text: sorted(found.Match(text) or ())


def spans(gate: bytes) -> Callable[[bytes], Iterator[tuple[int, int]]]:
    """A function that finds the spans of an expression of RE2 in a text, from left to right."""
    found = automaton(_unbounded(gate))
    return lambda data: (match.span() for match in found.finditer(data))


def automaton(expression: bytes) -> Any:
    """An expression of RE2."""
    return re2.compile(expression, _options())


def chunks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Whole lines, some at once: where they begin, where they end, and where the first of them do, a sample of all."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", min(len(data), start + _CHUNK)) + 1 or len(data)
        yield start, end, min(end, start + SAMPLE)
        start = end


def _unbounded(gate: bytes) -> bytes:
    """A gate without the bounds of the rule that it is made of: an automaton counts them in states, for nothing."""
    return _UP_TO.sub(lambda match: b"+" if match[1] == b"1" else b"*", gate)


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.log_errors = False
    options.max_mem = 64 << 20
    return options


def _line_end(data: bytes, position: int, most: int) -> int:
    """Behind the line in which a position lies, at most so many bytes away."""
    position = min(position, len(data))
    found = data.find(
        b"\n", max(0, position - 1) if data[position - 1 : position] == b"\n" else position, position + most
    )
    return found + 1 if found >= 0 else min(len(data), position + most)
