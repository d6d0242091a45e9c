"""Where a test's code comes from: its files, commit, dirtiness and content hash, for the record and for the copy."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bench.engine.protocol import Tree
from bench.errors import UsageError
from bench.record.schema import Source
from bench.units import size

_NOT_OURS = frozenset({"__pycache__", ".git", ".hg", ".nox", ".tox", ".venv", "venv", "node_modules", "results"})
_CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".eggs")
_GIT_SECONDS = 30.0
MAX_PROJECT_BYTES = 8 * 1024**3
"""All of it is copied into every run; a sparse file counts as what a copy of it would take."""
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""A checkout's own configuration starts no program of its own."""


def read_catalog_source(diagnostics: Path) -> Source:
    """Return a shipped diagnostic's source: the content of ``bench/diagnostics`` and, in a checkout, its commit."""
    commit, dirty = _git_state(diagnostics)
    return Source(kind="catalog", commit=commit, dirty=dirty, sha256=tree_sha256(diagnostics, _walk(diagnostics)))


def read_project(root: Path) -> tuple[Source, Tree]:
    """Return the source of somebody's project and the files that a run copies.

    In a git checkout these are git's files (tracked, and untracked ones that it does not ignore); elsewhere all but
    caches, environments and version control.

    Raises:
        UsageError: not a folder, a folder without files or with more than can be copied, or one that cannot be read.
    """
    if not root.is_dir():
        raise UsageError(f"--project {root} is not a folder", fix="give the folder of a checkout")
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    if listed is None:
        files = _walk(root)
        commit, dirty = None, None
    else:
        files = tuple(sorted(name for name in listed.split("\0") if name and (root / name).is_file()))
        commit, dirty = _git_state(root)
    if not files:
        raise UsageError(f"--project {root} holds no files", fix="give the folder of a checkout")
    try:
        _check_size(root, files)
        sha256 = tree_sha256(root, files)
    except OSError as error:
        raise UsageError(f"--project {root} cannot be read", f"{error.filename}: {error.strerror}") from error
    return Source(kind="project", commit=commit, dirty=dirty, sha256=sha256), Tree(root.resolve(), files, sha256)


def tree_sha256(root: Path, files: Iterable[str]) -> str:
    """Return the hash of what a run copies: names, executable bits and contents, in the order of the names.

    Executable bits count, since a copy keeps them and a test may start a script; an image's
    :func:`bench.engine.images.context.content_sha256` leaves all modes out. Neither may change, or old records stop
    comparing.
    """
    total = hashlib.sha256()
    for name in sorted(files):
        path = root / name
        mode = "x" if os.access(path, os.X_OK) else "-"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{name}\0{mode}\0{digest}\n".encode("utf-8", "surrogateescape"))
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


def _walk(root: Path) -> tuple[str, ...]:
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NOT_OURS and name not in _CACHES)
        names += [str((Path(folder) / name).relative_to(root)) for name in files if not name.endswith((".pyc", ".pyo"))]
    return tuple(sorted(name for name in names if (root / name).is_file()))


def _git_state(folder: Path) -> tuple[str | None, bool | None]:
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--", ".")
    return (commit.strip() if commit else None), (None if status is None else bool(status.strip()))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or ``None`` if there is no git or no checkout."""
    command = ["git", "-C", str(folder), *_QUIET, "-c", f"safe.directory={folder.resolve()}", *arguments]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None
