"""Tar archives for a container: everything in one belongs to one user."""

from __future__ import annotations

import contextlib
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO


@contextlib.contextmanager
def packing(target: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """Write a tar into an empty file, which is at its beginning afterwards.

    It ends with its two empty blocks, without the zeros that Python adds to fill 10 kB: Podman reads no further, and
    refuses an archive whose rest comes a moment later ("passing bulk input to subprocess: broken pipe").
    """
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        yield archive
    target.truncate(archive.offset)
    target.seek(0)


def write_folder(
    archive: tarfile.TarFile,
    name: str,
    uid: int,
    root: Path | None = None,
    files: Iterable[str] = (),
    links: Mapping[str, str] | None = None,
) -> None:
    """Add a folder that ``uid`` owns, and under it files of ``root`` by their relative paths, and links.

    Of owners, groups and modes only this travels: whether a file is executable.

    Args:
        archive: what is written to.
        name: the folder's name in it; empty for the archive's own root, which stays as it is.
        uid: who owns all of it.
        root: where the files lie.
        files: their paths below it. Of a link among them, what it leads to is taken; one that ends with a slash is a
            folder that holds nothing.
        links: where links lead, by their paths.

    Raises:
        OSError: a file cannot be read.
    """
    made = {PurePosixPath(name)}
    if name:
        archive.addfile(_folder(name, uid))
    for file in (*files, *(links or {})):
        target = PurePosixPath(name, file)
        for parent in reversed(target.relative_to(name).parents[:-1]):
            folder = PurePosixPath(name) / parent
            if folder not in made:
                made.add(folder)
                archive.addfile(_folder(str(folder), uid))
        if links and file in links:
            archive.addfile(_link(str(target), links[file], uid))
            continue
        if file.endswith("/"):
            if target not in made:
                made.add(target)
                archive.addfile(_folder(str(target), uid))
            continue
        with Path(root or "", file).open("rb") as stream:
            about = os.fstat(stream.fileno())
            info = tarfile.TarInfo(str(target))
            info.size, info.mtime = about.st_size, int(about.st_mtime)
            info.uid = info.gid = uid
            info.mode = 0o755 if about.st_mode & 0o100 else 0o644
            archive.addfile(info, stream)


def _link(name: str, leads: str, uid: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, leads
    info.uid = info.gid = uid
    return info


def _folder(name: str, uid: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    info.uid = info.gid = uid
    return info
