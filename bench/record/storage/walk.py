"""Where bundles lie below a folder, found with as few questions to the disk as there are folders of other kinds."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter, methodcaller
from pathlib import Path

from bench.names import PARTIAL, is_stamp
from bench.record.storage.manifest import MANIFEST

RECORD = "record.json"
_Real = tuple[int, int]
_BELOW_LINK = 3
"""Levels of folders below a link: the host's, the diagnostic's and the bundle's own."""
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31"
_EVERY_YEAR = re.compile(rf"\d{{4}}(?:{_DAY})T(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ", re.ASCII)
"""Stamps of days that every year has: nobody need ask the calendar."""
_name, _inode = attrgetter("name"), methodcaller("inode")
_is_own_folder = methodcaller("is_dir", follow_symlinks=False)


def bundle_paths(top: str) -> list[str]:
    """Return folders below ``top``, or itself, that are bundles or claim to be, by a record, a manifest or a name.

    Partial and hidden folders are passed over. A link to a folder (a host's results that somebody keeps elsewhere) is
    followed as deep as results can lie below it; each real folder counts once, by its own path if it has one here.
    """
    return [path_in(folder, name) for folder, names in bundles_by_folder(top).items() for name in names]


def path_in(folder: str, name: str) -> str:
    """Return the path of a bundle in a folder; a folder that is a bundle itself has it under no name."""
    return f"{folder}/{name}" if name and folder else folder or name


def bundles_by_folder(top: str) -> dict[str, list[str]]:
    """Return the same as :func:`bundle_paths`, as the names of the bundles in each folder that has some."""
    walk = _Walk()
    links = walk.look_into(top, math.inf)
    if links:  # only below them can a folder be met again
        walk.met = {(group.device, inode) for group in walk.groups for inode in map(_inode, group.bundles)}
    while links:
        links = [more for link in links for more in walk.look_into(link, _BELOW_LINK)]
    found: dict[str, list[str]] = {}
    for group in walk.groups:
        found.setdefault(group.folder, []).extend(map(_name, group.bundles))
    for path in walk.alone.values():
        folder, name = (path, "") if path == top else os.path.split(path)
        found.setdefault(folder, []).append(name)
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """The bundles right below a folder, all of them by their names."""

    folder: str
    device: int
    bundles: list[os.DirEntry[str]]


@dataclass(slots=True)
class _Walk:
    """What has been found so far.

    ``seen`` holds how deep each real folder has been looked into, ``alone`` the bundles that were looked into
    themselves, ``met`` those of all groups, from the first link on.
    """

    groups: list[_Group] = field(default_factory=list)
    alone: dict[_Real, str] = field(default_factory=dict)
    met: set[_Real] | None = None
    seen: dict[_Real, float] = field(default_factory=dict)

    def look_into(self, top: str, depth: float) -> list[str]:
        """Add the bundles of a folder, at most ``depth`` levels below it; returns the links that it came across."""
        links: list[str] = []
        pending: list[tuple[str, float]] = [(top, depth)]
        while pending:
            folder, left = pending.pop()
            try:
                about = os.stat(folder)  # noqa: PTH116 - of strings, since there may be a hundred thousand
                with os.scandir(folder) as entries:
                    inside = list(entries)
            except OSError:  # removed meanwhile, or nobody's business
                continue
            real = about.st_dev, about.st_ino
            if self._has(real) or self.seen.get(real, -1) >= left:
                continue
            self.seen[real] = left
            if _is_stamp(os.path.basename(folder)) or any(_is_mark(entry) for entry in inside):  # noqa: PTH119
                self.alone.setdefault(real, folder)
                continue
            if left <= 0:
                continue
            # A bundle by its name: what it holds is looked at by whoever reads it.
            bundles = [entry for entry in inside if _is_stamp(entry.name)] if not _all_stamps(inside) else inside
            if not all(map(_is_own_folder, bundles)):
                bundles = [entry for entry in bundles if _is_own_folder(entry)]
            self._add(folder, about.st_dev, bundles)
            if len(bundles) < len(inside):
                pending += reversed(self._below(inside, {entry.name for entry in bundles}, left, links))
        return links

    def _add(self, folder: str, device: int, bundles: list[os.DirEntry[str]]) -> None:
        """Add the bundles of a folder, below a link those alone that are not there yet."""
        if self.met is not None:
            reals = [(device, entry.inode()) for entry in bundles]
            bundles = [one for one, real in zip(bundles, reals, strict=True) if not self._has(real)]
            self.met.update(reals)
        if bundles:
            self.groups.append(_Group(folder, device, bundles))

    def _has(self, real: _Real) -> bool:
        return real in self.alone or (self.met is not None and real in self.met)

    def _below(
        self, inside: Iterable[os.DirEntry[str]], bundles: set[str], left: float, links: list[str]
    ) -> list[tuple[str, float]]:
        """The folders to look into next; links go to the others."""
        below: list[tuple[str, float]] = []
        for entry in sorted(inside, key=_name):
            name = entry.name
            if name in bundles or name.endswith(PARTIAL) or name.startswith(".") or not entry.is_dir():
                continue
            if entry.is_symlink():
                links.append(entry.path)
            else:
                below.append((entry.path, left - 1))
        return below


def _all_stamps(inside: Iterable[os.DirEntry[str]]) -> bool:
    return all(map(_EVERY_YEAR.fullmatch, map(_name, inside)))


def _is_mark(entry: os.DirEntry[str]) -> bool:
    return entry.name in (RECORD, MANIFEST) and not entry.is_dir()


def _is_stamp(name: str) -> bool:
    return len(name) == 16 and (_EVERY_YEAR.fullmatch(name) is not None or is_stamp(name))


def folder_parts(path: str) -> list[str]:
    """Return what paths are sorted by: a folder comes before all that only begins with its name."""
    return path.split("/")


def as_paths(paths: list[str]) -> list[Path]:
    """Return the folders in order."""
    return [Path(path) for path in sorted(paths, key=folder_parts)]
