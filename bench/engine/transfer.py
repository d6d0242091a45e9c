"""Tar archives between us and a container: what goes in has a fixed owner, what comes out is data from elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from bench.engine.holes import copy_file
from bench.engine.protocol import Tree
from bench.record.storage.disk import remove_tree

MAX_BYTES = 2 * 1024**3
MAX_PARTS = 100
MAX_PART_BYTES = 255
MAX_PATH_BYTES = 2000
"""Of a file's path below the folder; the system allows 4095 in all."""
MAX_FILES = 10_000
_PIECE = 1 << 20
_SHOWN = 200


FIRST = (
    "result.json",
    "samples.csv",
    "pytest.log",
    "pytest.log.tail",
    "prepare.log",
    "pytest.junit.xml",
    "facts.json",
    "torch_env.txt",
    "operators.json",
    "profiler.json",
)
"""What a bundle is made of, the dearest first: each comes out alone, whatever else a run has left beside it."""
MAX_FIRST_BYTES = 64 * 1024**2
_MAY_BE_LARGE = frozenset({"profiler.json"})
INTERRUPTED = "the rest was not copied: it was interrupted"
TOO_LARGE = "it is too large for one call"
TOO_LONG = "the rest was not copied: it takes too long"


class GaveUp(Exception):
    """The copying was ended before its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may come out of a run, in all: bytes, files, seconds. ``gave_up`` returns true if nobody waits."""

    max_bytes: int = MAX_BYTES
    max_files: int = MAX_FILES
    seconds: float = 300.0
    gave_up: Callable[[], bool] = lambda: False

    def most(self, name: str) -> int:
        """The most bytes of a file that a bundle is made of: its readers take it whole."""
        return self.max_bytes if name in _MAY_BE_LARGE else min(self.max_bytes, MAX_FIRST_BYTES)


@dataclass(frozen=True, slots=True)
class Copied:
    """What came out of a container. ``notes`` names, in plain lines, what was left behind and why; ``whole`` is whether
    nothing was left behind because of a bound.
    """

    files: int
    size_bytes: int
    notes: tuple[str, ...] = ()
    whole: bool = True


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
        files: their paths below it. Of a link among them, what it leads to is taken.
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


