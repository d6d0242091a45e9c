"""Tar archives between us and a container: what goes in has a fixed owner, what comes out is data from elsewhere."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

MAX_BYTES = 2 * 1024**3
MAX_FILES = 10_000
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Copied:
    """What came out of a container. ``notes`` names, in plain lines, what was left behind and why."""

    files: int
    size_bytes: int
    notes: tuple[str, ...] = ()


def write_folder(
    archive: tarfile.TarFile, name: str, uid: int, root: Path | None = None, files: Iterable[str] = ()
) -> None:
    """Add a folder that ``uid`` owns, and under it files of ``root`` by their relative paths.

    Symbolic links stay links; of owners, groups and modes only this travels: whether a file is executable.
    """
    made = {PurePosixPath(name)}
    archive.addfile(_folder(name, uid))
    for file in files:
        target = PurePosixPath(name, file)
        for parent in reversed(target.relative_to(name).parents[:-1]):
            folder = PurePosixPath(name) / parent
            if folder not in made:
                made.add(folder)
                archive.addfile(_folder(str(folder), uid))
        source = Path(root or "", file)
        info: tarfile.TarInfo | None = archive.gettarinfo(source, arcname=str(target))
        if info is None:  # a socket; typeshed does not know that it can be
            continue
        executable = bool(info.mode & 0o100)
        info.uid = info.gid = uid
        info.uname = info.gname = ""
        info.mode = 0o755 if executable or info.isdir() else 0o644
        if info.islnk():  # the same file twice: tar would store a link that the extraction then has to trust
            info.type, info.linkname, info.size = tarfile.REGTYPE, "", source.stat().st_size
        if info.isreg():
            with source.open("rb") as stream:
                archive.addfile(info, stream)
        else:
            archive.addfile(info)


def _folder(name: str, uid: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    info.uid = info.gid = uid
    return info


class Stream:
    """An iterator of byte pieces as the one method that ``tarfile`` needs of a stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = filter(None, pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        out = bytearray()
        while len(out) < size:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                break
            missing = size - len(out)
            out += piece[:missing]
            self._rest = piece[missing:]
        return bytes(out)


def unpack(
    pieces: Iterable[bytes], top: str, target: Path, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES
) -> Copied:
    """Write the regular files of a tar stream under ``target``, without the leading folder ``top``.

    Only files and folders are taken (no links, devices or pipes), no path leaves ``target``, nothing that is there is
    overwritten, and the sum is bounded: a file that would pass the bound is left out, and said so.

    Raises:
        OSError: the disk is full or cannot be written.
        tarfile.TarError: the stream is damaged; what came before stays.
    """
    files = size = 0
    notes: list[str] = []
    stream: Any = Stream(pieces)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            parts = safe_parts(member.name, top)
            if member.isdir() and parts is not None:
                target.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            elif parts is None or not parts or not member.isreg():
                notes.append(f"{member.name!a} was not copied: {'no plain file' if parts else 'its path'}")
            elif files >= max_files:
                notes.append(f"more than {max_files} files; the rest was not copied")
                break
            elif size + member.size > max_bytes:
                notes.append(f"{member.name!a} ({member.size} bytes) was not copied: more than {max_bytes} in all")
            else:
                content = archive.extractfile(member)
                size += _write(content, target.joinpath(*parts)) if content else 0
                files += 1
    return Copied(files, size, tuple(notes[:20]))


def safe_parts(name: str, top: str) -> tuple[str, ...] | None:
    """The parts of a member's path below ``top``; ``None`` where the path leaves it or has control characters."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or path.parts[0] != top:
        return None
    if any(ord(letter) < 32 or ord(letter) == 127 or letter in "\\:" for letter in name):
        return None
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8 come as lone surrogates
        return None
    return path.parts[1:]


def _write(stream: IO[bytes], target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with target.open("xb") as file:
        while piece := stream.read(_PIECE):
            size += file.write(piece)
    return size
