"""Where bundles lie below a folder, found with as few questions to the disk as there are folders of other kinds."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from bench.names import PARTIAL, is_stamp
from bench.record.storage.manifest import MANIFEST

RECORD = "record.json"
_Real = tuple[int, int]
_BELOW_LINK = 3
"""Levels of folders below a link: the host's, the diagnostic's and the bundle's own."""
_EVERY_MONTH = re.compile(r"\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ", re.ASCII)
"""Stamps of days that every month has: nobody need ask the calendar."""


def bundle_paths(top: str) -> list[str]:
    """Return folders below ``top``, or itself, that are bundles or claim to be, by a record, a manifest or a name.

    Partial and hidden folders are passed over. A link to a folder (a host's results that somebody keeps elsewhere) is
    followed as deep as results can lie below it; each real folder counts once, by its own path where it has one here.
    """
    found: dict[_Real, str] = {}
    seen: dict[_Real, float] = {}
    links = _walk(top, math.inf, seen, found)
    while links:
        links = [more for link in links for more in _walk(link, _BELOW_LINK, seen, found)]
    return list(found.values())


def _walk(top: str, depth: float, seen: dict[_Real, float], found: dict[_Real, str]) -> list[str]:
    """Add the bundles of a folder, at most ``depth`` levels below it; returns the links that it came across.

    ``seen`` holds how deep each real folder has been looked into.
    """
    links: list[str] = []
    pending: list[tuple[str, float]] = [(top, depth)]
    while pending:
        folder, left = pending.pop()
        try:
            about = os.stat(folder)  # noqa: PTH116 - a hundred thousand of them are asked for
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError:  # removed meanwhile, or nobody's business
            continue
        real = about.st_dev, about.st_ino
        if seen.get(real, -1) >= left:
            continue
        seen[real] = left
        if _is_stamp(os.path.basename(folder)) or any(_is_mark(entry) for entry in inside):  # noqa: PTH119
            found.setdefault(real, folder)
            continue
        if left <= 0:
            continue
        below: list[tuple[str, float]] = []
        for entry in sorted(inside, key=lambda one: one.name):
            name = entry.name
            if name.endswith(PARTIAL) or name.startswith(".") or not entry.is_dir():
                continue
            if entry.is_symlink():
                links.append(entry.path)
            elif _is_stamp(name):
                # A bundle by its name: what it holds is looked at by whoever reads it.
                here = about.st_dev, entry.inode()
                if seen.get(here, -1) < left - 1:
                    seen[here] = left - 1
                    found.setdefault(here, entry.path)
            else:
                below.append((entry.path, left - 1))
        pending += reversed(below)
    return links


def _is_mark(entry: os.DirEntry[str]) -> bool:
    return entry.name in (RECORD, MANIFEST) and not entry.is_dir()


def _is_stamp(name: str) -> bool:
    return len(name) == 16 and (_EVERY_MONTH.fullmatch(name) is not None or is_stamp(name))


def folder_parts(path: str) -> list[str]:
    """Return what paths are sorted by: a folder comes before all that only begins with its name."""
    return path.split("/")


def as_paths(paths: list[str]) -> list[Path]:
    """Return the folders in order."""
    return [Path(path) for path in sorted(paths, key=folder_parts)]
