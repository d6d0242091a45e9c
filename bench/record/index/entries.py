"""What is known of a bundle without reading it again, and where an index lies."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import msgspec

FOLDER_VARIABLE = "BENCH_INDEX"
"""The variable of the environment that names another folder for all indices."""
KEPT_S = 60 * 24 * 3600.0
"""How long the index of a folder that nobody asks for is kept."""
_FRESH_NS = 100_000_000
"""A file that changed so shortly before it was read may change again within the same tick of the clock."""
_LOOKED_AT = 500
Mark = tuple[int, int, int, int]
"""Size, time of modification and of change in nanoseconds, and inode of a ``record.json``: others are another file."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One bundle, by its path relative to the folder; ``problem`` is why its record cannot be read.

    ``kind`` holds what sets results of a diagnostic apart in a history, ``at`` the number of its rows.
    """

    path: str
    mark: Mark
    at: int
    host: str = ""
    diagnostic: str = ""
    stamp: str = ""
    kind: str = ""
    problem: tuple[str, str, str, int] | None = None
    remark: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Host id, diagnostic and stamp: what makes a result that result."""
        return self.host, self.diagnostic, self.stamp


def number(path: str, mark: Mark) -> int:
    """Return the number of a bundle's rows: the same for whoever reads that file, another once it changed."""
    import hashlib  # it reads OpenSSL, of which a folder without results has no use

    digest = hashlib.blake2b(f"{path}\0{mark}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2


def mark_of(about: os.stat_result) -> Mark:
    """Return what a file is known by."""
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino


def settled(mark: Mark) -> bool:
    """Return whether a change of the file from now on would show."""
    return time.time_ns() - mark[2] > _FRESH_NS


def index_folder(root: Path) -> Path:
    """Return where the index of a folder of results lies: in the user's cache, by the folder's real path."""
    import hashlib

    name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:24]
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen) / name
    import platformdirs  # here, since a folder that is not there asks for none

    return platformdirs.user_cache_path("bench") / "index" / name


def make(folder: Path) -> bool:
    """Make an index's folder, the user's alone; returns whether it is new.

    Raises:
        OSError: the disk refuses.
    """
    if folder.is_dir():
        os.utime(folder)  # it is in use
        return False
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return True


def forget_unused(folder: Path) -> None:
    """Remove the indices of folders that nobody has asked for in a long time."""
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for _, entry in zip(range(_LOOKED_AT), found, strict=False):
            if entry.is_dir(follow_symlinks=False) and entry.stat().st_mtime < time.time() - KEPT_S:
                shutil.rmtree(entry.path, ignore_errors=True)
