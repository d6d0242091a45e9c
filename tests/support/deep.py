"""A folder in a folder in a folder, deeper than a path can lead."""

from __future__ import annotations

import os
from pathlib import Path


def make_deep(top: Path, levels: int, name: str = "d") -> None:
    """Make a folder with so many levels of folders of one name below it, and a file at the bottom."""
    top.mkdir()
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=at))
    os.close(at)
