"""Writing a file that a user named: whole or not at all, and never in place of what is no plain file.

A plain file is replaced by a rename, through a link at the place that the link names. What can only be written into (a
terminal, ``/dev/null``, a pipe, standard output by its name) is written into. Anything else is refused.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.errors import NotMeasured, UsageError
from bench.record.storage.bundle import RECORD
from bench.record.storage.disk import disk_errors, make_folders, remove_empty, sync_folder
from bench.record.storage.manifest import MANIFEST

_LINKS = 40
"""Links that a path may lead over, as on Linux."""
_REFUSED = ((stat.S_ISDIR, "a folder"), (stat.S_ISSOCK, "a socket"), (stat.S_ISBLK, "a disk"))
_NO_NEIGHBOUR = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class Output:
    """What a name stands for: a plain file to replace or make at ``path``, or an open descriptor or node to write into.

    ``mode`` and ``owner`` are those of the file that is there; one that has another name too (``shared``, a hard link)
    is written into, so that it stays the same file.
    """

    path: Path
    replaced: bool
    descriptor: int | None = None
    mode: int | None = None
    owner: tuple[int, int] = (-1, -1)
    shared: bool = False


def find_output(target: Path, option: str) -> Output:
    """Return what will be written if ``target`` is named; nothing is touched. Call it before the work, to refuse early.

    Args:
        target: the name, as it was given.
        option: the option that gave it.

    Raises:
        UsageError: a folder, a socket, a disk, a link to nowhere, a file that may not be written, or one of a bundle.
    """
    with disk_errors(target, option):
        path, descriptor = _followed(target)
        if descriptor is not None:
            if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise UsageError(f"{target} cannot be written", "it is open for reading", _other(option))
            return Output(target, replaced=False, descriptor=descriptor)
        try:
            about = path.stat()
            mode = about.st_mode
        except FileNotFoundError:
            if target.is_symlink() and not path.parent.is_dir():
                why = f"there is no folder {path.parent}"
                raise UsageError(f"{target} is a link to nowhere", why, _other(option)) from None
            _refuse_bundle(target, path, option)
            return Output(path, replaced=True)
        for is_kind, kind in _REFUSED:
            if is_kind(mode):
                raise UsageError(f"{target} is {kind}", "no file can be written there", _other(option))
        if not os.access(path, os.W_OK):
            raise UsageError(f"{target} cannot be written", "it may not be changed", _other(option))
        if not stat.S_ISREG(mode):
            return Output(path, replaced=False)
        _refuse_bundle(target, path, option)
        owner = about.st_uid, about.st_gid
        return Output(path, replaced=True, mode=stat.S_IMODE(mode) & 0o777, owner=owner, shared=about.st_nlink > 1)


@contextlib.contextmanager
def output_file(target: Path, option: str) -> Iterator[IO[bytes]]:
    """A file whose content goes where ``target`` names once the block has ended; nothing of it goes there if it fails.

    Raises:
        UsageError: nothing can be written there (:func:`find_output`).
        NotMeasured: the disk is full or failed, or whoever read a pipe has gone.
    """
    output = find_output(target, option)
    with disk_errors(target, option):
        if not output.replaced:
            with tempfile.TemporaryFile() as whole:
                yield whole
                _write_into(output, whole)
            return
        made = make_folders(output.path.parent)
        try:
            with _neighbour(output) as (file, fresh):
                yield file
                _put_in_place(file, fresh, output)
        except BaseException:
            remove_empty(made)
            raise


def write_output(target: Path, data: bytes, option: str) -> None:
    """Write bytes where ``target`` names; see :func:`output_file`.

    Args:
        target: a file, a link to one, or a descriptor of ours as ``/dev/stdout``.
        data: what to write.
        option: the option of the command line that named it, for messages.
    """
    with output_file(target, option) as file:
        file.write(data)


@contextlib.contextmanager
def _neighbour(output: Output) -> Iterator[tuple[IO[bytes], Path | None]]:
    """A fresh file beside the one to be replaced, gone afterwards unless it was renamed.

    One without a name if the folder takes none, though the file that is there may be written, or must be.
    """
    if output.shared:
        with tempfile.TemporaryFile() as whole:
            yield whole, None
        return
    fresh = output.path.parent / f".bench-{os.urandom(8).hex()}.new"
    try:
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if output.mode is None or error.errno not in _NO_NEIGHBOUR:
            raise
        with tempfile.TemporaryFile() as whole:
            yield whole, None
        return
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file, fresh
    finally:
        fresh.unlink(missing_ok=True)


def _put_in_place(file: IO[bytes], fresh: Path | None, output: Output) -> None:
    file.flush()
    if fresh is not None:
        if output.mode is not None:
            with contextlib.suppress(OSError):
                os.fchown(file.fileno(), *output.owner)
            os.fchmod(file.fileno(), output.mode)
        os.fsync(file.fileno())
        try:
            fresh.replace(output.path)
        except OSError as error:
            if error.errno != errno.EBUSY:  # a file that is mounted there can only be written into
                raise
        else:
            sync_folder(output.path.parent)
            return
    _write_into(output, file)


def _write_into(output: Output, whole: IO[bytes]) -> None:
    """Copy what was made into what is there already; nothing is created."""
    whole.seek(0)
    if output.descriptor is None:
        opened = os.open(output.path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC | (os.O_TRUNC if output.replaced else 0))
    else:
        sys.stdout.flush()  # what was printed before stands before it
        opened = os.dup(output.descriptor)
    try:
        with os.fdopen(opened, "wb") as file:
            shutil.copyfileobj(whole, file)
    except BrokenPipeError:
        if output.descriptor is None:
            raise NotMeasured(f"{output.path} took only a part", "its reader has gone", "read it to the end") from None
        # As of standard output anywhere: its reader has seen enough.


def _followed(target: Path) -> tuple[Path, int | None]:
    """Where the links of a name lead, or the descriptor of ours that it names, as ``/dev/stdout`` does."""
    path = target
    for _ in range(_LINKS):
        folder = os.path.realpath(path.parent)
        if not path.is_symlink():
            return Path(folder, path.name), None
        if folder == f"/proc/{os.getpid()}/fd":
            return path, int(path.name)
        path = Path(folder, path.readlink())
    return target, None  # a circle of links: whoever opens it gets the error


def _refuse_bundle(target: Path, path: Path, option: str) -> None:
    for folder in path.parents:
        if (folder / MANIFEST).is_file() and (folder / RECORD).is_file():
            raise UsageError(f"{target} lies in the bundle {folder}", "bundles are written once", _other(option))


def _other(option: str) -> str:
    return f"name another file with {option}"
