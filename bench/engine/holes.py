"""Copies a file with its holes: a sparse file of some gigabytes takes no room, on a disk or in memory."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

_PIECE = 1 << 22
_BLOCK = 512
"""Bytes that ``st_blocks`` counts in, whatever a file system's own blocks are."""


def copy_file(source: Path, target: Path) -> None:
    """Copy content, mode and times of a file. Holes stay holes if the file systems have any.

    Raises:
        OSError: it cannot be read, or the disk refuses.
    """
    about = source.stat()
    if about.st_blocks * _BLOCK >= about.st_size or not _copy_data(source, target):
        shutil.copyfile(source, target)
    shutil.copystat(source, target)


def _copy_data(source: Path, target: Path) -> bool:
    """Copy what is no hole; return whether the file system reported which parts these are."""
    with source.open("rb") as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        end = 0
        while end < size:
            try:
                start = os.lseek(old.fileno(), end, os.SEEK_DATA)
                end = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # a hole up to the end
                    break
                if error.errno in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                    return False
                raise
            _copy_part(old.fileno(), new.fileno(), start, end)
        new.truncate(size)
    return True


def _copy_part(old: int, new: int, start: int, end: int) -> None:
    while start < end:
        piece = os.pread(old, min(_PIECE, end - start), start)
        if not piece:
            return
        start += os.pwrite(new, piece, start)
