"""Known values, in every form in which a text may hold them (pure)."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable, Collection
from urllib.parse import quote, quote_plus

from bench.record.redact.scan import mark

_PERCENT = re.compile(r"%[0-9A-F]{2}")
_LEAST = 8
"""Characters from which on a value, or a form of it, is looked for at any place."""


def redact_literals(data: bytes, secrets: Collection[str]) -> bytes:
    """``data`` without the given values: plain, escaped (XML, JSON, Python, shell, address), in base64 or in hex."""
    made = mark("value").encode()
    for form in sorted({form for secret in secrets for form in forms(secret)}, key=lambda form: (-len(form), form)):
        data = data.replace(form, made)
    return data


def forms(secret: str) -> frozenset[bytes]:
    """What a value looks like once something escaped or encoded it; itself among them."""
    plain = _bytes(secret)
    texts = {secret}
    for _ in range(2):  # JSON within JSON, and JSON or a repr within XML
        texts |= {escape(text) for text in texts for escape in _ESCAPES}
    made = {_bytes(text) for text in texts}
    made |= {form for form in (*_base64_forms(plain), plain.hex().encode()) if len(form) >= _LEAST}
    return frozenset(made)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _json_unicode(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _url_lower(text: str) -> str:
    return _PERCENT.sub(lambda match: match[0].lower(), quote(text, safe="", errors="replace"))


_ESCAPES: tuple[Callable[[str], str], ...] = (
    _json,
    _json_unicode,
    lambda text: repr(text)[1:-1],
    lambda text: html.escape(text, quote=False),
    lambda text: html.escape(text, quote=False).replace('"', "&quot;"),
    html.escape,
    lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    lambda text: shlex.quote(text).removeprefix("'").removesuffix("'"),
    lambda text: quote(text, safe="", errors="replace"),
    lambda text: quote(text, errors="replace"),
    _url_lower,
    lambda text: quote_plus(text, errors="replace"),
)


def _base64_forms(plain: bytes) -> set[bytes]:
    """The characters of a base64 text that depend on the value alone, whatever stands before and after it."""
    made = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + plain)
        start, bits = -(-before * 8 // 6), (before + len(plain)) * 8
        core = encoded[start : bits // 6]
        made |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return made
