"""Random words in lines that are alike but for them, hidden in one pass, whatever stands before them (pure).

A log with another key behind ``Bearer`` or in an address in each line would be looked at line by line. Some lines of a
chunk tell its forms: a line with each longer word of letters and digits as one sign. A few of a form are shown to the
rules. If these hide the same of each, whole words, an expression made of the form hides it in all of the chunk. All
that is left is shown to the rules, so nothing is hidden less than by them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.record.redact.lines.spans import BELOW, Hidden, hidden_of
from bench.record.redact.scan import LARGE, SAMPLE, chunks

_PLACES = 3
"""Parts of a chunk that are looked at for its forms."""
_LINES = 8
_AGREE = 6
"""Lines of a form that are shown to the rules, and how many must hide the same; the others may hide less."""
_NEW, _MOST_FORMS = 4, 1 << 12
"""Forms that are judged of a chunk, and in all."""
_LONGEST = 1 << 10

_SIGN = b"\1"
_WORD = (
    rb"(?<![\w.+/~%-])(?:(?=[A-Za-z_.+/~-]{0,63}[0-9])(?=[0-9_.+/~-]{0,63}[A-Za-z])|(?=[A-Za-z_.+/~-]{0,63}[a-z][A-Z]))"
    rb"[A-Za-z0-9_.+/~-]{8,400}+(?:={1,2}(?![\w=]))?(?![\w%=])"
)
_WORDS = re.compile(_WORD)
_DIGITS = re.compile(rb"[0-9]+")

Redact = Callable[[bytes], bytes]
Place = tuple[int, int]
"""How many words end before it, and how many bytes behind the last of them, each number as one digit."""


@dataclass(frozen=True, slots=True)
class _Form:
    """Finds the lines of a form, and is what stands for each."""

    pattern: re.Pattern[bytes]
    made: bytes


class Tokens:
    """A way to hide random words by the lines that they stand in.

    Args:
        redact: what redacts a text of any lines.
    """

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._known: dict[bytes, _Form | None] = {}

    def redact(self, data: bytes) -> bytes:
        """Return ``data`` without such words; the same object if none is found."""
        if len(data) < LARGE:
            return data
        made = bytearray()
        done = 0
        for start, end, _ in chunks(data):
            forms = [*self._forms(data, start, end)]
            if forms:
                text = data[start:end]
                for form in forms:
                    text = form.pattern.sub(form.made, text)
                made += data[done:start]
                made += text
                done = end
        return bytes(made) + data[done:] if done else data

    def _forms(self, data: bytes, start: int, end: int) -> Iterator[_Form]:
        """What is known, or found out, of a chunk's commonest forms."""
        step = max(SAMPLE, (end - start) // _PLACES)
        parts = (data[at : min(end, at + SAMPLE)].split(b"\n")[1:-1] for at in range(start, end, step))
        lines = [line for part in parts for line in part if _SIGN not in line and len(line) <= _LONGEST]
        text = _WORDS.sub(_SIGN, b"\n".join(lines))
        forms = _DIGITS.sub(b"0", text).split(b"\n")
        new = 0
        for form, times in Counter(forms).most_common():
            if times < _AGREE:
                return
            if _SIGN not in form:
                continue
            if form not in self._known and new < _NEW and len(self._known) < _MOST_FORMS:
                new += 1
                of_form = [line for line, one in zip(lines, forms, strict=True) if one == form]
                self._known[form] = self._judge(form, of_form[:: len(of_form) // _LINES or 1][:_LINES])
            known = self._known.get(form)
            if known is not None:
                yield known

    def _judge(self, form: bytes, lines: Sequence[bytes]) -> _Form | None:
        """What nearly all of some lines hide, if that is whole words."""
        found = Counter(self._places(line) for line in lines)
        common, times = found.most_common(1)[0]
        if times < _AGREE or not common or not all(set(one or ()) <= set(common) for one in found):
            return None
        return _form_of(form, common)

    def _places(self, line: bytes) -> tuple[tuple[Place, Place, bytes], ...] | None:
        """What the rules hide in a line, told by its words; ``None`` if a part of a word, or something below it."""
        redacted = self._redact(line + BELOW)
        hidden: Hidden | None = hidden_of(line, redacted[: -len(BELOW)]) if redacted.endswith(BELOW) else None
        words = [match.span() for match in _WORDS.finditer(line)]
        whole = [*words, *(match.span() for match in _DIGITS.finditer(line))]
        if hidden is None or any(
            begin < place < stop for begin, stop in whole for start, end, _ in hidden for place in (start, end)
        ):
            return None
        return tuple((_place(line, start, words), _place(line, end, words), mark) for start, end, mark in hidden)


def _place(line: bytes, position: int, words: Sequence[tuple[int, int]]) -> Place:
    before = [end for _, end in words if end <= position]
    return len(before), len(_DIGITS.sub(b"0", line[before[-1] if before else 0 : position]))


def _form_of(form: bytes, hidden: Sequence[tuple[Place, Place, bytes]]) -> _Form:
    """The expression of a form, with a group for each part that is kept."""
    pattern, made = [rb"(?m)^("], [rb"\1"]
    begins = {start: mark for start, _, mark in hidden}
    ends = {end for _, end, _ in hidden}
    for number, text in enumerate(form.split(_SIGN)):
        if number:
            pattern.append(_WORD)
        for at in range(len(text) + 1):
            place = (number, at)
            if place in ends:
                pattern.append(b"(")
                made.append(b"\\g<%d>" % (pattern.count(b"(") + 1))
            if place in begins:
                pattern.append(b")")
                made.append(begins[place])
            pattern.append(b"[0-9]+" if text[at : at + 1] == b"0" else re.escape(text[at : at + 1]))
    return _Form(re.compile(b"".join([*pattern, rb")$"])), b"".join(made))
