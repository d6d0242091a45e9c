"""How often does a search for a slow commit name a wrong one, and how many pairs does it take?

    python benchmarks/statistics/commits.py [--glance] [--markdown FILE]

32 commits, of which one makes the test slower, each held against the first in pairs under the noises of
``pairs.py``; the ends are tried first, as ``bench bisect`` does. Target: a wrong commit in at most 1 % of the searches.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from noises import Floats
from pairs import MOST, NOISES, Runs, rate
from tables import markdown, percent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout is enough
from bench.compare.bisection import Answer, Step, decisions_planned, share
from bench.compare.stats import pairs
from bench.run.bisect.search import Tried, search

SEED = 20251016
COMMITS = 32
CHANGE = 0.10
CHANGES = (0.05, CHANGE, 0.20)


class Line:
    """Commits in a line, called by their numbers: what git would halve, without asking it."""

    def left(self, bad: str, good: Collection[str]) -> tuple[str, ...]:
        """Those that may be the first bad one, newest first."""
        return tuple(str(at) for at in range(int(bad), max(map(int, good)), -1))

    def halving(self, bad: str, good: Collection[str], passed: Collection[str]) -> str | None:
        """The one in the middle."""
        rest = sorted(self.left(bad, good)[1:], key=lambda at: abs(2 * int(at) - int(bad) - max(map(int, good))))
        return next((at for at in rest if at not in passed), None)


def draws(make: Runs, draw: np.random.Generator) -> Callable[[float], Floats]:
    """Differences of pairs in random order, twice as many as are first asked for, of commits that differ so much."""

    def pairs_of(change: float) -> Floats:
        runs = np.concatenate([make(draw), make(draw)])
        head_first = draw.random(len(runs)) < 0.5
        found: Floats = np.where(head_first, runs[:, 0] - runs[:, 1], runs[:, 1] - runs[:, 0]) + change
        return found

    return pairs_of


def threshold_after(found: Floats, alpha: float) -> tuple[float, int] | None:
    """Half of the change of the ends and the pairs that it took to be certain of it, as ``bench bisect`` goes on."""
    outcome, first = pairs.first_shown(found[:MOST], pairs.EFFECT, alpha)
    if first is None:
        outcome, first = pairs.first_shown(found, pairs.EFFECT, alpha)
    for made in range(first or len(found), len(found) + 1 if outcome == "slower" else 0):
        half = pairs.estimate(found[:made]) / 2
        if pairs.first_shown(found[:made] - half, 0.0, alpha)[0] == "slower":
            return half, made
    return None


def one_search(pairs_of: Callable[[float], Floats], slow: int, change: float) -> tuple[str, int]:
    """``found``, ``wrong`` or ``undecided``, and how many pairs were run; ``change`` is a logarithm."""
    planned = decisions_planned(COMMITS - 1)
    alpha, many = share(0, planned), 0
    ends = threshold_after(pairs_of(change), alpha)
    if ends is None:
        return "undecided", many
    threshold, many = ends
    words: dict[str, Answer] = {"slower": "bad", "faster": "good"}

    def attempt(commit: str, alpha: float) -> Tried:
        nonlocal many
        found = pairs_of(change if int(commit) >= slow else 0.0)
        outcome, after = pairs.first_shown(found[:MOST] - threshold, 0.0, alpha)
        if after is None:  # as many more, as a step is retried
            outcome, after = pairs.first_shown(found - threshold, 0.0, alpha)
        many += after or len(found)
        return Tried(Step(commit=commit, answer=words.get(outcome, "undecided"), alpha=alpha))

    known = [Step(commit=str(COMMITS - 1), answer="bad", threshold=threshold, alpha=alpha)]
    came_to = search(Line(), "0", known, planned, attempt)
    if came_to.ended_by != "found":
        return "undecided", many
    return ("found" if came_to.left == (str(slow),) else "wrong"), many


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, and the share of searches that named a wrong commit."""

    cells: list[str]
    wrong: float


def searches(make: Runs, change: float, many: int) -> Row:
    """What many searches for a commit somewhere in the line came to."""
    draw = np.random.default_rng(SEED)
    pairs_of = draws(make, draw)
    came_to = [one_search(pairs_of, int(draw.integers(1, COMMITS)), math.log1p(change)) for _ in range(many)]
    said = [one for one, _ in came_to]
    cells = [rate(said.count(word), many) for word in ("found", "wrong", "undecided")]
    return Row([*cells, f"{np.median([made for _, made in came_to]):.0f}"], said.count("wrong") / many)


def main() -> int:
    """Print the table; exit code 1 if a wrong commit is named more often than 1 % and the simulation's own error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--glance", action="store_true", help="few samples: does the table come out at all?")
    parser.add_argument("--markdown", type=Path, help="also write the table there")
    options = parser.parse_args()
    many, begin = 2 if options.glance else 300, time.monotonic()
    by_noise = {kind: searches(make, CHANGE, many) for kind, make in NOISES.items()}
    by_change = {percent(change): searches(NOISES["normal 2 %"], change, many) for change in CHANGES}
    came_to = ["found", "a wrong one", "undecided", "pairs in all, median"]
    parts = [
        (f"One slow commit of {COMMITS}, {percent(CHANGE)} slower ({many} searches)", ["noise", *came_to], by_noise),
        (f"One slow commit of {COMMITS} under normal noise of 2 % ({many} searches)", ["slower", *came_to], by_change),
    ]
    text = "\n".join(
        markdown(title, head, [[name, *row.cells] for name, row in rows.items()]) for title, head, rows in parts
    )
    print(text)
    worst = max(row.wrong for row in (*by_noise.values(), *by_change.values()))
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    print(f"most wrong {worst:.1%} (target 1 %), {time.monotonic() - begin:.0f} s")
    return int(worst > 0.01 + 2 * math.sqrt(0.01 * 0.99 / many))


if __name__ == "__main__":
    sys.exit(main())
