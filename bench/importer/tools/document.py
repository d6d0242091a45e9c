"""A foreign JSON document, made such that a record can hold whatever of it is kept (pure)."""

from __future__ import annotations

import json
from typing import Any

from bench.importer.tools.fields import MOST, Unreadable

MAX_DEPTH = 64
"""So deep may a document be; those of tools are about ten levels deep."""


def parse_document(text: str) -> Any:
    """Return what a JSON text holds; numbers of over 64 bits as real ones, half a sign as a question mark.

    Raises:
        ValueError: it is no JSON.
        Unreadable: it is nested too deep.
    """
    try:
        document = json.loads(text, parse_int=_whole)
    except RecursionError:
        raise Unreadable("not read: nested too deep") from None
    _check_depth(document)
    # Half a pair of surrogates can be written as an escape alone, and no file takes it.
    return _encodable(document) if "\\ud" in text or "\\uD" in text else document


def _whole(text: str) -> float:
    if len(text) > 20:
        return float(text)
    value = int(text)
    return value if abs(value) < MOST else float(text)


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        if not (level := [inner for outer in level for inner in _inside(outer)]):
            return
    raise Unreadable("not read: nested too deep")


def _inside(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in values if isinstance(inner, (dict, list))]


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(inner) for key, inner in value.items()}
    return [_encodable(inner) for inner in value] if isinstance(value, list) else value
