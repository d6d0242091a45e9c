"""The commits between a good and a bad one, and which of them halves what is left, as git has it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bench.errors import NotMeasured, UsageError
from bench.run.ab.revisions import find_revision, how_to_deepen
from bench.run.source.git import GitRefused, call_git

_SECONDS = 120.0
_MOST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Commits:
    """Commits of a checkout from after ``good`` up to ``bad``, both of which are whole hashes."""

    top: Path
    good: str
    bad: str

    def left(self, bad: str, good: Collection[str]) -> tuple[str, ...]:
        """Return the commits that may be the first bad one, newest first.

        Args:
            bad: the oldest commit that is known to be bad.
            good: those that are known to be good.
        """
        return tuple(self._listed(bad, good))

    def halving(self, bad: str, good: Collection[str], passed: Collection[str]) -> str | None:
        """Return the commit that git would try next: the one that halves what is left, else the next best.

        Args:
            bad: the oldest commit that is known to be bad.
            good: those that are known to be good.
            passed: those that cannot be tried, or were without an answer.

        Returns:
            ``None`` if all that are left were passed.
        """
        found = self._listed(bad, good, "--bisect")
        if found and found[0] != bad and found[0] not in passed:
            return found[0]
        others = [line.split()[0] for line in self._listed(bad, good, "--bisect-all")]
        return next((commit for commit in others if commit != bad and commit not in passed), None)

    def subject(self, commit: str) -> str:
        """Return the first line of a commit's message."""
        shown = self._git("show", "--no-patch", "--format=%s", commit, "--").removesuffix("\n")
        return "".join(letter if letter.isprintable() else " " for letter in shown)[:_MOST_SUBJECT]

    def _listed(self, bad: str, good: Collection[str], *how: str) -> list[str]:
        """What git lists; a commit behind several good ones is left out once by each."""
        words = ("rev-list", *how, bad, *(f"^{one}" for one in sorted(good)), "--")
        return self._git(*words).split("\n")[:-1]

    def _git(self, *words: str) -> str:
        try:
            return call_git(self.top, *words, seconds=_SECONDS)
        except GitRefused as error:
            raise NotMeasured("git does not tell of the commits", str(error)) from error


def find_commits(project: Path, good: str, bad: str) -> Commits:
    """Return the commits between two revisions of a project's checkout.

    Args:
        project: a folder of the checkout.
        good: the name of the good end.
        bad: the name of the bad end.

    Raises:
        UsageError: no such revision, or the bad one does not come after the good one.
    """
    old, new = find_revision(project, good), find_revision(project, bad)
    if old.commit == new.commit:
        raise UsageError(f"'{good}' and '{bad}' are the same commit", fix="name a good one that comes before the bad")
    found = Commits(old.top, old.commit, new.commit)
    if _comes_after(old.top, new.commit, old.commit):
        return found
    if _comes_after(old.top, old.commit, new.commit):
        fix = f"turn them round: --good {bad} --bad {good} looks for what made it slower"
        raise UsageError(f"'{bad}' comes before '{good}'", fix=fix)
    try:
        both = call_git(old.top, "merge-base", old.commit, new.commit).strip()
    except GitRefused:
        fix = how_to_deepen(old.top) or "name two of one history"
        raise UsageError(f"'{good}' and '{bad}' have no commit in common here", fix=fix) from None
    fix = f"name a good one that it comes after, as --good {both[:12]}, if that was not slow yet"
    raise UsageError(f"'{bad}' does not come after '{good}'", fix=fix)


def _comes_after(top: Path, later: str, earlier: str) -> bool:
    try:
        call_git(top, "merge-base", "--is-ancestor", earlier, later, seconds=_SECONDS)
    except GitRefused:
        return False
    return True
