"""Text and records without their secrets, by name and by shape (pure)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec

from bench.record import schema
from bench.record.redact.assigned import ASSIGNED
from bench.record.redact.calls import CALLS, FILES
from bench.record.redact.checked import CHECKED, PHRASES
from bench.record.redact.commands import COMMANDS
from bench.record.redact.entropy import redact_random
from bench.record.redact.lines.alike import Alike
from bench.record.redact.lines.tokens import Tokens
from bench.record.redact.lines.values import redact_values
from bench.record.redact.literals import redact_literals
from bench.record.redact.markup import MARKUP
from bench.record.redact.names import is_secret_pair, kind_of_name
from bench.record.redact.scan import Rules, mark
from bench.record.redact.shapes import PRIVATE_KEY, PRIVATE_KEY_BODY, PRIVATE_KEY_END, SHAPES
from bench.record.redact.spoken import SPOKEN
from bench.record.schema import Record

_Redact = Callable[[bytes], bytes]

# What may lie over a text and split a secret: codes of colours, and the zero bytes of UTF-16.
# Colours as a terminal takes them, and as JSON, Python and pytest's JUnit report write them.
_COLOUR = re.compile(rb"(?:\x1b|\\+(?:x1b|u001b|033)|#x1B)\[[0-9;?]{0,20}[A-Za-z]")
_COLOUR_SIGNS = (b"\x1b[", b"x1b[", b"u001b[", b"033[", b"#x1B[")
_WIDE = re.compile(rb"\0?(?:[\t\n\r -~]\0){8,}+[\t\n\r -~]?")
_MAX_KEY = 65536
RULES = Rules((*SHAPES, *COMMANDS, *FILES, *MARKUP, *CHECKED, *CALLS, *ASSIGNED, *SPOKEN))
OUT_BY_NAME = "the test gave it under a secret's name"
_ALIKE = Alike(RULES.redact, RULES.places)
_TOKENS = Tokens(RULES.redact)


def redact_bytes(data: bytes, secrets: Collection[str] = ()) -> bytes:
    """Text in whatever encoding that contains ASCII, without its secrets.

    Args:
        data: the text; it need not be valid UTF-8.
        secrets: values that are replaced wherever they stand (:func:`secret_values`).
    """
    random = mark("random").encode()
    return _redact_layered(data, lambda text: redact_random(_redact_known(text, secrets), random))


def _redact_layered(data: bytes, redact: _Redact) -> bytes:
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


def _redact_plain(data: bytes, redact: _Redact) -> bytes | None:
    """The redacted text without its colours; ``None`` if it has none or nothing was found so."""
    if not any(sign in data for sign in _COLOUR_SIGNS) or _COLOUR.search(data) is None:
        return None
    # Twice: highlighting may stand within an escape that source code shows.
    plain = _COLOUR.sub(b"", _COLOUR.sub(b"", data))
    redacted = redact(plain)
    return None if redacted == plain else redacted


def _redact_wide(run: bytes, redact: _Redact) -> bytes:
    narrow = run.replace(b"\0", b"")
    redacted = redact(narrow)
    if redacted == narrow:
        return run
    lead, tail = (b"\0" * run.startswith(b"\0")), (b"\0" * run.endswith(b"\0"))
    return lead + b"\0".join(bytes((byte,)) for byte in redacted) + tail


def redact_text(text: str, secrets: Collection[str] = ()) -> str:
    """:func:`redact_bytes` for a string."""
    data = text.encode("utf-8", "surrogatepass")
    redacted = redact_bytes(data, secrets)
    return text if redacted == data else redacted.decode("utf-8", "replace")


def redact_record(record: Record, secrets: Collection[str] = ()) -> Record:
    """A record whose strings hold no secret; identities (ids, stamps, digests, commits) stay as they are."""
    document, works = _apart(record)
    figures = _hidden_figures(document)
    redacted = {key: _walk(key, value, secrets) for key, value in document.items()}
    for (at, name), figure in figures.items():
        redacted["runs"][at]["metrics"][_known_text(name, secrets)] = figure
    for at, work in works.items():
        redacted["runs"][at]["work"] = _counts(work, secrets)
    return msgspec.convert(redacted, Record)


def _apart(record: Record) -> tuple[dict[str, Any], dict[int, Any]]:
    """A record's document, and apart from it what was counted in its runs, whose numbers no name makes a secret."""
    document = msgspec.to_builtins(record)
    runs = enumerate(document["runs"])
    return document, {at: run.pop("work") for at, run in runs if "work" in run}


def _hidden_figures(document: dict[str, Any]) -> dict[tuple[int, str], dict[str, Any]]:
    """Take out the figures that tests gave under a secret's name, by run and name: null, as a number holds no mark."""
    runs = document["runs"]
    hidden = [(at, name) for at, run in enumerate(runs) for name in run["metrics"] if kind_of_name(name) == "strong"]
    for at, name in hidden:
        if runs[at]["metrics"].pop(name)["value"] is not None:
            document["unavailable"][f"runs[{at}].metrics.{name}.value"] = OUT_BY_NAME
    return {place: {"value": None, "unit": "", "better": "none"} for place in hidden}


