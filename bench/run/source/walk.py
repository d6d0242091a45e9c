"""What a folder without git holds, and what in any folder is made anew by a tool and is nobody's code.

Unless it is hidden, a tool's folder is told by what lies in it, not by what it is called: a project may call its data
``results`` or ``venv``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})
_HIDDEN = frozenset({".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".eggs"})
_HIDDEN |= {".venv", ".nox", ".tox"}
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"
"""Begins CACHEDIR.TAG in a folder that a tool can make anew (bford.info/cachedir)."""
_BYTECODE = (".pyc", ".pyo")
MAX_FOLDERS = 200
MAX_PATH_BYTES = 2000
"""Of a path below the root: what lies deeper has no copy, whose own path is longer."""


class Made:
    """Finds what tools made below a root; each folder is looked at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[PurePosixPath, bool] = {PurePosixPath(): False}

    def holds(self, name: str) -> bool:
        """Return whether a file, by its path relative to the root, is bytecode or lies in a tool's own folder."""
        path = PurePosixPath(name)
        if path.name in _VERSION_CONTROL or path.suffix in _BYTECODE:
            return True
        return self._folder(path.parent)

    def _folder(self, folder: PurePosixPath) -> bool:
        for one in unknown(folder, self._known):
            self._known[one] = self._known[one.parent] or is_made(self._root / one)
        return self._known[folder]


def is_made(folder: Path) -> bool:
    """Return whether a tool made a folder: version control, a cache, a virtual environment, packages of node."""
    if folder.name in _VERSION_CONTROL or folder.name in _HIDDEN:
        return True
    if (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta" / "history").is_file():
        return True
    if folder.name == "node_modules" and (folder.parent / "package.json").is_file():
        return True
    try:
        with (folder / "CACHEDIR.TAG").open("rb") as file:
            return file.read(len(_CACHE_TAG)) == _CACHE_TAG
    except OSError:
        return False


def unknown(folder: PurePosixPath, known: Mapping[PurePosixPath, object]) -> list[PurePosixPath]:
    """Return a folder and those that it lies in, the outermost first, as far as they are not known yet."""
    found = []
    while folder not in known:
        found.append(folder)
        folder = folder.parent
    return found[::-1]


def is_too_deep(name: str) -> bool:
    """Return whether a path below the root is longer than a copy can have."""
    return name.count("/") > MAX_FOLDERS or len(os.fsencode(name)) > MAX_PATH_BYTES


@dataclass(frozen=True, slots=True)
class Walked:
    """Files and links below a folder, the folders that could not be listed, and those that hold nothing at all.

    By paths relative to it; those of empty folders end with a slash.
    """

    names: tuple[str, ...]
    unread: tuple[str, ...]
    empty: tuple[str, ...] = ()


def walk(root: Path) -> Walked:
    """Return all files and links below a folder but what tools made. No link is followed."""
    names: list[str] = []
    unread: list[str] = []
    empty: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = [(f"{folder}{entry.name}", entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            unread.append(folder.rstrip("/"))
            continue
        if folder and not found:
            empty.append(folder)
        for name, is_folder in found:
            if not is_folder:
                names.append(name)
            elif is_too_deep(f"{name}/"):
                unread.append(name)
            elif not is_made(root / name):
                waiting.append(f"{name}/")
    made = Made(root)
    files = tuple(sorted(name for name in names if not made.holds(name)))
    return Walked(files, tuple(sorted(unread)), tuple(sorted(empty)))
