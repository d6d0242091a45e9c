"""The search itself: which commit is tried next, and what the answers so far leave (pure but for whoever answers)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bench.compare.bisection import Step, decisions_made, share
from bench.errors import ExitCode

Ended = Literal["found", "passed", "budget", "interrupted", "lost"]
"""Why a search ended; ``passed``: each commit that is left was skipped, or has no answer."""


class Graph(Protocol):
    """Commits between a good and a bad one (see ``bench.run.bisect.commits``)."""

    def left(self, bad: str, good: Collection[str]) -> tuple[str, ...]:
        """Return those that may be the first bad one."""

    def halving(self, bad: str, good: Collection[str], passed: Collection[str]) -> str | None:
        """Return the one to try next.

        Args:
            bad: the oldest commit that is known to be bad.
            good: those that are known to be good.
            passed: those that cannot be tried, or were without an answer.
        """


@dataclass(frozen=True, slots=True)
class Tried:
    """A commit with its answer; ``ends`` is why no other can be tried."""

    step: Step
    ends: Ended | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: ``left`` holds the one first bad commit, or all that may be it."""

    left: tuple[str, ...]
    steps: tuple[Step, ...]
    ended_by: Ended

    @property
    def first(self) -> Step | None:
        """The first bad commit with what it was measured to be, if it is known."""
        if self.ended_by != "found":
            return None
        return next(step for step in self.steps if step.commit == self.left[0] and step.answer == "bad")

    @property
    def exit_code(self) -> ExitCode:
        """0 for a commit that was found, 130 if somebody did not wait for it, 6 if several may be it."""
        if self.ended_by == "found":
            return ExitCode.OK
        return ExitCode.INTERRUPTED if self.ended_by == "interrupted" else ExitCode.NOT_MEASURED


def search(graph: Graph, good: str, steps: Sequence[Step], planned: int, try_: Callable[[str, float], Tried]) -> Found:
    """Look for the first bad commit.

    Args:
        graph: the commits.
        good: the good end.
        steps: what is known, in its order: the bad end first. A commit that had no answer is tried again.
        planned: how many decisions the error budget is for (:func:`bench.compare.bisection.decisions_planned`).
        try_: tries a commit, with what its answer may err.

    Returns:
        With all steps, those that were known too.
    """
    made, tried_here = list(steps), set[str]()
    ends: Ended | None = None
    while True:
        bad = [step.commit for step in made if step.answer == "bad"][-1]
        fine = (good, *(step.commit for step in made if step.answer == "good"))
        skipped = {step.commit for step in made if step.answer == "skipped"}
        left = graph.left(bad, fine)
        if left == (bad,):
            return Found(left, tuple(made), "found")
        commit = graph.halving(bad, fine, skipped | tried_here)
        if ends is not None or commit is None:
            return Found(left, tuple(made), ends or "passed")
        tried = try_(commit, share(decisions_made(made), planned))
        made.append(tried.step)
        tried_here.add(commit)
        ends = tried.ends
