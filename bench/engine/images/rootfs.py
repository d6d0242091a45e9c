"""A root file system as one tar that is the same, byte for byte, wherever and whenever it is made."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tarfile
from io import BytesIO
from pathlib import Path
from typing import IO, cast

# 2025-06-12, the day after Python 3.13.5 came out: the date of whatever the making of an image itself writes.
EPOCH = 1749686400

# Folders whose contents belong to one moment or one machine. The folders themselves stay.
_EMPTIED = (
    "dev",
    "proc",
    "run",
    "sys",
    "tmp",
    "etc/apt/sources.list.d",
    "root",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/cache/debconf",
    "var/cache/ldconfig",
    "var/lib/apt",
    "var/log",
    "var/tmp",
)
# Single files of that kind: identity, name service, addresses of mirrors, backups with dates in them.
_LEFT_OUT = re.compile(
    r"""debootstrap(/.*)?
      | etc/(hostname|hosts|machine-id|resolv\.conf|\.pwd\.lock|apt/sources\.list)
      | etc/(passwd|shadow|group|gshadow|subuid|subgid)-
      | var/lib/(dbus|systemd)/.*
      | var/lib/dpkg/[^/]*-old
      | var/lib/dpkg/lock[^/]*
      | usr/share/doc/.*/(?!copyright$)[^/]+""",
    re.VERBOSE,
)


def keeps(name: str) -> bool:
    """Return whether a path, relative to the root and without a leading slash, belongs into the image."""
    if any(name.startswith(folder + "/") for folder in _EMPTIED):
        return False
    return _LEFT_OUT.fullmatch(name) is None


def normalise(name: str, content: bytes) -> bytes:
    """Return a file's content without what differs from day to day: in /etc/shadow, the day of the last change."""
    if name == "etc/shadow":
        day = str(EPOCH // 86400).encode()
        return re.sub(rb"(?m)^([^:\n]*:[^:\n]*):\d+:", rb"\1:" + day + b":", content)
    return content


def write_tar(root: Path, target: IO[bytes]) -> str:
    """Write the tree at `root` to `target` as an uncompressed tar and return the tar's sha256.

    Sorted by name; no date after EPOCH, no owner's name, no device node; see `keeps` for what is left out. Owners,
    modes, links and hard links stay as they are, and so do the dates of Python's sources, which come from their package
    and are recorded in the bytecode beside them.
    """
    hashing = _Hashing(target)
    with tarfile.open(fileobj=cast("IO[bytes]", hashing), mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in _sorted_tree(root):
            name = path.relative_to(root).as_posix()
            mode = path.lstat().st_mode
            if not keeps(name) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                continue
            entry = tar.gettarinfo(path, arcname=name)
            entry.uname = entry.gname = ""
            entry.mtime = int(entry.mtime) if name.endswith(".py") else min(int(entry.mtime), EPOCH)
            if entry.isreg():
                content = normalise(name, path.read_bytes())
                entry.size = len(content)
                tar.addfile(entry, BytesIO(content))
            else:
                tar.addfile(entry)
    return hashing.digest.hexdigest()


def _sorted_tree(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        found.extend(Path(folder, name) for name in (*folders, *files))
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


class _Hashing:
    """The writing end of a file that hashes what passes."""

    def __init__(self, target: IO[bytes]) -> None:
        self.target, self.digest = target, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.target.write(data)
