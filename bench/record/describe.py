"""The record's keys as Markdown tables, made from the schema's code; ``docs/record.md`` holds them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from bench.record.schema import Record

_PLAIN = {str: "text", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema_markdown() -> str:
    """A table of all keys, part by part, in the order of the record; ends with a line feed."""
    hints = {part: typing.get_type_hints(part) for part in _parts(Record)}
    words = [word for path, part in _places(hints) for word in _section(path, part, hints[part])]
    return "\n".join(words).rstrip() + "\n"


def _section(path: str, part: type[msgspec.Struct], hints: dict[str, Any]) -> Iterator[str]:
    text = " ".join((inspect.getdoc(part) or "").split()).replace("``", "`")
    yield from (f"### {path}", "", text, "", "| key | type |", "|---|---|")
    for field in msgspec.structs.fields(part):
        yield f"| `{field.encode_name}` | {_kind(hints[field.name])} |"
    yield ""


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
        return " or ".join(_kind(argument) for argument in arguments)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "object" if arguments[1] is Any else f"object of {_kind(arguments[1])}"
    if _structs(hint):
        return "object"
    return _PLAIN[hint]
