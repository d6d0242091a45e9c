"""What a folder without git holds, and what in any folder is made anew by a tool and is nobody's code.

Unless it is hidden, a tool's folder is told by what lies in it, not by what it is called: a project may call its data
``results`` or ``venv``.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})
_HIDDEN = frozenset({".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".eggs"})
_HIDDEN |= {".venv", ".nox", ".tox"}
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"
"""Begins CACHEDIR.TAG in a folder that a tool can make anew (bford.info/cachedir)."""
_BYTECODE = (".pyc", ".pyo")


class Made:
    """Tells what tools made below a root; each folder is looked at once."""

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
        if folder not in self._known:
            self._known[folder] = self._folder(folder.parent) or is_made(self._root / folder)
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


def walk(root: Path) -> tuple[str, ...]:
    """Return all files and links below a folder but what tools made, by paths relative to it. No link is followed."""
    names = []
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not is_made(here / name)]
        names += [str((here / name).relative_to(root)) for name in (*files, *links)]
    made = Made(root)
    return tuple(sorted(name for name in names if not made.holds(name)))
