"""Quoted text of programs, JSON and XML, as a pattern (pure data)."""

from __future__ import annotations

import re

MARKS = rb"\"{3}|'{3}|[\"']|&quot;|&#34;|&#x22;|&apos;|&#39;|&#x27;"
"""What opens and closes a quotation; in XML quotes are entities, also within an attribute."""

QUOTED = (
    rb"(?:[bBrRuUfF]{1,2}(?=[\\\"'&]))?(?P<escape>\\+)?(?P<mark>"
    + MARKS
    + rb")(?P<quoted>(?:(?!(?(escape)(?P=escape))(?P=mark))"
    rb"(?:\\+[^\r\n]|[^\\\r\n]))*+)"
)
"""A quotation up to the mark that closes it, or to the line's end. A mark that is escaped once more than the first is
part of it. Groups ``escape``, ``mark`` and ``quoted``."""

QUOTATION = re.compile(QUOTED)
