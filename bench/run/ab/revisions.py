"""A revision of a project in a folder of its own: a checkout that borrows the user's objects, and leaves nothing there.

It is a whole checkout with submodules and not ``git archive``'s tree, which leaves out what ``export-ignore`` names:
often the tests. Filters (line ends, large files) act as they do in the user's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.errors import NotMeasured, UsageError
from bench.run.source.git import GitRefused, call_git, read_top

_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the checkout that a project lies in, and where in it the project lies."""

    top: Path
    below: Path
    commit: str
    name: str


def find_revision(project: Path, name: str) -> Revision:
    """Return the commit that a name stands for in a project's checkout.

    Raises:
        UsageError: there is no git, no checkout, or no such revision.
    """
    if not project.is_dir():
        raise UsageError(f"--project {project} is not a folder", fix="give the folder of a checkout")
    real = project.resolve()
    no_checkout = f"run 'git init' and commit in {real}, or give another --project"
    top = read_top(real)
    try:
        if top is None:
            call_git(real, "rev-parse", "--show-toplevel")
            raise UsageError(f"{real} is no git checkout", fix=no_checkout)
        commit = call_git(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except GitRefused as error:
        if top is None:
            what = f"'{name}' needs a git checkout, and {real} is none"
            known = any(said in str(error) for said in _NO_CHECKOUT)
            raise UsageError(what, "" if known else str(error), no_checkout) from None
        fix = how_to_deepen(top, name)
        if fix is not None:
            raise UsageError(f"'{name}' is not in {top}, a shallow clone", fix=fix) from None
        fix = f"name a branch, a tag or a commit that 'git rev-parse' knows{_branches(top)}"
        raise UsageError(f"'{name}' is no revision of {real}", fix=fix) from None
    return Revision(top, real.relative_to(top), commit, name)


_NO_CHECKOUT = ("not a git repository", "GIT_DISCOVERY_ACROSS_FILESYSTEM")
"""What git reports of a folder that is no checkout, which adds nothing."""


def how_to_deepen(top: Path, name: str = "") -> str | None:
    """Return how a clone gets what it lacks, if it is shallow as those of CI are; else ``None``.

    Args:
        top: the checkout.
        name: the revision that it lacks; empty for the whole history.
    """
    try:
        shallow = call_git(top, "rev-parse", "--is-shallow-repository").strip() == "true"
    except GitRefused:
        return None
    what = (
        "--unshallow" if not name or re.search(r"[~^@]", name) else f"--depth 1 origin {name.removeprefix('origin/')}"
    )
    return f"run 'git fetch {what}' there, or clone the whole history (fetch-depth: 0 in CI)" if shallow else None


def _branches(top: Path) -> str:
    """Some that could have been meant, the newest first."""
    listed = ("for-each-ref", "--sort=-committerdate", "--count=5", "--format=%(refname:short)", "refs/heads")
    try:
        found = call_git(top, *listed).split()
    except GitRefused:
        return ""
    return f", as {', '.join(found)}" if found else ""


def check_out(revision: Revision, target: Path) -> Path:
    """Make a checkout of a revision in an empty folder, with its submodules, and return the project in it.

    Raises:
        UsageError: the project is not in that revision, or a commit of a submodule is not here.
        NotMeasured: git refused, as on a disk that is full.
    """
    try:
        _make(revision.top, revision.commit, target)
    except GitRefused as error:
        raise NotMeasured(f"'{revision.name}' could not be checked out", str(error)) from error
    root = target / revision.below
    if not root.is_dir():
        raise UsageError(f"'{revision.name}' holds no {revision.below}", fix="name a revision that has the project")
    return root


def _make(source: Path, commit: str, target: Path) -> None:
    """A checkout of a commit whose objects lie in another repository; then its submodules, likewise."""
    objects = _path_in(source, "objects")
    target.mkdir(parents=True, exist_ok=True)
    form = call_git(source, "rev-parse", "--show-object-format").strip()
    call_git(target, "init", "--quiet", "--template=", f"--object-format={form}", ".")
    borrowed = target / ".git" / "objects" / "info" / "alternates"
    borrowed.parent.mkdir(parents=True, exist_ok=True)
    borrowed.write_text(f"{objects}\n", encoding="utf-8")
    # What git-lfs keeps lies beside the objects, and is looked for in the new checkout unless it is told.
    large = f"lfs.storage={_path_in(source, 'lfs')}"
    call_git(target, "-c", large, "reset", "--quiet", "--hard", commit, seconds=_SECONDS)
    for name, its_commit in _submodules(target):
        module = _module(source, target, name)
        if module is None:  # never fetched here, as with the code as it lies: named among what is left out
            continue
        try:
            call_git(module, "cat-file", "-e", f"{its_commit}^{{commit}}")
        except GitRefused:
            what = f"the submodule {name} has no commit {its_commit[:12]} here"
            raise UsageError(what, fix=f"fetch it there: git -C {name} fetch") from None
        _make(module, its_commit, target / name)


def _submodules(checkout: Path) -> list[tuple[str, str]]:
    """Path and commit of each."""
    listed = call_git(checkout, "ls-files", "-z", "--stage").split("\0")
    entries = [entry.partition("\t") for entry in listed if entry.startswith("160000 ")]
    return [(name, about.split()[1]) for about, _, name in entries]


def _module(source: Path, checkout: Path, name: str) -> Path | None:
    """Where a submodule's objects lie: in the user's checkout of it, else in what its git keeps of it."""
    there = source / name
    if (there / ".git").exists() and there.resolve().is_relative_to(source.resolve()):
        return there
    try:
        asked = ("config", "--file", ".gitmodules", "--null", "--get-regexp", r"^submodule\..*\.path$")
        told = [entry.partition("\n") for entry in call_git(checkout, *asked).split("\0") if entry]
        called = next(key for key, _, path in told if path == name)
        kept = _path_in(source, f"modules/{called.removeprefix('submodule.').removesuffix('.path')}")
    except (GitRefused, StopIteration):
        return None
    return kept if ".." not in kept.parts and kept.is_dir() else None


def _path_in(source: Path, name: str) -> Path:
    """A path of the repository's own folder, absolute."""
    return source / call_git(source, "rev-parse", "--git-path", name).removesuffix("\n")
