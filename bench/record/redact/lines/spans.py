"""Which parts of a line were hidden, told from the line and from what became of it (pure)."""

from __future__ import annotations

import re

Hidden = tuple[tuple[int, int, bytes], ...]
"""What is hidden in a line: from where to where, and what stands there instead."""
BELOW = b"\nZq7Xw2LkP0vBn4 and more\n  Zq7Xw2LkP0vBn4\n"
"""Values that a rule would hide if the line above went on below."""

_MARK = re.compile(rb"(\[redacted:[a-z0-9-]{1,40}\])")
_NO_WORD = re.compile(rb"[^0-9A-Za-z]{1,4}")


def hidden_of(line: bytes, redacted: bytes) -> Hidden | None:
    """What was hidden in a line; ``None`` if that cannot be told from what became of it."""
    if redacted == line:
        return ()
    kept = _MARK.split(redacted)
    if not line.startswith(kept[0]) or not line.endswith(kept[-1]):
        return None
    position, found = len(kept[0]), []
    texts = kept[2::2]
    instead = b""
    for number, (mark, text) in enumerate(zip(kept[1::2], texts, strict=True), 1):
        instead += mark
        is_last = number == len(texts)
        end = len(line) - len(text) if is_last else line.find(text, position + 1)
        if end <= position:
            return None
        # What stands between two marks must stand in the line once, or nobody knows where a secret ends.
        if not is_last and not (text and line.find(text, end + 1) < 0):
            if text and not _NO_WORD.fullmatch(text):
                return None
            instead += text  # both marks for all of it
            continue
        found.append((position, end, instead))
        position, instead = end + len(text), b""
    return tuple(found)
