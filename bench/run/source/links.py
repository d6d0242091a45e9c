"""Which links of a project a copy can have: those that lead to another place of it lead to that place in the copy.

What lies beside the project in one checkout with it is copied in place of the link; what lies elsewhere stays there. So
nothing that a test writes through a link reaches what the user has, and no link brings a private file into a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.run.source.git import read_top
from bench.run.source.listing import list_project, named
from bench.run.source.walk import is_too_deep, unknown


@dataclass(frozen=True, slots=True)
class Sorted:
    """Names of plain files, links with where they lead from where they lie, and lines on what cannot be copied.

    ``folders`` are those that hold nothing.
    """

    files: tuple[str, ...]
    links: Mapping[str, str]
    left_out: tuple[str, ...]
    folders: tuple[str, ...] = ()


def sort_out(root: Path, names: Iterable[str]) -> Sorted:
    """Separate a project's files from its links, and from what no copy can have.

    Args:
        root: the project, as it is on the disk (no links on the way).
        names: paths relative to it. One that leads through a link is passed over: it is there by another name.
    """
    top = read_top(root) or root
    files: list[str] = []
    folders: list[str] = []
    links: dict[str, str] = {}
    outside: list[str] = []
    special: list[str] = []
    deep: list[str] = []
    through: dict[PurePosixPath, bool] = {PurePosixPath(): False}
    for name in names:
        path = root / name
        if is_too_deep(name):
            deep.append(name)
            continue
        if _leads_through(root, PurePosixPath(name).parent, through) or not os.path.lexists(path):
            continue  # removed, and not yet committed
        if path.is_symlink():
            target = Path(os.path.realpath(path))
            if target.is_relative_to(root):
                links[name] = os.path.relpath(target, path.parent)
            elif _of_the_checkout(target, top) and not root.is_relative_to(target):
                for one, real in _beside(name, target):
                    (files if _of_the_checkout(real, top) and real.is_file() else outside).append(one)
            else:
                outside.append(name)
        elif path.is_file():
            files.append(name)
        elif name.endswith("/"):
            folders.append(name.rstrip("/"))
        elif not path.is_dir():
            special.append(name)
    left_out = (
        *named("links that lead out of the project", outside),
        *named("what is no plain file", special),
        *named("what lies too deep", deep),
    )
    return Sorted(tuple(sorted(files)), links, left_out, tuple(sorted(folders)))


def _of_the_checkout(target: Path, top: Path) -> bool:
    """Whether a place is the checkout's content; git's own folder, which may hold an account's password, is not."""
    return target.is_relative_to(top) and ".git" not in target.relative_to(top).parts


def _beside(name: str, target: Path) -> list[tuple[str, Path]]:
    """What a link stands for: a file, or what a folder holds, by names below the link, each with where it really is."""
    if target.is_file():
        return [(name, target)]
    held = [(f"{name}/{one}", target / one) for one in list_project(target).names if not one.endswith("/")]
    return [(one, Path(os.path.realpath(path))) for one, path in held if os.path.lexists(path)]


def _leads_through(root: Path, folder: PurePosixPath, known: dict[PurePosixPath, bool]) -> bool:
    for one in unknown(folder, known):
        known[one] = known[one.parent] or (root / one).is_symlink()
    return known[folder]
