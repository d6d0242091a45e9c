"""The commits between a good and a bad one, as git has them: in a line, in a tangle, in a shallow clone."""

import random
import subprocess

import pytest

from bench.compare.bisection import Step, decisions_planned
from bench.errors import NotMeasured, UsageError
from bench.run.ab.revisions import find_revision
from bench.run.bisect.commits import find_commits
from bench.run.bisect.search import Tried, search
from tests.support.history import git, make_history


def make_tangle(root, parents):
    """Make a repository whose commits have those parents, by number; return their hashes."""
    root.mkdir()
    git(root, "init", "-q", "-b", "main", ".")
    stream = ""
    for number, of in enumerate(parents):
        stream += f"commit refs/heads/n{number}\nmark :{number + 1}\n"
        stream += f"committer a <a@example.org> {1_700_000_000 + number} +0000\ndata 1\nx\n"
        stream += "".join(f"{'merge' if at else 'from'} :{one + 1}\n" for at, one in enumerate(of))
        stream += f"M 100644 inline n.txt\ndata 3\n{number:02}\n\n"
    stream += f"reset refs/heads/main\nfrom :{len(parents)}\n"
    subprocess.run(["git", "-C", root, "fast-import", "--quiet"], input=stream, text=True, check=True)
    git(root, "reset", "-q", "--hard", "main")
    return [git(root, "rev-parse", f"n{number}") for number in range(len(parents))]


def tangled(draw, count):
    """Parents of commits, each of those before it; a third are merges, and all meet in the last one."""
    parents = [[], [0]]
    for number in range(2, count - 1):
        some = range(max(0, number - 4), number)
        parents.append(draw.sample(some, 2 if draw.random() < 0.35 else 1))
    heads = sorted(set(range(count - 1)) - {one for of in parents for one in of})
    return [*parents, heads]


