"""A folder of files that are made anew as a whole: all of them or none, and nothing in it that is not ours is touched.

A file in it, :data:`MARK`, names those that are ours. A folder without it that holds anything is refused.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.errors import NotMeasured, UsageError
from bench.files import read_plain
from bench.record.storage.bundle import RECORD
from bench.record.storage.disk import claimed, disk_errors, make_folders, remove_empty, sync_folder, write_synced
from bench.record.storage.manifest import MANIFEST
from bench.record.storage.partial import held, is_left, remove_marked

MARK = ".bench-site"
"""Names the files of ours, one a line below :data:`_FIRST`; an empty one says that the folder is for us."""
_FIRST = "Files that bench makes anew in this folder; others are left alone."
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,126}|\.nojekyll", re.ASCII)
_BEGIN, _END = ".bench-site-", ".new"
"""Around the name of a folder in which a site is made; whether it is one of ours its mark tells."""
_MOST_BYTES = 16 * 1024**2
_NO_MARK = frozenset({errno.EINVAL, errno.EFBIG, errno.ENXIO})
"""What is no plain file, or larger than any mark."""
_NO_NEIGHBOUR = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV})


def find_site(folder: Path, option: str) -> Path:
    """Return where a site will be written; nothing is touched. Call it before the work, to refuse early.

    Raises:
        UsageError: no folder, one of a bundle, or one that holds what is not ours.
    """
    with disk_errors(folder, option):
        path = Path(os.path.realpath(folder))
        for parent in (path, *path.parents):
            if (parent / MANIFEST).is_file() and (parent / RECORD).is_file():
                raise UsageError(f"{folder} lies in the bundle {parent}", "bundles are written once", _other(option))
        if not os.path.lexists(path):
            return path
        if not path.is_dir():
            raise UsageError(f"{folder} is not a folder", fix=_other(option))
        held = _held(path)
        if held and MARK not in held:
            cause = f"it holds {held[0]} and other files" if len(held) > 1 else f"it holds {held[0]}"
            fix = f"{_other(option)}, or put an empty file {MARK} there if it may stay beside a site"
            raise UsageError(f"{folder} is no site of ours", cause, fix)
        _marked(path, option)
        return path


def write_site(folder: Path, files: Mapping[str, bytes], option: str) -> None:
    """Write a site: all its files, or none.

    Args:
        folder: where; it need not exist.
        files: plain names and contents. The last is put in place last.
        option: the option of the command line that named the folder, for messages.

    Raises:
        UsageError: nothing can be written there (:func:`find_site`), or a file there has a name of ours.
        NotMeasured: the disk is full or failed, or another command writes there.
        ValueError: a name that is none of ours.
    """
    if any(not _OURS.fullmatch(name) for name in files):
        raise ValueError("a file of a site has a plain name")
    path = find_site(folder, option)
    with disk_errors(folder, option):
        made = make_folders(path.parent)
        try:
            if not (path.is_dir() and any(path.iterdir())) and _written_beside(path, files):
                return
            made = [*make_folders(path), *made]
            with _locked(path, folder):
                _replace(path, files, option)
        except BaseException:
            remove_empty(made)
            raise


def _held(path: Path) -> list[str]:
    left = set(_stages(path))
    return sorted(one.name for one in path.iterdir() if one not in left)


def _stages(path: Path) -> list[Path]:
    named = [one for one in path.iterdir() if one.name.startswith(_BEGIN) and one.name.endswith(_END)]
    return [one for one in named if not one.is_symlink() and is_left(one)]


def _clear(path: Path) -> None:
    """Remove what killed commands left; what has such a name and is not marked stays."""
    for one in _stages(path):
        with contextlib.suppress(OSError), claimed(one) as idle:
            if idle:
                remove_marked(one)


def _marked(path: Path, option: str) -> frozenset[str]:
    """The names of ours that the mark has; one that is no name of ours makes it no mark of ours."""
    try:
        lines = [""] if (path / MARK).is_symlink() else read_plain(path / MARK, _MOST_BYTES).decode().splitlines()
    except FileNotFoundError:
        return frozenset()
    except (UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_MARK:
            raise
        lines = [""]
    if lines and (lines[0] != _FIRST or not all(_OURS.fullmatch(name) for name in lines[1:])):
        raise UsageError(f"{path / MARK} is not as bench wrote it", fix=f"remove it, or {_other(option)}")
    return frozenset(lines[1:])


def _mark(names: frozenset[str]) -> bytes:
    return "".join(f"{line}\n" for line in (_FIRST, *sorted(names))).encode()


def _written_beside(path: Path, files: Mapping[str, bytes]) -> bool:
    """Make the folder beside its place and rename it there; ``False`` if that place takes no neighbour."""
    _clear(path.parent)
    with contextlib.ExitStack() as stack:
        try:
            stage = stack.enter_context(held(path.parent, _BEGIN, _END))
        except OSError as error:
            if error.errno in _NO_NEIGHBOUR:
                return False
            raise
        site = stage / "site"
        site.mkdir()
        _fill(site, {**files, MARK: _mark(frozenset(files))})
        try:
            site.rename(path)
        except OSError as error:
            if error.errno in _NO_NEIGHBOUR:
                return False
            raise
        sync_folder(path.parent)
    return True


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        write_synced(folder / name, data)
    sync_folder(folder)


@contextlib.contextmanager
def _locked(path: Path, folder: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotMeasured(f"{folder} was not written", "another command is writing it", "try again") from None
    finally:
        os.close(descriptor)


def _replace(path: Path, files: Mapping[str, bytes], option: str) -> None:
    """Write all beside, then put each file in place; whatever fails, the folder is as it was."""
    ours = _marked(path, option)
    for name in files:
        if os.path.lexists(path / name) and (name not in ours or not _is_plain(path / name)):
            raise UsageError(f"{path / name} is not ours", "a page has that name", f"move it, or {_other(option)}")
    _clear(path)
    with held(path, _BEGIN, _END) as stage:
        fresh, kept = stage / "fresh", stage / "kept"
        for one in (fresh, kept):
            one.mkdir()
        after = frozenset(files)
        # First and last is the mark: while files are put in place, it names those of before and after.
        _fill(fresh, {"before": _mark(ours | after), "after": _mark(after), **files})
        with _undone(path, kept):
            _put(fresh / "before", path / MARK, kept)
            for name in files:
                _put(fresh / name, path / name, kept)
            for name in ours - after:
                if _is_plain(path / name):  # what somebody has put in its place stays
                    _keep(path / name, kept)
                    (path / name).unlink()
            (fresh / "after").replace(path / MARK)
        sync_folder(path)


def _is_plain(place: Path) -> bool:
    return place.is_file() and not place.is_symlink()


def _keep(place: Path, kept: Path) -> None:
    if os.path.lexists(place):
        shutil.copy2(place, kept / place.name, follow_symlinks=False)
    else:
        (kept / f"{place.name}~").touch()  # there was none


def _put(source: Path, place: Path, kept: Path) -> None:
    _keep(place, kept)
    source.replace(place)


@contextlib.contextmanager
def _undone(path: Path, kept: Path) -> Iterator[None]:
    """Put back what was kept if the block fails."""
    try:
        yield
    except BaseException:
        for one in sorted(kept.iterdir()):
            if one.name.endswith("~"):
                (path / one.name.removesuffix("~")).unlink(missing_ok=True)
            else:
                one.replace(path / one.name)
        raise


def _other(option: str) -> str:
    return f"name a new or an empty folder with {option}"
