"""Text of a foreign file as its writer meant it: decoded, without colours, without a time before each line (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)?|[()*+][A-Za-z0-9]|[@-Z\\^_=>])"
)
_CLOCK = r"\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_PREFIX = re.compile(
    rf"(?:[A-Za-z][\w.-]{{0,60}}\s*\|\s)?"
    rf"(?:\[?\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?\]?|\[{_CLOCK}\]|{_CLOCK}"
    rf"|[A-Z][a-z]{{2}} [ \d]\d {_CLOCK})[ \t]?",
    re.ASCII,
)
"""What ``ts``, a container engine or a CI service writes before each line; never a progress in percent."""
_PIPED = re.compile(r"[A-Za-z][\w.-]{0,60}\s*\| ", re.ASCII)
_MOSTLY = 0.8


def decode(data: bytes) -> tuple[str, int | None]:
    """Return text of bytes, UTF-8 or UTF-16 as some shells write it, and the first line that is neither."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), None
    half = data[: 4096 & ~1]
    if len(half) >= 4 and half[1::2].count(0) > len(half) * 0.4 and b"\0" not in half[::2]:
        return data.decode("utf-16-le", "replace"), None
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("utf-8", "replace"), line


def is_text(data: bytes) -> bool:
    """Return whether the head of a file can be text."""
    head = data[:8192]
    return b"\0" not in head or decode(head)[0].count("\0") == 0


def cleaned(text: str) -> str:
    """Return the text without terminal sequences, and without the time or name that stands before all its lines."""
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\b" in text:
        text = text.replace("\b", "")
    text = text.replace("\r\n", "\n")
    for prefix in (_PREFIX, _PIPED):
        if _before_most(prefix, text):
            text = "\n".join(prefix.sub("", line, count=1) if prefix.match(line) else line for line in text.split("\n"))
            break
    return text


def rows(text: str) -> Iterator[tuple[int, str]]:
    """Return each line with its number; what a terminal would write over (after a carriage return) is a row of it."""
    start, number = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)]
        if "\r" in line:
            yield from ((number, part) for part in line.split("\r") if part)
        else:
            yield number, line
        start = len(text) if end < 0 else end + 1
        number += 1


def _before_most(prefix: re.Pattern[str], text: str) -> bool:
    head = [line for line in text[:65536].split("\n")[:500] if line.strip()]
    return len(head) >= 3 and sum(prefix.match(line) is not None for line in head) >= _MOSTLY * len(head)