def after(parents, slow):
    """The commits that have the slow one behind them, or are it."""
    found = {slow}
    for number, of in enumerate(parents):
        if found & set(of):
            found.add(number)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_commit_is_found_whatever_was_merged_and_what_cannot_be_tried(tmp_path, seed):
    draw = random.Random(seed)
    parents = tangled(draw, 16)
    shas = make_tangle(tmp_path / "project", parents)
    graph = find_commits(tmp_path / "project", shas[0], "main")
    listed = graph.left(shas[-1], (shas[0],))
    for slow in draw.sample(range(1, 15), 3):
        bad = after(parents, slow)
        broken = set(draw.sample(sorted(set(range(1, 15)) - {slow}), 3)) if slow % 2 else set()

        def try_(commit, alpha, bad=bad, broken=broken):
            number = shas.index(commit)
            if number in broken:
                return Tried(Step(commit=commit, answer="skipped"))
            return Tried(Step(commit=commit, answer="bad" if number in bad else "good", alpha=alpha, threshold=0.1))

        ends = [Step(commit=shas[-1], answer="bad", alpha=0.001, threshold=0.1)]
        planned = decisions_planned(len(listed))
        came_to = search(graph, shas[0], ends, planned, try_)
        assert shas[slow] in came_to.left
        assert {shas.index(one) for one in came_to.left} <= {slow} | broken | (bad if broken else set())
        if not broken:
            assert (came_to.ended_by, came_to.first.commit) == ("found", shas[slow])
        assert sum(step.alpha or 0 for step in came_to.steps) <= 0.01
        again = search(graph, shas[0], came_to.steps, planned, try_)
        assert (again.left, again.steps) == (came_to.left, came_to.steps)  # what is known is not tried again


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Nine commits in a line: their folder, hashes, and those between the first and the last."""
    root = tmp_path_factory.mktemp("line") / "project"
    shas = make_history(root, [{"n.txt": f"{at}\n"} for at in range(9)])
    return root, shas, find_commits(root, shas[0], "main")


def test_those_that_are_left_come_newest_first_and_lie_behind_no_good_one(line):
    root, shas, commits = line
    assert (commits.top, commits.good, commits.bad) == (root, shas[0], shas[8])
    assert commits.left(shas[8], [shas[0]]) == tuple(reversed(shas[1:]))
    assert commits.left(shas[6], [shas[0], shas[3]]) == (shas[6], shas[5], shas[4])
    assert commits.left(shas[3], [shas[3]]) == ()


def test_what_is_left_is_halved_and_what_was_passed_is_gone_around(line):
    _, shas, commits = line
    assert commits.halving(shas[8], [shas[0]], ()) == shas[4]
    assert commits.halving(shas[8], [shas[4]], ()) == shas[6]
    beside = commits.halving(shas[8], [shas[0]], [shas[4]])
    assert beside in (shas[3], shas[5])
    assert commits.halving(shas[8], [shas[0]], shas[1:8]) is None
    assert commits.halving(shas[1], [shas[0]], ()) is None


def test_a_subject_is_one_printable_line_of_bounded_length(line, tmp_path):
    _, shas, commits = line
    assert commits.subject(shas[3]) == "change 3"
    root = tmp_path / "project"
    make_history(root, [{"n.txt": "0\n"}])
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git(root, *who, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", f"\x1b[31mred {'x' * 300}\n\nmore")
    hostile = find_commits(root, "HEAD~1", "HEAD")
    assert hostile.subject(hostile.bad) == f" [31mred {'x' * 300}"[:200]


def test_ends_that_are_no_good_and_bad_one_of_one_line(line, tmp_path):
    root, shas, _ = line
    with pytest.raises(UsageError, match="'main' and 'HEAD' are the same commit"):
        find_commits(root, "main", "HEAD")
    with pytest.raises(UsageError, match=f"'{shas[2]}' comes before 'main'") as refused:
        find_commits(root, "main", shas[2])
    assert refused.value.fix.startswith(f"turn them round: --good {shas[2]} --bad main ")
    with pytest.raises(UsageError, match="'none' is no revision"):
        find_commits(root, "none", "main")
    apart = make_tangle(tmp_path / "apart", [[], [0], [0], [1, 2]])
    with pytest.raises(UsageError, match="'n2' does not come after 'n1'") as refused:
        find_commits(tmp_path / "apart", "n1", "n2")
    assert f"--good {apart[0][:12]}" in refused.value.fix


def test_a_commit_that_git_does_not_know_is_told(line):
    _, shas, commits = line
    with pytest.raises(NotMeasured, match="git does not tell of the commits: "):
        commits.left("0" * 40, [shas[0]])


def test_a_dirty_checkout_is_neither_read_nor_touched(tmp_path):
    root = tmp_path / "project"
    shas = make_history(root, [{"n.txt": f"{at}\n"} for at in range(4)])
    (root / "n.txt").write_text("edited\n")
    git(root, "checkout", "-q", "--detach")
    before = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    graph = find_commits(root, shas[0], "HEAD")
    assert graph.left(graph.bad, (graph.good,)) == tuple(reversed(shas[1:]))
    assert (git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")) == before


def test_a_shallow_clone_is_told_to_fetch_what_it_lacks(tmp_path):
    shas = make_history(tmp_path / "project", [{"n.txt": f"{at}\n"} for at in range(4)])
    clone = tmp_path / "clone"
    address = f"file://{tmp_path / 'project'}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", address, clone], check=True, capture_output=True)
    git(clone, "checkout", "-q", "--detach")
    for name in (shas[0], "v1"):
        with pytest.raises(UsageError, match=f"'{name}' is not in .*, a shallow clone") as told:
            find_revision(clone, name)
        assert f"'git fetch --depth 1 origin {name}'" in told.value.fix
    with pytest.raises(UsageError) as told:
        find_revision(clone, "HEAD~1")
    assert "'git fetch --unshallow'" in told.value.fix
    git(tmp_path / "project", "config", "uploadpack.allowAnySHA1InWant", "true")
    git(clone, "fetch", "-q", "--depth", "1", "origin", shas[0])  # as it says
    assert find_revision(clone, shas[0]).commit == shas[0]
    with pytest.raises(UsageError, match="no commit in common here") as told:
        find_commits(clone, shas[0], "HEAD")
    assert "git fetch --unshallow" in told.value.fix
    git(clone, "fetch", "-q", "--unshallow")
    assert len(find_commits(clone, shas[0], "HEAD").left(shas[-1], (shas[0],))) == 3