def at_most(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the pieces of a stream that is no longer than ``size`` bytes.

    Raises:
        GaveUp: it is longer.
    """
    for piece in pieces:
        size -= len(piece)
        if size < 0:
            raise GaveUp(TOO_LARGE)
        yield piece


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

    Only files and folders are taken (no links, devices or pipes), no path leaves ``target``, nothing that the stream
    has twice is overwritten, and what is there already is left as it is. The sum is bounded: a file that would pass the
    bound is left out, and said so; once that much has been passed over, the rest of the stream is not read.

    Args:
        pieces: the tar, in pieces.
        top: the folder that the tar's names begin with; empty if they begin with none.
        target: an existing folder.
        max_bytes: the most that is written.
        max_files: the most files that are written.

    Raises:
        OSError: the disk is full or cannot be written.
        tarfile.TarError: the stream is damaged; what came before stays.
        GaveUp: the stream was given up on; what came before stays.
    """
    files = size = passed = 0
    whole = True
    notes: list[str] = []
    written: set[tuple[str, ...]] = set()
    stream: Any = Stream(pieces)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            parts = safe_parts(member.name, top)
            if parts is not None and not _can_be_written(parts):
                parts = None
            if member.isdir() and parts is not None:
                target.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            elif parts is None or not parts or not member.isreg():
                notes.append(f"{member.name[:_SHOWN]!a} was not copied: {'no plain file' if parts else 'its path'}")
            elif parts not in written and os.path.lexists(target.joinpath(*parts)):
                continue  # from an earlier copying, whole
            elif files >= max_files:
                whole = False
                notes.append(f"more than {max_files} files; the rest was not copied")
                break
            elif size + member.size > max_bytes:
                whole = False
                passed += member.size
                rest = " and what follows it" if passed > max_bytes else ""
                notes.append(
                    f"{member.name[:_SHOWN]!a} ({member.size} bytes){rest} was not copied: more than {max_bytes} in all"
                )
                if rest:
                    break
            else:
                content = archive.extractfile(member)
                size += _write(content, target.joinpath(*parts)) if content else 0
                written.add(parts)
                files += 1
    return Copied(files, size, tuple(notes[:20]), whole)


def unpack_one(pieces: Iterable[bytes], name: str, target: Path, max_bytes: int) -> str | None:
    """Write the one file of a tar stream; returns why not, ``None`` if it was written or is none of that name.

    Raises as :func:`unpack` does.

    Args:
        pieces: the tar, in pieces.
        name: the file's name.
        target: an existing folder.
        max_bytes: the most that is written.
    """
    stream: Any = Stream(pieces)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        member = next(iter(archive), None)
        if member is None or member.name != name:
            return None
        if not member.isreg():
            return f"{name!a} was not copied: no plain file"
        if member.size > max_bytes:
            return f"{name!a} ({member.size} bytes) was not copied: more than {max_bytes}"
        content = archive.extractfile(member)
        if content is not None:
            _write(content, target / name)
    return None


def copy_plain(source: Path, target: Path, bounds: Bounds | None = None) -> tuple[str, ...]:
    """Copy the plain files of a folder, the dearest first, bounded like those of a container; returns what was left.

    Args:
        source: the folder to copy from.
        target: an existing folder.
        bounds: of bytes, files and seconds; the usual ones if not given.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    bounds = bounds or Bounds()
    notes: list[str] = []
    count = size = 0
    until = time.monotonic() + bounds.seconds
    first = [source / name for name in FIRST]
    rest = (path for path in islice(walk(source), bounds.max_files * 10) if path not in first)
    for path in chain(first, rest):
        name = path.relative_to(source)
        if os.path.lexists(target / name) or not os.path.lexists(path):
            continue
        about = path.lstat()
        most = bounds.most(str(name)) if str(name) in FIRST else bounds.max_bytes
        if not stat.S_ISREG(about.st_mode):
            notes.append(f"{str(name)!a} was not copied: no plain file")
        elif about.st_size > most:
            notes.append(f"{str(name)!a} ({about.st_size} bytes) was not copied: more than {most}")
        elif count >= bounds.max_files or size + about.st_size > bounds.max_bytes:
            of_all = f"{bounds.max_files} files or {bounds.max_bytes} bytes"
            notes.append(f"{str(name)!a} and what follows was not copied: more than {of_all}")
            break
        elif bounds.gave_up() or time.monotonic() > until:
            notes.append(INTERRUPTED if bounds.gave_up() else TOO_LONG)
            break
        else:
            count, size = count + 1, size + about.st_size
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name, follow_symlinks=False)
    return tuple(notes[:20])


def copy_tree(tree: Tree, target: Path) -> None:
    """Copy a project's files, and then make its links: no file is written through one.

    Raises:
        OSError: a file cannot be read, or the disk refuses.
    """
    for name in tree.files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        copy_file(tree.source / name, target / name)
    for name, leads in tree.links.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(leads)


def walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder itself, one after another; links are not followed."""
    waiting = [str(folder)]
    while waiting:
        found: list[os.DirEntry[str]] = []
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:  # a path can be longer than any
            found.extend(entries)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield Path(entry.path)


def set_aside(out: Path, bounds: Bounds | None = None) -> tuple[str, ...]:
    """Take away, of what a bundle is made of, what its readers must not meet: links, pipes, what is too large.

    For a run that wrote into ``out`` itself, of which nothing is copied. Returns what was taken away, in plain lines.
    """
    bounds = bounds or Bounds()
    notes = []
    with contextlib.suppress(OSError):
        if not out.stat().st_mode & stat.S_IXUSR:
            out.chmod(0o700)
    for name in FIRST:
        try:
            about = (out / name).lstat()
        except OSError:
            continue
        why = "no plain file" if not stat.S_ISREG(about.st_mode) else ""
        if not why and not about.st_mode & stat.S_IRUSR:
            with contextlib.suppress(OSError):
                (out / name).chmod(stat.S_IMODE(about.st_mode) | stat.S_IRUSR)
        if not why and about.st_size > bounds.most(name):
            why = f"more than {bounds.most(name)} bytes ({about.st_size})"
        if why:
            notes.append(f"{name!a} was not taken: {why}")
            with contextlib.suppress(OSError):
                remove_tree(out / name) if stat.S_ISDIR(about.st_mode) else (out / name).unlink()
    return tuple(notes)


def safe_parts(name: str, top: str) -> tuple[str, ...] | None:
    """Return the parts of a member's path below ``top``, all of them if that is empty.

    ``None`` if the path leaves it or has control characters.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or (top and path.parts[:1] != (top,)):
        return None
    if any(ord(letter) < 32 or ord(letter) == 127 or letter in "\\:" for letter in name):
        return None
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8 come as lone surrogates
        return None
    return path.parts[1:] if top else path.parts


def _can_be_written(parts: tuple[str, ...]) -> bool:
    sizes = [len(part.encode()) for part in parts]
    return len(parts) <= MAX_PARTS and max(sizes, default=0) <= MAX_PART_BYTES and sum(sizes) <= MAX_PATH_BYTES


def _write(stream: IO[bytes], target: Path) -> int:
    """Write a file that is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        raise FileExistsError(f"the archive has {target.name} twice")
    size = 0
    fresh = target.with_name(f".{target.name[:200]}.part")
    try:
        with fresh.open("wb") as file:
            while piece := stream.read(_PIECE):
                size += file.write(piece)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return size
