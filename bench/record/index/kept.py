"""The file in the user's cache that holds what is known of a folder's bundles."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bench.record.index.entries import Entry, forget_unused, index_folder, make
from bench.record.index.groups import Group

VERSION = 2
"""Of the form of the file; another form lies in another file."""
_NAME = f"entries-{VERSION}.msgpack"
_CHECKSUM = 4
"""Bytes of it at the file's beginning."""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    """A :class:`Group` as it is kept."""

    folder: str
    signature: bytes
    newest: list[Entry]
    marked: list[Entry]
    numbers: bytes
    distinct: bool
    held: msgspec.Raw


class _Kept(msgspec.Struct, frozen=True):
    root: str
    groups: list[_Packed]


_KEPT = msgspec.msgpack.Decoder(_Kept)


def load(root: Path) -> dict[str, Group]:
    """Return what is known of a folder's bundles, by the folder they lie in; nothing if the index is damaged, foreign
    or missing.
    """
    try:
        data = memoryview((index_folder(root) / _NAME).read_bytes())
        # Most of it is not looked into here: the checksum tells that none of it is damaged.
        if zlib.crc32(data[_CHECKSUM:]).to_bytes(_CHECKSUM, "big") != data[:_CHECKSUM]:
            return {}
        kept = _KEPT.decode(data[_CHECKSUM:])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError):
        return {}
    if kept.root != os.path.realpath(root):
        return {}
    return {group.folder: Group(*msgspec.structs.astuple(group)) for group in kept.groups}


def save(root: Path, groups: Iterable[Group]) -> None:
    """Keep what is known of a folder's bundles; a disk that refuses costs the next command time and nothing else."""
    folder = index_folder(root)
    fresh = folder / f".{_NAME}.{os.getpid()}"
    try:
        made = make(folder)
        data = msgspec.msgpack.encode(_Kept(os.path.realpath(root), list(_packed(groups))))
        # Whole or not at all: of two commands that write at once the last one's stands.
        fresh.write_bytes(zlib.crc32(data).to_bytes(_CHECKSUM, "big") + data)
        fresh.replace(folder / _NAME)
    except (OSError, ValueError):  # ValueError: the root's bytes are no text
        with contextlib.suppress(OSError):
            fresh.unlink()
        return
    if made:
        forget_unused(folder.parent)


def _packed(groups: Iterable[Group]) -> Iterator[_Packed]:
    """The groups that can be kept."""
    for group in groups:
        with contextlib.suppress(ValueError):  # a path whose bytes are no text
            held = (
                msgspec.Raw(msgspec.msgpack.encode(group.entries()))
                if not isinstance(group.held, msgspec.Raw)
                else group.held
            )
            yield _Packed(
                group.folder,
                group.signature,
                list(group.newest),
                list(group.marked),
                group.numbers,
                group.distinct,
                held,
            )
