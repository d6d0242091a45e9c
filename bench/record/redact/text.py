"""Text and records without their secrets, by name and by shape (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from bench.record.redact.entropy import redact_random
from bench.record.redact.literals import redact_literals
from bench.record.redact.marks import mark
from bench.record.redact.names import is_secret_name
from bench.record.redact.shapes import PRIVATE_KEY, PRIVATE_KEY_BODY, PRIVATE_KEY_END, SHAPES
from bench.record.schema import Record

_HARMLESS_VALUE = re.compile(
    rb"(?i)(?:none|null|true|false|str|int|bytes|bool|float|object|any|optional|required|missing"
    rb"|\*+|\.\.\.|<[\w .-]*>|\[redacted[^\]]*\]?)"
)
# An upper-case assignment, as a shell, an env file or printenv writes it: the rest of the line is the value.
_ENV_LINE = re.compile(
    rb"(?m)^(?P<name>[ \t]*(?:export |ENV |set |declare -x |\+ )?(?P<bare>[A-Z][A-Z0-9_]*)=)(?P<value>[^\r\n]+)",
)
# The same inside a string of JSON.
_ENV_ESCAPED = re.compile(
    rb"(?P<name>(?<=\\n)(?P<bare>[A-Z][A-Z0-9_]{0,99})=)(?P<value>(?:[^\r\n\\\"]|\\[^n\r\n])+)",
)
_STRONG = (
    rb"pass(?:word|wd|phrase|code)|secret|credential|pwd|token|api[_-]?key|access[_-]?key|private[_-]?key"
    rb"|signing[_-]?key|auth[_-]?key"
)
# The name's end, then `=` or `:` (also of JSON, TOML, YAML and Python's repr), then a quoted or a bare value.
_ASSIGNED = re.compile(
    rb"(?P<word>(?i:"
    + _STRONG
    + rb"|authtoken|_auth|\"auth\b)(?:[_-]?(?i:key|id|value|base64))?s?|(?:KEY|AUTH|PASS|DSN|COOKIE)(?![a-z]))"
    rb"(?P<tail>[\w.-]{0,40}\\?[\"']?\]?[ \t]{0,3}(?:=>|[:=])[ \t]{0,3})"
    rb"(?:\\?\"(?P<double>[^\"\r\n]*)\"|\\?'(?P<single>[^'\r\n]*)'|(?P<bare>[^\s\"',;&<>)}\]]+))",
)
_FOLLOWED = re.compile(rb"[a-z]{3}")
_NUMBER = re.compile(rb"[-+]?[0-9]{1,7}(?:\.[0-9]*)?(?:[a-z]{1,3})?")
_VARIABLE = re.compile(rb"[A-Za-z_]+(?:\.[A-Za-z_]+)*|[a-z]{1,9}\d{0,2}")
_SUBSCRIPT = re.compile(rb"[A-Za-z_]\[")
# Some word of _ASSIGNED; looking for these first keeps a large log fast.
_WORDS = (b"pass", b"secret", b"credential", b"pwd", b"token", b"key", b"auth", b"dsn", b"cookie")
_MAX_KEY = 65536


def redact_bytes(data: bytes, secrets: Collection[str] = ()) -> bytes:
    """Text in whatever encoding that contains ASCII, without its secrets.

    Args:
        data: the text; it need not be valid UTF-8.
        secrets: values that are replaced wherever they stand (:func:`secret_values`).
    """
    return redact_random(_redact_known(data, secrets), mark("random").encode())


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
    if b"=" in data:
        data = _ENV_ESCAPED.sub(_env_line, _ENV_LINE.sub(_env_line, data))
    for shape in SHAPES:
        if any(hint in data for hint in shape.hints):
            data = shape.pattern.sub(_replacer(shape.kind), data)
    return b"".join(map(_redact_assignments, data.splitlines(keepends=True)))


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


def _env_line(match: re.Match[bytes]) -> bytes:
    if not is_secret_name(match["bare"].decode("ascii")) or match["value"].startswith(b"[redacted"):
        return match[0]
    return match["name"] + mark("name").encode()


def _redact_assignments(line: bytes) -> bytes:
    lower = line.lower()
    return _ASSIGNED.sub(_assigned, line) if any(word in lower for word in _WORDS) else line


def _is_code(word: bytes, value: bytes) -> bool:
    """Whether an unquoted value is an expression of a program or a count (``tokens=5``, ``token = next(stream)``)."""
    if word.endswith((b"s", b"S")) and (_NUMBER.fullmatch(value) or word.islower()):
        return True
    if value[:1] in b"=([" or b"(" in value or _SUBSCRIPT.search(value):
        return True
    return word.lower() == b"token" and _VARIABLE.fullmatch(value) is not None


def _assigned(match: re.Match[bytes]) -> bytes:
    group = "double" if match["double"] is not None else "single" if match["single"] is not None else "bare"
    value = match[group]
    # `KeyError: …` and `tokenizer=…` are other words: what follows a name must not go on as a word.
    if (
        not value
        or _HARMLESS_VALUE.fullmatch(value)
        or value.startswith(b"[redacted")
        or _FOLLOWED.match(match["tail"])
    ):
        return match[0]
    if group == "bare" and _is_code(match["word"], value):
        return match[0]
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + mark("name").encode() + match[0][end:]
