"""Files of a run that need no archive: copied out within bounds, a project's copied in, and what may stay."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from bench.engine.holes import copy_file
from bench.engine.protocol import Tree
from bench.engine.transfer.bounds import FIRST, INTERRUPTED, TOO_LONG, Bounds
from bench.record.storage.disk import remove_tree


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
    for name in tree.folders:
        (target / name).mkdir(parents=True, exist_ok=True)
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
