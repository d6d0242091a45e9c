"""Which names a project has: git's, those of submodules and clones inside it, or, without git, all that lie there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.run.source.git import read_changed, read_commit, read_names
from bench.run.source.walk import Made, is_made, walk

_NAMED = 8
"""Names that a line lists."""
_SHOWN = 100
UNREAD = "folders that cannot be read or lie too deep"


@dataclass(frozen=True, slots=True)
class Listing:
    """Names relative to the root: of files and links, of those that git tracks, and of what changed since the commit.

    Among the names are those of folders that hold nothing, with a slash at the end. ``left_out`` says in plain lines
    what is there and is not among the names.
    """

    names: tuple[str, ...]
    tracked: frozenset[str] = frozenset()
    changed: tuple[str, ...] | None = None
    commit: str | None = None
    left_out: tuple[str, ...] = ()


def list_project(root: Path) -> Listing:
    """Return what a project holds, tools' own folders left out."""
    names = read_names(root)
    if names is None:
        return _walked(root)
    made = Made(root)
    untracked = [name for name in names.untracked if not made.holds(name)]
    inside = [_prefixed(name, _list_nested(root / name, name)) for name in names.nested if not is_made(root / name)]
    ignored = [name for name in names.ignored if not _is_made(root, made, name)]
    empty = [name for folder in names.folders for name in _empty_in(root, folder, made)]
    changed = read_changed(root)
    tracked = frozenset(names.tracked)
    own = [name for name in changed or () if name in tracked or not made.holds(name)]
    return Listing(
        names=tuple(sorted({*names.tracked, *untracked, *empty, *(name for one in inside for name in one.names)})),
        tracked=tracked.union(*(one.tracked for one in inside)),
        changed=None if changed is None else (*own, *(name for one in inside for name in one.changed or ())),
        commit=read_commit(root),
        left_out=(
            *named("what git ignores", ignored),
            *named(UNREAD, names.unread),
            *(line for one in inside for line in one.left_out),
        ),
    )


def _list_nested(folder: Path, name: str) -> Listing:
    """What a submodule or a clone inside a checkout holds."""
    if folder.is_symlink() or not folder.is_dir():
        return Listing((), left_out=(f"{name!a}: a submodule that is not there",))
    if not (folder / ".git").exists():
        found = _walked(folder)
        left_out = found.left_out or (() if found.names else (f"{name!a}: a submodule that is not checked out",))
        return Listing(found.names, left_out=left_out)
    return list_project(folder)


def _walked(folder: Path) -> Listing:
    found = walk(folder)
    return Listing((*found.names, *found.empty), left_out=named(UNREAD, found.unread))


def _empty_in(root: Path, folder: str, made: Made) -> list[str]:
    """Folders that hold nothing, in one of which git tracks no file; a clone lists its own."""
    if made.holds(f"{folder}x") or (root / folder / ".git").exists():
        return []
    names = [f"{folder}{name}" for name in walk(root / folder).empty]
    return names or ([folder] if not any((root / folder).iterdir()) else [])


def _prefixed(name: str, listing: Listing) -> Listing:
    def below(names: tuple[str, ...] | frozenset[str]) -> tuple[str, ...]:
        return tuple(f"{name}/{one}" for one in names)

    return Listing(
        names=below(listing.names),
        tracked=frozenset(below(listing.tracked)),
        changed=None if listing.changed is None else below(listing.changed),
        left_out=listing.left_out,
    )


def _is_made(root: Path, made: Made, name: str) -> bool:
    """Return whether what git ignores is a tool's own: a folder with a slash at its end, or a file."""
    if not name.endswith("/"):
        return made.holds(name)
    folder = root / name.rstrip("/")
    return folder.name == "__pycache__" or is_made(folder) or made.holds(f"{name}x")


def named(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the line that names some of what is left out, escaped and cut; none if there are no names."""
    if not names:
        return ()
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (f"{what}: {', '.join(_short(f'{name!a}'[1:-1]) for name in names[:_NAMED])}{more}",)


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN // 2]}...{name[-_SHOWN // 2 :]}"
