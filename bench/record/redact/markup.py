"""Secrets that XML, HTML and lists of variables name: elements, properties, pairs of a name and a value (pure).

Here are also the mark that stands where a secret stood, and quoted text of programs, JSON and XML as a pattern.
"""

from __future__ import annotations

import re

from bench.record.redact.names import is_secret_name, kind_of_name

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

_QUOTE = rb"\\{0,7}(?:" + MARKS + rb")"
# `<password>…</password>`, also where it is text within XML.
_ELEMENT = re.compile(
    rb"(?:<|&lt;)(?P<name>[\w.:-]{1,80}+)(?:[ \t](?:(?!&[lg]t;)[^<>]){0,400}+)?(?:>|&gt;)(?:<!\[CDATA\[)?"
    rb"(?P<value>(?:(?!&lt;)[^<]){1,4000}+)(?=<|&lt;)"
)
# `name="password" value="…"`, `{"name": "DB_PASSWORD", "value": "…"}`.
_PROPERTY = re.compile(
    rb"\b(?i:name|key)(?:"
    + _QUOTE
    + rb")?\s{0,20}+[:=]\s{0,20}+(?:"
    + _QUOTE
    + rb")?(?P<name>[\w.-]{1,80}+)(?:"
    + _QUOTE
    + rb")?\s{0,20}+,?\s{0,200}+(?:"
    + _QUOTE
    + rb")?(?i:value|content)(?:"
    + _QUOTE
    + rb")?\s{0,20}+[:=]\s{0,20}+"
    + QUOTED
)


def mark(kind: str) -> str:
    """The mark of a kind of secret."""
    return f"[redacted:{kind}]"


def redact_markup(data: bytes) -> bytes:
    """``data`` without the content of elements and properties whose name is a secret's."""
    if b"</" in data or b"&lt;/" in data:
        data = _ELEMENT.sub(_element, data)
    return _PROPERTY.sub(_property, data) if b"alue" in data or b"ontent" in data else data


def _is_secret(name: bytes) -> bool:
    text = name.decode("ascii", "replace")
    return kind_of_name(text) is not None or is_secret_name(text)


def _element(match: re.Match[bytes]) -> bytes:
    value = match["value"].strip()
    if not value or value.startswith(b"[redacted") or kind_of_name(match["name"].decode("ascii", "replace")) is None:
        return match[0]
    return match[0][: match.start("value") - match.start()] + mark("name").encode()


def _property(match: re.Match[bytes]) -> bytes:
    if not match["quoted"] or match["quoted"].startswith(b"[redacted") or not _is_secret(match["name"]):
        return match[0]
    return match[0][: match.start("quoted") - match.start()] + mark("name").encode()
