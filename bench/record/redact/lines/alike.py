"""Lines that are alike but for their digits: judged once, since a log repeats itself (pure).

A log in which every line names something that may be a secret costs the rules a look at each. But programs write such
lines by one form, in which numbers change. A rule treats all digits as one class, with few exceptions that
:data:`_TELLING` names. So a line whose form was judged is not judged again: what was hidden in the first is hidden in
each. Only lines that can be judged alone are: nothing in them reaches into the line below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence

from bench.record.redact.lines.spans import BELOW, Hidden, hidden_of
from bench.record.redact.scan import LARGE, chunks

_ZEROES = bytes.maketrans(b"123456789", b"000000000")
_SPARSE = 8
"""Lines a place: of fewer places the rules look at little anyway."""
_REPEATED = 6
"""Lines of a chunk that must be alike, for their form to be judged."""
_MOST_FORMS = 1 << 13
_LONGEST = 1 << 10
# What lies below a line that is shown to the rules is shown to them too, so far, and some lines above.
_BELOW = 1 << 13
_ABOVE = 3

# A form in which a digit may be more than a digit: codes of characters, numbers of cards, keys with a number in their
# prefix, the names of hashes and programs, tables and elements.
_TELLING = re.compile(
    rb"[%&#$\\][A-Za-z{]{0,3}0|0{14}|0{4}[ -]0{4,6}[ -]0{4}|0//0|ya00|[fq]0|(?<!/)v0|_v0|r0_|0x|fo0_|fm0|KEY-0|0z"
    rb"|(?i:argon|pbkdf|sha|md)-?0|[|<\0\r]|\xe2\x94|\xe2\x95|form-data"
)
_TABLE = re.compile(rb"[|<\0\r]|\xe2\x94|\xe2\x95|form-data")
# The end of a line that may go on below: its last words, or the last sign.
_GOES_ON = re.compile(
    rb"(?i:pass|secret|cred|pw|pswd|token|key|auth|dsn|cookie|sess|jwt|pat|bearer|basic|connection|kennwort|geheim|contrase"
    rb"|clave|mdp|passe|login|machine|default|account|user|by|is|was)[\w.-]{0,40}[\"':,=]{0,3}(?:\s+\S+){0,2}\s*$"
    rb"|[^\w.%)\]}]\s*$|^\s*$|^[0-9A-Za-z.)\s]{0,12}$"
)
_AT_END = re.compile(rb"\[redacted:[a-z0-9-]{1,40}\]\S{0,4}(?:\s+\S+){0,2}\s*$")

Redact = Callable[[bytes], bytes]


class Alike:
    """A way to redact texts that judges lines by their form.

    Args:
        redact: what redacts a text of any lines.
        places: where a text may hold something, as spans; if that is seldom, nothing is gained here.
    """

    def __init__(self, redact: Redact, places: Callable[[bytes], Iterator[tuple[int, int]]]) -> None:
        self._redact = redact
        self._places = places
        self._known: dict[bytes, Hidden | None] = {}

    def redact(self, data: bytes) -> bytes:
        """Return ``data`` as ``redact`` makes it; the same object if nothing is found."""
        if len(data) < LARGE:
            return self._redact(data)
        made = bytearray()  # a list of lines would take three times the text
        changed, start, until = False, 0, 0
        for first, last, hidden in self._stretches(data):
            if hidden is None:
                until = last
                continue
            if until > start:
                changed = self._look(data[start:until], made) or changed
            start = until = last
            made += _without(data[first:last], hidden)
            changed = changed or bool(hidden)
        if start == 0 and until == len(data):
            return self._redact(data)
        if until > start:
            changed = self._look(data[start:until], made) or changed
        return bytes(made) if changed else data

    def _look(self, text: bytes, made: bytearray) -> bool:
        """Append a text as the rules make it; returns whether it is another."""
        redacted = self._redact(text)
        made += redacted
        return redacted != text

    def _stretches(self, data: bytes) -> Iterator[tuple[int, int, Hidden | None]]:
        """Stretches of ``data`` in order: what is hidden in each, ``None`` if the rules must look at it."""
        owed = 0  # bytes below a line that is not known
        for start, end, sampled in chunks(data):
            if not self._is_dense(data[start:sampled]):
                owed = _BELOW
                yield start, end, None
                continue
            lines = data[start:end].split(b"\n")
            forms = data[start:end].translate(_ZEROES).split(b"\n")
            self._learn(forms, lines)
            found = [self._known.get(form) for form in forms]
            unknown = [at for at, one in enumerate(found) if one is None]
            if len(unknown) > len(found) // 2:
                owed = _BELOW
                yield start, end, None
            elif not unknown and not owed and not any(found):
                yield start, end, ()
            else:
                owed = yield from _mixed(start, end, lines, found, owed)

    def _is_dense(self, sample: bytes) -> bool:
        places = sum(1 for _ in self._places(sample))
        return _SPARSE * places > sample.count(b"\n")

    def _learn(self, forms: Sequence[bytes], lines: Sequence[bytes]) -> None:
        known = self._known
        for form, times in Counter(forms).most_common():
            if times < _REPEATED:
                return
            if form not in known:
                if len(known) >= _MOST_FORMS:
                    return
                known[form] = self._judge(lines[forms.index(form)], form)

    def _judge(self, line: bytes, form: bytes) -> Hidden | None:
        if not line:
            return ()
        if _TELLING.search(form) or (_reaches_below(line) and not self._is_done(line)):
            return None
        hidden = hidden_of(line, self._redact(line + b"\n")[:-1])
        other = bytes(byte if not 48 <= byte <= 57 else 48 + (at * 7 + byte) % 10 for at, byte in enumerate(line))
        return hidden if hidden == hidden_of(other, self._redact(other + b"\n")[:-1]) else None

    def _is_done(self, line: bytes) -> bool:
        """Whether the value is on the line, hidden by now, and none is looked for below it."""
        return len(line) <= _LONGEST and _AT_END.search(line) is not None and self._redact(line + BELOW) == line + BELOW


def _reaches_below(line: bytes) -> bool:
    """Whether more than the line is needed to judge it."""
    return len(line) > _LONGEST or _TABLE.search(line) is not None or _GOES_ON.search(line) is not None


def _mixed(
    start: int, end: int, lines: Sequence[bytes], found: list[Hidden | None], owed: int
) -> Generator[tuple[int, int, Hidden | None], None, int]:
    """The stretches of a chunk of which some lines are known; returns what is owed to the next one."""
    for at in [at for at, one in enumerate(found) if one is None]:
        for above in range(max(0, at - _ABOVE), at):
            found[above] = None
    position = first = start
    for line, hidden in zip(lines, found, strict=True):
        last = min(end, position + len(line) + 1)
        if hidden is None or owed > 0:
            if first < position:
                yield first, position, ()
            yield position, last, None
            owed = _BELOW if hidden is None and _reaches_below(line) else owed - (last - position)
            first = last
        elif hidden:
            if first < position:
                yield first, position, ()
            yield position, last, hidden
            first = last
        position = last
    if first < end:
        yield first, end, ()
    return max(0, owed)


def _without(line: bytes, hidden: Hidden) -> bytes:
    for start, end, mark in reversed(hidden):
        line = line[:start] + mark + line[end:]
    return line
