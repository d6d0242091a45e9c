"""Secrets that XML, HTML and lists of variables name: elements, properties, pairs of a name and a value (pure).

Here is also quoted text of programs, JSON, XML and addresses as a pattern.
"""

from __future__ import annotations

import re

from bench.record.redact.names import HINTS, is_secret_name, kind_of_name
from bench.record.redact.scan import rule

MARKS = rb"\"{3}|'{3}|[\"']|&quot;|&#34;|&#x22;|&apos;|&#39;|&#x27;|%2[27]|\\u002[27]|\\x2[27]"
"""What opens and closes a quotation: in XML also entities, in an address and in JSON also codes."""

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
# Up to the value, also if it is on a line below.
_END_GATE = rb"(?:" + _QUOTE + rb")?(?:\s{0,9},?\s{0,40})?"
_HINT = rb"(?i:" + b"|".join(HINTS) + rb")"
_SECRET = QUOTED.replace(b"P<quoted>", b"P<secret>")
# `<password>…</password>`, also if it is text within XML.
_ELEMENT = (
    rb"(?:<|&lt;)(?P<name>[\w.:-]{1,80}+)(?:[ \t](?:(?!&[lg]t;)[^<>]){0,400}+)?(?:>|&gt;)(?:<!\[CDATA\[)?\s{0,200}+"
    rb"(?P<secret>(?:(?!&lt;|\]\]>)[^<]){1,4000}+)(?=<|&lt;|\]\]>)"
)
# `name="password" value="…"`, `{"name": "DB_PASSWORD", "value": "…"}`, with at most four other attributes between.
_NAMED = (
    rb"\b(?i:name|key)(?:" + _QUOTE + rb")?\s{0,20}+[:=]\s{0,20}+(?:" + _QUOTE + rb")?(?P<name>[\w.:-]{1,80}+)"
    rb"(?:" + _QUOTE + rb")?"
)
_VALUED = rb"\b(?i:value|content)(?:" + _QUOTE + rb")?\s{0,20}+[:=]\s{0,20}+" + _SECRET
_OTHERS = rb"(?:[a-z]{1,20}=\"[^\"<>\r\n]{0,60}\"\s{0,20}+){0,4}"
# `<td>password</td><td>…</td>`, `<dt>API key</dt>\n<dd>…</dd>`.
_CELLS = (
    rb"<(?P<cell>td|th|dt|b|strong|label)\b[^<>\r\n]{0,200}>\s{0,20}"
    rb"(?P<name>[A-Za-z][\w .-]{1,60}?):?\s{0,20}</(?P=cell)>"
    rb"\s{0,200}+(?:<(?:td|dd|span|code)\b[^<>\r\n]{0,200}>\s{0,20}+){1,2}(?P<secret>[^<>\r\n]{1,400}+)<"
)
# `<input type="password" … value="…">`, in either order.
_INPUT = (
    rb"<input\s(?=[^<>\r\n]{0,400}\btype=[\"']?(?i:password)\b)"
    rb"[^<>\r\n]{0,400}?\bvalue=[\"'](?P<secret>[^\"'<>\r\n]{1,400}+)"
)
# A field of a form as it is posted.
_FIELD = rb"form-data;[ \t]{0,9}name=\"(?P<name>[\w.-]{1,80}+)\"[^\r\n]{0,200}+\r?\n\r?\n(?P<secret>[^\r\n]{1,4000}+)"


def _is_secret(match: re.Match[bytes]) -> bool:
    name = match["name"].decode("ascii", "replace").replace(" ", "_")
    return bool(match["secret"].strip()) and (
        kind_of_name(name) is not None or (name.isupper() and is_secret_name(name))
    )


_NAME_GATE = rb"[\w.:-]{0,40}" + _HINT + rb"[\w.:-]{0,40}"

MARKUP = (
    rule("name", rb"(?:<|&lt;)" + _NAME_GATE + rb"(?:(?:>|&gt;)\s{1,40})?", _ELEMENT, _is_secret),
    rule(
        "name",
        rb"(?i:name|key)(?:" + _QUOTE + rb")?\s{0,9}[:=]\s{0,9}(?:" + _QUOTE + rb")?" + _NAME_GATE + _END_GATE,
        _NAMED + rb"\s{0,20}+,?\s{0,200}+(?:" + _QUOTE + rb")?" + _OTHERS + _VALUED,
        _is_secret,
    ),
    rule("name", rb"\"\s{1,9}(?i:name|key)=\"" + _NAME_GATE, _VALUED + rb"\"\s{1,20}+" + _OTHERS + _NAMED, _is_secret),
    rule("name", rb"</(?:td|th|dt|b|strong|label)>\s{0,200}<(?:td|dd|span|code)", _CELLS, _is_secret),
    rule("name", rb"(?i:type=[\"']?password)", _INPUT),
    rule("name", rb"form-data;[ \t]*name=\"" + _NAME_GATE + rb"\"[^\r\n]{0,80}\r?\n\r?\n", _FIELD, _is_secret),
)
"""Elements, properties, cells of tables and fields of forms whose name is a secret's."""
