"""The search over a real repository of 32 commits, with a stand-in that measures under noise."""

import math
from functools import cache

import numpy as np
import pytest

from bench.compare.bisection import Step, decisions_made, decisions_planned
from bench.compare.stats import pairs
from bench.run.bisect.commits import find_commits
from bench.run.bisect.search import Tried, search
from tests.support.history import git, make_history

MANY = 32


class Cached:
    """Commits whose git is asked once for each question."""

    def __init__(self, commits):
        left, halving = cache(commits.left), cache(commits.halving)
        self.left = lambda bad, good: left(bad, tuple(good))
        self.halving = lambda bad, good, passed: halving(bad, tuple(good), frozenset(passed))


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    root = tmp_path_factory.mktemp("history") / "project"
    shas = make_history(root, [{"n.txt": f"{at}\n"} for at in range(MANY)])
    return root, shas, Cached(find_commits(root, shas[0], shas[-1]))


def measured(draw, change, noise, threshold, alpha):
    """What pairs under noise show of a change, held against a threshold; the bets are those of every experiment."""
    found = change + draw.normal(0, noise * math.sqrt(2), 50) - threshold
    outcome, _ = pairs.first_shown(found, 0.0, alpha)
    return {"slower": "bad", "faster": "good"}.get(outcome, "undecided")


def tries(shas, answer):
    """Try a commit: its answer is by its number and by what it may err."""

    def by(commit, alpha):
        said = answer(shas.index(commit), alpha)
        return Tried(Step(commit=commit, answer=said, alpha=None if said == "skipped" else alpha))

    return by


def ends(shas):
    return [Step(commit=shas[-1], answer="bad", alpha=0.001, threshold=0.05)]


def test_one_slow_commit_of_32_is_found_under_noise(history):
    _, shas, graph = history
    wrong = found = 0
    planned = decisions_planned(MANY - 1)
    for seed in range(80):
        draw = np.random.default_rng(seed)
        slow = int(draw.integers(1, MANY))

        def answer(number, alpha, slow=slow, draw=draw):
            change = math.log(1.1) if number >= slow else 0.0
            return measured(draw, change, 0.02, math.log(1.1) / 2, alpha)

        came_to = search(graph, shas[0], ends(shas), planned, tries(shas, answer))
        found += came_to.left == (shas[slow],)
        wrong += came_to.ended_by == "found" and came_to.left != (shas[slow],)
        assert decisions_made(came_to.steps) <= planned + 1
        assert sum(step.alpha for step in came_to.steps) <= 0.01
    assert (wrong, found) == (0, 80)


def test_without_noise_it_is_git_s_own_bisect(history):
    root, shas, graph = history
    for slow in (1, 15, MANY - 1):
        came_to = search(
            graph, shas[0], ends(shas), 6, tries(shas, lambda at, _, slow=slow: ("good", "bad")[at >= slow])
        )
        assert (came_to.ended_by, came_to.first.commit) == ("found", shas[slow])
        git(root, "bisect", "start", shas[-1], shas[0])
        tried = []
        while (at := git(root, "rev-parse", "HEAD")) not in tried:
            tried.append(at)
            said = git(root, "bisect", "bad" if shas.index(at) >= slow else "good")
            if "is the first bad commit" in said:
                break
        git(root, "bisect", "reset")
        assert [step.commit for step in came_to.steps[1:]] == tried


def test_what_is_skipped_beside_the_change_may_be_it(history):
    _, shas, graph = history
    said = {13: "skipped", 14: "undecided"}
    came_to = search(graph, shas[0], ends(shas), 6, tries(shas, lambda at, _: said.get(at, ("good", "bad")[at >= 14])))
    assert (came_to.ended_by, came_to.first) == ("passed", None)
    assert came_to.left == (shas[15], shas[14], shas[13])
    again = search(graph, shas[0], came_to.steps, 6, tries(shas, lambda at, _: ("good", "bad")[at >= 14]))
    assert again.ended_by == "passed"  # the one without an answer is tried again, the skipped one is not
    assert again.left == (shas[14], shas[13])
    assert [step.commit for step in again.steps[len(came_to.steps) :]] == [shas[14]]


def test_nothing_is_spent_beyond_the_budget_however_often_there_is_no_answer(history):
    _, shas, graph = history
    came_to = search(graph, shas[0], ends(shas), 6, tries(shas, lambda *_: "undecided"))
    assert len(came_to.left) == MANY - 1
    assert len(came_to.steps) == MANY - 1
    assert sum(step.alpha for step in came_to.steps) <= 0.01


def test_every_commit_that_is_left_may_fail(history):
    _, shas, graph = history
    came_to = search(graph, shas[0], ends(shas), 6, lambda commit, _: Tried(Step(commit=commit, answer="skipped")))
    assert (came_to.ended_by, came_to.first, len(came_to.left)) == ("passed", None, MANY - 1)


def test_neighbours_need_no_step_between_them(history):
    _, shas, graph = history
    known = [Step(commit=shas[1], answer="bad", alpha=0.001, threshold=0.1)]
    came_to = search(graph, shas[0], known, decisions_planned(1), lambda *_: pytest.fail("there is none to try"))
    assert (came_to.ended_by, came_to.first.commit) == ("found", shas[1])


def test_a_side_branch_is_searched_as_git_does(tmp_path):
    root = tmp_path / "project"
    shas = make_history(root, [{"n.txt": f"{at}\n"} for at in range(6)])
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git(root, "checkout", "-qb", "side", shas[2])
    (root / "other.txt").write_text("o\n")
    git(root, "add", ".")
    git(root, *who, "commit", "-qm", "aside")
    side = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "main")
    git(root, *who, "merge", "-q", "--no-ff", "-m", "both", "side")
    graph = find_commits(root, shas[0], "main")
    tip = git(root, "rev-parse", "main")
    known = [Step(commit=tip, answer="bad", alpha=0.001, threshold=0.05)]
    came_to = search(graph, shas[0], known, 6, lambda commit, alpha: Tried(_by_ancestor(root, side, commit, alpha)))
    assert came_to.left == (side,)


def _by_ancestor(root, slow, commit, alpha):
    holds = slow in git(root, "rev-list", commit).split()
    return Step(commit=commit, answer="bad" if holds else "good", alpha=alpha, threshold=0.05)
