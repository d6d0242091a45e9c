"""Text and records without their secrets, by name and by shape (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from bench.record.redact.assigned import redact_assigned
from bench.record.redact.entropy import redact_random
from bench.record.redact.layers import redact_layered
from bench.record.redact.literals import redact_literals
from bench.record.redact.marks import mark
from bench.record.redact.markup import redact_markup
from bench.record.redact.names import is_secret_name
from bench.record.redact.shapes import PRIVATE_KEY, PRIVATE_KEY_BODY, PRIVATE_KEY_END, SHAPES
from bench.record.schema import Record

_MAX_KEY = 65536


def redact_bytes(data: bytes, secrets: Collection[str] = ()) -> bytes:
    """Text in whatever encoding that contains ASCII, without its secrets.

    Args:
        data: the text; it need not be valid UTF-8.
        secrets: values that are replaced wherever they stand (:func:`secret_values`).
    """
    random = mark("random").encode()
    return redact_layered(data, lambda text: redact_random(_redact_known(text, secrets), random))


def redact_text(text: str, secrets: Collection[str] = ()) -> str:
    """:func:`redact_bytes` for a string."""
    data = text.encode("utf-8", "surrogatepass")
    redacted = redact_bytes(data, secrets)
    return text if redacted == data else redacted.decode("utf-8", "replace")


def redact_record(record: Record, secrets: Collection[str] = ()) -> Record:
    """A record whose strings hold no secret; identities (ids, stamps, digests, commits) stay as they are."""
    document = msgspec.to_builtins(record)
    return msgspec.convert({key: _walk(key, value, secrets) for key, value in document.items()}, Record)


# Keys of the schema that only look like a secret's name.
_SCHEMA_KEYS = frozenset(("signature",))
# What names a thing is a hash by right: known shapes are looked for there, random strings are not.
_IDENTITIES = frozenset(
    ("id", "stamp", "schema", "digest", "base", "lock_sha256", "fingerprint", "commit", "sha256", "reproduces")
)


def _walk(key: str, value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {_known_text(name, secrets): _walk(name, inner, secrets) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(key, inner, secrets) for inner in value]
    if not isinstance(value, str):
        return value
    if value and is_secret_name(key) and key not in _SCHEMA_KEYS:
        return mark("name")
    if key in _IDENTITIES:
        return _known_text(value, secrets)
    return redact_text(value, secrets)


def _known_text(text: str, secrets: Collection[str]) -> str:
    return _redact_known(text.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")


def _redact_known(data: bytes, secrets: Collection[str]) -> bytes:
    """Everything but the rule for random strings."""
    data = redact_literals(data, secrets)
    data = _redact_private_keys(data)
    for shape in SHAPES:
        if any(hint in data for hint in shape.hints):
            data = shape.pattern.sub(_replacer(shape.kind), data)
    return redact_assigned(redact_markup(data))


def _replacer(kind: str) -> Callable[[re.Match[bytes]], bytes]:
    made = mark(kind).encode()

    def replace(match: re.Match[bytes]) -> bytes:
        if "secret" not in match.re.groupindex:
            return made
        if match["secret"].startswith(b"[redacted"):
            return match[0]
        start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
        return match[0][:start] + made + match[0][end:]

    return replace


def _redact_private_keys(data: bytes) -> bytes:
    """Private keys from BEGIN to END; where the end was cut off, as far as the text looks like a key's."""
    parts: list[bytes] = []
    position = 0
    end = PRIVATE_KEY_END.search(data)
    while (begin := PRIVATE_KEY.search(data, position)) is not None:
        if end is not None and end.start() < begin.end():
            end = PRIVATE_KEY_END.search(data, begin.end())
        whole = end is not None and end.end() <= begin.end() + _MAX_KEY
        body = PRIVATE_KEY_BODY.match(data, begin.end(), begin.end() + _MAX_KEY)
        parts += [data[position : begin.start()], mark("private-key").encode()]
        position = end.end() if end is not None and whole else body.end() if body is not None else begin.end()
    return data if not parts else b"".join([*parts, data[position:]])
