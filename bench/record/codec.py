"""Bytes to a :class:`~bench.record.schema.Record` and back, with errors that name the path and unknown keys kept."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bench.errors import DamagedData
from bench.record.every_run import EVERY_RUN, forget, put_back, taken_out
from bench.record.layout import laid_out
from bench.record.patterns import folded, unfolded
from bench.record.schema import SCHEMA, SINCE_1_1, Record


class _Written(Record, frozen=True, kw_only=True):
    """A record as it is written: what all runs share stands once."""

    every_run: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


class _Schema(msgspec.Struct):
    schema: Any = None


# msgspec works a type out at its first use, and crashes if two threads do so at once: here one does it for all.
_WRITTEN = msgspec.json.Decoder(_Written)
_NAMED = msgspec.json.Decoder(_Schema)
_FIELDS = Record.__struct_fields__
MOST_VALUES = 1_500_000
"""Values of a record, with their keys, at most; those of objects weigh more."""
_FAMILY, _MAJOR = SCHEMA.rsplit("/", 1)
_MINOR = 1
_SCHEMA = re.compile(re.escape(_FAMILY) + r"/(?P<major>[0-9]{1,9})(?:\.[0-9]{1,9})?")
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


class NewerSchema(DamagedData):
    """A record of a later version of this tool, which need not be damaged at all."""


def decode(data: bytes | str, origin: str = "record.json", *, explained: bool = True) -> Record:
    """Read a record.

    Args:
        data: JSON text.
        origin: the file's name, for the message.
        explained: whether each null gets its reason; working those out takes longer than all the rest.

    Raises:
        DamagedData: not JSON, not a record, a foreign schema, a value of the wrong type, named by its path, or more
            values than memory has room for.
        NewerSchema: a newer major schema, or a newer minor one with a value that this version does not know.
    """
    _check_weight(data, origin)
    name = None
    try:
        name = _check_schema(_NAMED.decode(data).schema, origin)
        written = _WRITTEN.decode(data)
        runs = tuple(put_back(run, written.every_run) for run in written.runs)
    except msgspec.ValidationError as error:
        if name is None:
            name = _check_schema(None, origin)
        if _minor(name) > _MINOR:
            fix = "install a newer version of bench"
            raise NewerSchema(f"{origin} has the newer schema {name}", _message(str(error)), fix) from None
        raise DamagedData(f"{origin} does not fit {SCHEMA}", _message(str(error)), "run 'bench verify' on it") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedData(f"{origin} is not JSON", str(error), "restore the file from its source") from None
    values = {field: getattr(written, field) for field in _FIELDS}
    reasons = unfolded(written.unavailable, runs) if explained else {}
    return Record(**{**values, "runs": runs, "unavailable": reasons})


def encode(record: Record, original: bytes | None = None) -> bytes:
    """Return a record as JSON that a person can read, with a final line feed (:mod:`bench.record.layout`).

    Args:
        record: what to write.
        original: the JSON that the record was read from; its unknown keys are kept.
    """
    document: Any = msgspec.to_builtins(record)
    document["schema"] = _schema_of(record)
    if original is not None:
        kept = msgspec.json.decode(original)
        forget(kept)  # the runs of the record have it
        document = _with_unknown({**document, "unavailable": {}}, {**kept, "unavailable": {}})
        document["unavailable"] = record.unavailable
    document["unavailable"] = folded(document["unavailable"], document["runs"])
    every = taken_out(document["runs"])
    return laid_out({**document, EVERY_RUN: every} if every else document).encode()


def _check_weight(data: bytes | str, origin: str) -> None:
    """Refuse a record whose values would fill the memory, by what separates values: counted without making any."""
    text = data if isinstance(data, bytes) else data.encode("utf-8", "replace")
    if len(text) < MOST_VALUES:
        return
    values = text.count(b",") + text.count(b":") + text.count(b"[") + 3 * text.count(b"{")
    if values > MOST_VALUES:
        raise DamagedData(f"{origin} holds more values than a record can", f"over {MOST_VALUES}")


def _check_schema(name: object, origin: str) -> str:
    """The name of a document's schema, if this version can read it."""
    found = _SCHEMA.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        said = f"its schema is {name!r:.80}"
        raise DamagedData(f"{origin} is not a record of this tool", said, f"expected {SCHEMA!r}")
    # Compared as text: there never was a major 0, and "01" is no number of ours.
    if found["major"] == _MAJOR:
        return found[0]
    reads = f"this version reads {SCHEMA}"
    if found["major"][0] != "0" and int(found["major"]) > int(_MAJOR):
        raise NewerSchema(f"{origin} has the newer schema {name}", reads, f"install version {found['major']} of bench")
    raise DamagedData(f"{origin} has the foreign schema {name}", reads, "restore the file from its source")


def _schema_of(record: Record) -> str:
    """The oldest schema that has all of the record's words, so that an older version can tell why it reads none."""
    said = {record.verdict.status, record.verdict.baseline.status}
    return f"{SCHEMA}.1" if record.schema in (SCHEMA, f"{SCHEMA}.0") and said & SINCE_1_1 else record.schema


def _minor(name: str) -> int:
    return int(name.rsplit("/", 1)[1].partition(".")[2] or 0)


def _message(text: str) -> str:
    match = _AT.search(text)
    if match is None:
        return text
    said = text[: match.start()]
    return f"{match['path']}: {said[:1].lower()}{said[1:]}"


def _with_unknown(known: Any, original: Any) -> Any:
    """``known``, with the keys that only ``original`` has, at every depth."""
    if isinstance(known, dict) and isinstance(original, dict):
        merged = {key: _with_unknown(known[key], original.get(key)) for key in known}
        return merged | {key: value for key, value in original.items() if key not in known}
    if isinstance(known, (list, tuple)) and isinstance(original, list) and len(known) == len(original):
        return [_with_unknown(*pair) for pair in zip(known, original, strict=True)]
    return known
