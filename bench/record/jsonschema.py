"""The JSON Schema of a record: what the types express, with what they leave open (pure)."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from bench.record.every_run import EVERY_RUN, PARTS, SHARED
from bench.record.schema import SCHEMA, SIGNED, Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STAMP = r"[0-9]{8}T[0-9]{6}Z"
_PATTERNS = {
    ("Record", "schema"): rf"^{re.escape(SCHEMA)}(\.[0-9]+)?$",
    ("Record", "stamp"): f"^{_STAMP}$",
    ("Record", "id"): f"^[^/ ]+/[^/ ]+/{_STAMP}$",
}
_FIXED = {
    "Record": "schema id stamp outcome unavailable diagnostic image engine host calibration runs verdict",
    "Engine": "name version cgroup_version security limits",
    "Run": "index outcome exit_code signal started_at wall_s effective_timeout_s cpu memory faults context_switches io "
    "pids_peak tests metrics gpu warnings",
    "Cpu": "user_s system_s total_s periods throttled_periods throttled_s pressure_some_s pressure_full_s",
    "Memory": "peak_bytes anon_peak_bytes max_rss_bytes swap_peak_bytes limit_bytes oom_kills pressure_some_s",
    "Faults": "minor major",
    "ContextSwitches": "voluntary involuntary",
    "Io": "read_bytes write_bytes",
    "Verdict": "status reasons ceiling_margin_s baseline",
}
"""Keys of major version 1 that every record has; later minor versions add to them."""


def json_schema() -> dict[str, Any]:
    """Return the schema, of draft 2020-12; keys that it does not name are allowed."""
    made = msgspec.json.schema(Record)
    for name, part in made["$defs"].items():
        properties = part.get("properties", {})
        for key, value in properties.items():
            if (pattern := _PATTERNS.get((name, key))) is not None:
                value["pattern"] = pattern
            elif key not in SIGNED:
                _bound(value)
        fixed = _FIXED.get(name, "").split()
        required = {*part.get("required", ()), *fixed}
        if required:
            part["required"] = [key for key in properties if key in required]
    made["$defs"]["Record"]["properties"][EVERY_RUN] = {
        "type": "object",
        "properties": {part: {"type": "object"} for part in PARTS},
        "description": SHARED,
    }
    return {"$schema": DIALECT, "title": SCHEMA, **made}


def _bound(value: dict[str, Any]) -> None:
    """No less than 0, for what counts or measures."""
    for one in (value, *value.get("anyOf", ())):
        if one.get("type") in ("number", "integer"):
            one.setdefault("minimum", 0)


_PLAIN = {str: "text", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema_markdown() -> str:
    """Return a table of all keys, part by part, in the order of the record; ends with a line feed."""
    hints = {part: typing.get_type_hints(part) for part in _parts(Record)}
    words = [word for path, part in _places(hints) for word in _section(path, part, hints[part])]
    return "\n".join(words).rstrip() + "\n"


def _section(path: str, part: type[msgspec.Struct], hints: dict[str, Any]) -> Iterator[str]:
    text = " ".join((inspect.getdoc(part) or "").split()).replace("``", "`")
    yield from (f"### {path}", "", text, "", "| key | type |", "|---|---|")
    for field in msgspec.structs.fields(part):
        yield f"| `{field.encode_name}` | {_kind(hints[field.name])} |"
    if part is Record:
        yield f"| `{EVERY_RUN}` | object |"
    yield ""
    if part is Record:
        yield from (f"### `{EVERY_RUN}`", "", f"{SHARED[0].upper()}{SHARED[1:]}.", "")


def _places(hints: dict[type[msgspec.Struct], dict[str, Any]]) -> list[tuple[str, type[msgspec.Struct]]]:
    """Each part with the path where it stands in the record; one that stands twice has both."""
    found: dict[type[msgspec.Struct], list[str]] = {Record: ["The record"]}
    for part, fields in hints.items():
        base = "" if part is Record else found[part][0].strip("`") + "."
        for field in msgspec.structs.fields(part):
            for inner in _structs(fields[field.name]):
                mark = {tuple: "[]", dict: "{}"}.get(typing.get_origin(fields[field.name]), "")
                found.setdefault(inner, []).append(f"`{base}{field.encode_name}{mark}`")
    return [(", ".join(paths), part) for part, paths in found.items()]


def _parts(part: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """The part and all that it is made of, each once, outer ones first."""
    found = [part]
    for seen in found:
        for hint in typing.get_type_hints(seen).values():
            found += [inner for inner in _structs(hint) if inner not in found]
    return found


def _structs(hint: Any) -> list[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [inner for argument in typing.get_args(hint) for inner in _structs(argument)]


def _kind(hint: Any) -> str:
    """A type in words: ``number or null``, ``list of run``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (typing.Union, types.UnionType):
        # A key that may be left out altogether is of the type that it has where it stands.
        return " or ".join(_kind(argument) for argument in arguments if argument is not msgspec.UnsetType)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "object" if arguments[1] is Any else f"object of {_kind(arguments[1])}"
    if _structs(hint):
        return "object"
    return _PLAIN[hint]
