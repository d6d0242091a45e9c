"""What may lie over a text and split a secret: codes of colours, and the zero bytes of UTF-16 (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable

Redact = Callable[[bytes], bytes]

# As a terminal takes them, and as JSON, Python and pytest's JUnit report write them.
_COLOUR = re.compile(rb"(?:\x1b|\\x1b|\\u001b|\\033|#x1B)\[[0-9;?]{0,20}[A-Za-z]")
_WIDE = re.compile(rb"\0?(?:[\t\n\r -~]\0){8,}+[\t\n\r -~]?")


def redact_layered(data: bytes, redact: Redact) -> bytes:
    """``data`` after ``redact``, which sees it without colours and without zero bytes too.

    A text in which something is found without its colours loses them. Of UTF-16 the runs of ASCII are looked
    at, in either byte order; they stay what they are.
    """
    # Without colours first: a code must not be taken for the value.
    found = _redact_plain(data, redact)
    data = redact(data) if found is None else found
    if b"\0" in data:
        data = _WIDE.sub(lambda match: _redact_wide(match[0], redact), data)
    found = _redact_plain(data, redact)
    return data if found is None else found


def _redact_plain(data: bytes, redact: Redact) -> bytes | None:
    """The redacted text without its colours; ``None`` where it has none or nothing was found so."""
    if b"[" not in data or _COLOUR.search(data) is None:
        return None
    # Twice: highlighting may stand within an escape that source code shows.
    plain = _COLOUR.sub(b"", _COLOUR.sub(b"", data))
    redacted = redact(plain)
    return None if redacted == plain else redacted


def _redact_wide(run: bytes, redact: Redact) -> bytes:
    narrow = run.replace(b"\0", b"")
    redacted = redact(narrow)
    if redacted == narrow:
        return run
    lead, tail = (b"\0" * run.startswith(b"\0")), (b"\0" * run.endswith(b"\0"))
    return lead + b"\0".join(bytes((byte,)) for byte in redacted) + tail