def _counts(value: Any, secrets: Collection[str]) -> Any:
    """Counts by the names of operators, modules and functions; a name may hold a secret that is known."""
    if isinstance(value, dict):
        return {_known_text(name, secrets): _counts(inner, secrets) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_counts(inner, secrets) for inner in value]
    return _known_text(value, secrets) if isinstance(value, str) else value


def redact_words(words: Sequence[str], secrets: Collection[str] = ()) -> list[str]:
    """Return a command's words without its secrets: read as the line that they make, where ``-p`` tells what follows.

    Args:
        words: the command and its arguments.
        secrets: values that are replaced wherever they stand.
    """
    line = shlex.join(words)
    redacted = redact_text(line, secrets)
    if redacted == line:
        return [redact_text(word, secrets) for word in words]
    try:
        return [redact_text(word, secrets) for word in shlex.split(redacted)]
    except ValueError:  # a quote went with a secret
        return [redacted]


# What names a thing is a hash by right: known shapes are looked for there, random strings are not.
_IDENTITIES = frozenset(
    (
        "id",
        "stamp",
        "schema",
        "digest",
        "base",
        "lock_sha256",
        "fingerprint",
        "commit",
        "sha256",
        "input_sha256",
        "reproduces",
    )
)
# Objects whose keys are paths of the record, packages and versions of ours: no key there names a secret.
_PATHS = frozenset(("unavailable", "sources", "packages", "tool"))
# Keys of the schema that only look like a secret's name.
_SCHEMA_KEYS = frozenset(("signature",))
_FIELDS = frozenset(
    field
    for part in vars(schema).values()
    if isinstance(part, type) and issubclass(part, msgspec.Struct)
    for field in part.__struct_encode_fields__
)
"""Names of the schema's own, which hide nothing and stay, whatever word is a secret."""


def hidden_strings(record: Record) -> dict[str, str]:
    """The strings that :func:`redact_record` hides for their key's sake, by that key: no file may hold them either."""
    hidden = (pair for key, value in _apart(record)[0].items() for pair in _hidden(key, value))
    return {f"{name} {at}": str(value) for at, (name, value) in enumerate(hidden)}


def _hidden(key: str, value: Any, named: bool = True) -> Iterator[tuple[str, Any]]:
    """The values in a part of a record that :func:`_walk` hides for their key's sake, each with that key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _hidden(_telling(key, name, named), inner, key not in _PATHS)
    elif isinstance(value, (list, tuple)):
        if not _is_command(key, value):
            for inner in value:
                yield from _hidden(key, inner, named)
    elif named and _is_hidden(key, value):
        yield key, value


def _walk(key: str, value: Any, secrets: Collection[str], named: bool = True) -> Any:
    """A part of a record without its secrets.

    Args:
        key: the name of the part, or the nearest one that says whether it is a secret.
        value: the part.
        secrets: values that are replaced wherever they stand.
        named: whether the key is a name that somebody gave.
    """
    if isinstance(value, dict):
        return {
            name if name in _FIELDS else _known_text(name, secrets): _walk(
                _telling(key, name, named), inner, secrets, key not in _PATHS
            )
            for name, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        if _is_command(key, value):
            return redact_words(value, secrets)
        return [_walk(key, inner, secrets, named) for inner in value]
    if named and _is_hidden(key, value):
        return mark("name")
    if not isinstance(value, str):
        return value
    return _known_text(value, secrets) if key in _IDENTITIES else redact_text(value, secrets)


def _telling(key: str, name: str, named: bool) -> str:
    """Of a part's name and of one in it, the one that says whether what is in it is a secret."""
    return key if named and kind_of_name(key) == "strong" else name


def _is_command(key: str, value: Sequence[Any]) -> bool:
    return key == "command" and all(isinstance(word, str) for word in value)


def _is_hidden(key: str, value: Any) -> bool:
    """Whether a value is hidden for its key's sake; of numbers those that a surely secret name has."""
    if isinstance(value, str):
        return bool(value) and key not in _SCHEMA_KEYS and is_secret_pair(key, value)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and kind_of_name(key) == "strong"


def _known_text(text: str, secrets: Collection[str]) -> str:
    return _redact_known(text.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")


def _redact_known(data: bytes, secrets: Collection[str]) -> bytes:
    """Everything but the rule for random strings."""
    alike = _TOKENS.redact(redact_values(_redact_private_keys(redact_literals(data, secrets))))
    return PHRASES.redact(_ALIKE.redact(alike))


def _redact_private_keys(data: bytes) -> bytes:
    """Private keys from BEGIN to END; if the end was cut off, as far as the text looks like a key's."""
    if b"PRIVATE KEY" not in data:
        return data
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
