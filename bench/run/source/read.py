"""Where a test's code comes from: its files, commit, dirtiness and content hash, for the record and for the copy."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.engine.protocol import Tree
from bench.errors import UsageError
from bench.record.schema import Source
from bench.record.storage.manifest import hash_file
from bench.run.source.git import read_changed, read_commit
from bench.run.source.links import sort_out
from bench.run.source.listing import Listing, list_project
from bench.run.source.own import Own
from bench.run.source.walk import Made, walk
from bench.units import size

MAX_PROJECT_BYTES = 8 * 1024**3
"""All of it is copied into every run; a sparse file counts as what a copy of it would take."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A project's folder, and where results go: those count as no code, also if they go into the project."""

    root: Path
    results: Path | None = None


def read_catalog_source(diagnostics: Path) -> Source:
    """The source of a shipped diagnostic: the content of ``bench/diagnostics`` and, in a checkout, its commit."""
    changed = read_changed(diagnostics)
    made = Made(diagnostics)
    dirty = None if changed is None else any(not made.holds(name) for name in changed)
    files = [name for name in walk(diagnostics).names if (diagnostics / name).is_file()]
    sha256 = tree_sha256(diagnostics, files)
    return Source(kind="catalog", commit=read_commit(diagnostics), dirty=dirty, sha256=sha256)


def read_project(root: Path, results: Path | None = None) -> tuple[Source, Tree]:
    """The source of somebody's project and the files that a run copies.

    In a git checkout these are git's files (tracked, and untracked ones that it does not ignore), those of its
    submodules and of clones inside it too; elsewhere all files. Version control, caches and environments are left out,
    and what bench wrote there, in ``results`` or elsewhere. What else is left out is named in the tree.

    Raises:
        UsageError: not a folder, a folder without files or with more than can be copied, or one that cannot be read.
    """
    try:
        source, tree = list_code(root, results)
        return with_sha256(source, tree)
    except OSError as error:
        raise unreadable(root, error) from error


def list_code(root: Path, results: Path | None = None) -> tuple[Source, Tree]:
    """As :func:`read_project`, without the hash: no file has been read yet.

    Raises:
        UsageError: as there.
        OSError: a file cannot be asked for its size.
    """
    if not root.is_dir():
        raise UsageError(f"--project {root} is not a folder", fix="give the folder of a checkout")
    real = root.resolve()
    listing = list_project(real)
    own = Own(real, results, listing.tracked)
    names, ours = _without_own(listing, own)
    found = sort_out(real, names)
    if not found.files:
        raise UsageError(f"--project {root} holds no files", fix="give the folder of a checkout")
    _check_size(root, found.files)
    left_out = (*listing.left_out, *found.left_out, *ours)
    tree = Tree(real, found.files, "", links=found.links, left_out=left_out, folders=found.folders)
    return Source(kind="project", commit=listing.commit, dirty=_dirty(listing, own)), tree


def with_sha256(source: Source, tree: Tree) -> tuple[Source, Tree]:
    """Return both with the hash of the tree's files.

    Raises:
        OSError: a file cannot be read.
    """
    sha256 = tree_sha256(tree.source, tree.files, tree.links)
    return msgspec.structs.replace(source, sha256=sha256), replace(tree, sha256=sha256)


def unreadable(root: Path, error: OSError) -> UsageError:
    """Return what is said of a project that cannot be read."""
    said = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return UsageError(f"--project {root} cannot be read", said)


def _without_own(listing: Listing, own: Own) -> tuple[list[str], tuple[str, ...]]:
    """What is the project's own, and a line on results among what git tracks."""
    results = {name for name in listing.names if own.is_result(name)}
    names = [name for name in listing.names if name not in results and not own.is_cache(name)]
    tracked = len(results & listing.tracked)
    return names, (f"{tracked} file(s) of results that git tracks",) if tracked else ()


def _dirty(listing: Listing, own: Own) -> bool | None:
    if listing.changed is None:
        return None
    return any(not own.is_result(name) and not own.is_cache(name) for name in listing.changed)


def tree_sha256(root: Path, files: Iterable[str], links: Mapping[str, str] | None = None) -> str:
    """Return the hash of what a run copies: names, executable bits and contents, in the order of the names.

    Executable bits count, since a copy keeps them and a test may start a script; an image's
    :func:`bench.engine.images.context.content_sha256` leaves all modes out. Neither may change, or old records stop
    comparing. Its owner's bit is what counts: whether a file may be executed where it lies is no part of it, since a
    copy may lie on a disk that is mounted ``noexec``.

    Args:
        root: the folder.
        files: paths below it.
        links: where symbolic links lead, by their paths; the hash has these, not what they lead to.

    Raises:
        OSError: a file cannot be read.
    """
    links = links or {}
    total = hashlib.sha256()
    for name in sorted((*files, *links)):
        path = root / name
        if name in links:
            total.update(f"{name}\0l\0{links[name]}\n".encode("utf-8", "surrogateescape"))
            continue
        mode = "x" if path.stat().st_mode & stat.S_IXUSR else "-"
        total.update(f"{name}\0{mode}\0{hash_file(path)}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _check_size(root: Path, files: Iterable[str]) -> None:
    sizes = {name: (root / name).stat().st_size for name in files}
    total = sum(sizes.values())
    if total > MAX_PROJECT_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise UsageError(
            f"--project {root} holds {size(total)}, more than the {size(MAX_PROJECT_BYTES)} that a run copies",
            f"the largest file is {largest!a} ({size(sizes[largest])})",
            "move it out of the project, or have git ignore it",
        )
