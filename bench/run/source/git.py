"""Asks git what a checkout holds, as the user's own git would answer, and never lets the checkout start a program."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 30.0
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""A checkout's own configuration starts no program of its own."""
_GITLINK = "160000"
_UNREAD = re.compile(rb"(?m)^warning: could not open directory '(.*?)(?:': .*)?$")
"""git's warning, which it cuts if it is long."""
_OF_USER = (
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "HOME",
    "XDG_CONFIG_HOME",
)
"""Where a user's own settings lie, such as what every checkout of theirs ignores. Variables that name one checkout are
left out: a hook of another one may have set them."""


@dataclass(frozen=True, slots=True)
class Names:
    """What git lists in a folder, by paths relative to it.

    ``nested`` are submodules and clones inside, which git leaves to themselves; ``ignored`` what it passes over, whole
    folders as one name with a slash at the end; ``unread`` are folders that it could not look into.
    """

    tracked: tuple[str, ...]
    untracked: tuple[str, ...]
    nested: tuple[str, ...]
    ignored: tuple[str, ...]
    unread: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def read_names(folder: Path) -> Names | None:
    """Return what git lists below a folder; ``None`` without git or a checkout, or if that ignores the folder."""
    tracked: list[str] = []
    nested: list[str] = []
    listed = _git(folder, "ls-files", "-z", "--stage", "--", ".")
    others, unread = _list_others(folder)
    if listed is None or others is None:
        return None
    for entry in _split(listed):
        about, _, name = entry.partition("\t")
        (nested if about.startswith(_GITLINK) else tracked).append(name)
    untracked = _split(others)
    nested += [name.rstrip("/") for name in untracked if name.endswith("/")]
    if not tracked and not nested and not untracked and _git(folder, "check-ignore", "-q", ".") is not None:
        return None
    asked = ("ls-files", "-z", "--others", "--exclude-standard", "--directory")
    return Names(
        tracked=tuple(sorted(set(tracked))),  # a conflict lists a name for each side
        untracked=tuple(name for name in untracked if not name.endswith("/")),
        nested=tuple(sorted(set(nested))),
        ignored=tuple(_split(_git(folder, *asked, "--ignored", "--", ".") or "")),
        unread=unread,
        folders=tuple(name for name in _split(_git(folder, *asked, "--", ".") or "") if name.endswith("/")),
    )


def _list_others(folder: Path) -> tuple[str | None, tuple[str, ...]]:
    """What git does not track, and of which folders it warns that it cannot list them: it passes over these."""
    try:
        done = _run(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", ".")
    except GitRefused:
        return None, ()
    names = {match[1].rstrip(b"/").decode("utf-8", "surrogateescape") for match in _UNREAD.finditer(done.stderr)}
    return done.stdout.decode("utf-8", "surrogateescape"), tuple(sorted(names))


def read_commit(folder: Path) -> str | None:
    """Return the commit that is checked out; ``None`` if there is none."""
    commit = _git(folder, "rev-parse", "HEAD")
    return commit.strip() if commit else None


def read_changed(folder: Path) -> tuple[str, ...] | None:
    """Return names below a folder that are not as they were committed; ``None`` without git or a checkout.

    Of a submodule only that another commit is checked out; what changed inside it is asked of itself.
    """
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty")
    status = _git(folder, "status", *options, "--", ".")
    prefix = _git(folder, "rev-parse", "--show-prefix")
    if status is None or prefix is None:
        return None
    return tuple(entry[3:].removeprefix(prefix.rstrip("\n")) for entry in _split(status))


def read_top(folder: Path) -> Path | None:
    """Return the checkout that a folder lies in; ``None`` if it lies in none."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    return Path(top.removesuffix("\n")).resolve() if top else None


def _split(text: str) -> list[str]:
    return [name for name in text.split("\0") if name]


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or ``None`` if it refuses."""
    try:
        return call_git(folder, *arguments)
    except GitRefused:
        return None


class GitRefused(Exception):
    """What git could not do; its text is git's own, in one line."""


def call_git(folder: Path, *arguments: str, seconds: float | None = None) -> str:
    """Return what git prints.

    Args:
        folder: where it runs.
        arguments: of git.
        seconds: how long it may take; else half a minute.

    Raises:
        GitRefused: there is no git here, it failed, or it took too long.
    """
    return _run(folder, *arguments, seconds=seconds).stdout.decode("utf-8", "surrogateescape")


def _run(folder: Path, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *_QUIET, "-c", f"safe.directory={folder.resolve()}", *arguments]
    of_user = {name: value for name, value in os.environ.items() if name in _OF_USER}
    environment = {"PATH": os.environ.get("PATH", os.defpath), **of_user, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    seconds = _SECONDS if seconds is None else seconds
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, env=environment)
    except OSError as error:
        raise GitRefused("git is not installed here" if isinstance(error, FileNotFoundError) else str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise GitRefused(f"git took longer than {seconds:g} s") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitRefused(without_password(said[-1]) if said else f"git ended with {done.returncode}")
    return done


def without_password(line: str) -> str:
    """Return a line of git's without the password that an address in it may have."""
    if "://" not in line:
        return line
    from bench.record.redact import redact_text  # here, since its patterns take a while to read

    return redact_text(line)
