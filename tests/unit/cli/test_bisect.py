"""``bench bisect`` from its words to the commit, with a deterministic engine."""

import json
import random
import re
import subprocess

import pytest

from bench.errors import NotMeasured
from bench.record.work import PythonWork, Work
from bench.run.work.counting import CountedWork
from tests.support.history import git, make_history

TEST = "import work\ndef test_y():\n    assert work.N\n"
TOML = """[diagnostic.slow]
node = "tests/test_x.py::test_y"
image = "small"
devices = []
requirements = "requirements.txt"
"""
FIRST_BAD = 4


@pytest.fixture
def shas(tmp_path):
    """Eight commits; the fifth is slower."""
    start = {"tests/test_x.py": TEST, "bench.toml": TOML, "requirements.txt": "\n"}
    commits = [{"work.py": f"N = {1.0 if at < FIRST_BAD else 1.2}\n", "n.txt": f"{at}\n"} for at in range(8)]
    return make_history(tmp_path / "project", [start | commits[0], *commits[1:]])


@pytest.fixture
def bisect(bench_, shas, tmp_path, monkeypatch):
    """Run a search; its exit code, its document and what was said. Few pairs decide: that they do is tested elsewhere."""
    for module in ("bench.cli.paired.bisection", "bench.run.bisect.search"):
        monkeypatch.setattr(f"{module}.share", lambda number, planned: 0.2)

    def run(*words, good=shas[0]):
        ends = () if good is None else ("--good", good)
        where = ("--project", tmp_path / "project", "--results", tmp_path / "r")
        code, out, err = bench_("bisect", "slow", *where, *ends, *words, "--json")
        return code, json.loads(out) if out else None, err

    return run


@pytest.fixture
def takes(engine):
    """A run takes as long as its code says, times some noise, and ends as ``ends`` has it for its commit."""
    execute = engine.execute

    def by(ends=None, noise=0.01):
        draw = random.Random(1)

        def timed(place_, task, out, on_event):
            seconds = float((task.tree.root / "work.py").read_text().split()[-1])
            engine.walls = [seconds * (1 + draw.uniform(-noise, noise))]
            outcome = (ends or {}).get(int((task.tree.root / "n.txt").read_text()))
            if outcome is not None:
                engine.outcomes = [outcome]
            return execute(place_, task, out, on_event)

        engine.execute = timed

    return by


def test_the_commit_is_found_in_git_s_own_order_and_the_log_is_replayed(takes, engine, bisect, bench_, shas, tmp_path):
    takes()
    root = tmp_path / "project"
    before = {path: path.stat().st_mtime_ns for path in (root / ".git").rglob("*")}
    code, found, err = bisect("--bad", "main")
    assert {path: path.stat().st_mtime_ns for path in (root / ".git").rglob("*")} == before
    assert (code, found["ended_by"], found["first"]["commit"]) == (0, "found", shas[FIRST_BAD]), err
    assert found["left"] == [{"commit": shas[FIRST_BAD], "subject": "change 4"}]
    ends, *steps = found["steps"]
    assert (ends["commit"], ends["answer"]) == (shas[-1], "bad")
    bad, good = shas[-1], [shas[0]]
    for step in steps:
        assert step["commit"] == git(root, "rev-list", "--bisect", bad, *(f"^{one}" for one in good))
        assert step["answer"] == ("bad" if shas.index(step["commit"]) >= FIRST_BAD else "good")
        bad, good = (step["commit"], good) if step["answer"] == "bad" else (bad, [*good, step["commit"]])
    engine.executed.clear()
    words = ("--project", root, "--results", tmp_path / "r", "--replay", found["log"])
    code, out, _ = bench_("bisect", "slow", *words)
    assert (code, engine.executed) == (0, [])
    assert re.search(
        rf'^{shas[FIRST_BAD][:12]} made it slower: "change 4", call \+\d+\.\d % \(between \+\S+ % and \+\S+ %\) '
        rf"against {shas[0][:12]} commit subject pairs",
        " ".join(out.split()),
    )
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", root, clone], check=True, capture_output=True)
    assert f"{shas[FIRST_BAD]} is the first bad commit" in git(clone, "bisect", "replay", found["log"])
    for more, said in (
        (("--metric", "wall"), "is decided by 'call'"),
        (("--effect", "1%"), "less than 5.0 % are the same; leave --effect away"),
        (("--bad", "main~1"), "the log is of"),
        (("--good", "main~1"), "the log is of"),
    ):
        code, _, err = bench_("bisect", "slow", *words, *more)
        assert (code, said in err) == (2, True), err
    code, _, err = bench_("bisect", "--node", "tests/test_x.py::test_y", *words)
    assert (code, "the log is of 'slow'" in err) == (2, True), err
    code, _, err = bench_("bisect", "slow", *words[:-1], tmp_path / "none.log")
    assert (code, "cannot be read" in err) == (2, True), err
    assert engine.executed == []


def test_a_commit_beside_the_change_that_fails_may_be_it(takes, bisect, shas):
    takes({3: "failed"})
    code, found, err = bisect()
    why = {step["commit"]: step["why"] for step in found["steps"] if step["answer"] == "skipped"}
    assert why == {shas[3]: "its test failed"}
    assert (code, found["ended_by"], [one["commit"] for one in found["left"]]) == (6, "passed", [shas[4], shas[3]])
    assert "those that are left were skipped" in err
    assert all(step["alpha"] is None for step in found["steps"] if step["answer"] == "skipped")


def test_a_commit_that_does_not_build_is_skipped(takes, engine, bisect, shas):
    takes()
    prepare = engine.prepare

    def refuses(need, notify):
        if (need.requirements.parent / "n.txt").read_text() == "3\n":
            raise NotMeasured("no environment", "broken cannot be installed")
        return prepare(need, notify)

    engine.prepare = refuses
    code, found, _ = bisect("--bad", "main~3")
    skipped = [(step["commit"], step["why"]) for step in found["steps"] if step["answer"] == "skipped"]
    assert (code, skipped) == (
        6,
        [(shas[3], "it does not build: no environment: broken cannot be installed")],
    )


def test_the_work_of_bad_commits_is_counted_and_the_sentence_tells_of_it(takes, bisect, shas, monkeypatch):
    counted = []

    def look(side, wanted, times):
        number = int((side.plan.task.tree.root / "n.txt").read_text())
        counted.append((number, wanted, times))
        calls = 1000 if number < FIRST_BAD else 1119
        return CountedWork(Work(counted=times, python=PythonWork(calls, {"work": calls})))

    monkeypatch.setattr("bench.run.ab.experiment.look_at_work", look)
    takes()
    code, found, err = bisect("--work")
    bad = [step for step in found["steps"] if step["answer"] == "bad"]
    assert (code, found["first"]["commit"]) == (0, shas[FIRST_BAD]), err
    assert counted == [(at, "always", 2) for step in bad for at in (0, shas.index(step["commit"]))]
    said = "the commit does 11.9 % more Python calls: functions of work 1 000 → 1 119 calls"
    assert {step["work"] for step in bad} == {said}
    assert {step["work"] for step in found["steps"] if step["answer"] == "good"} == {""}
    assert found["sentence"].endswith(f" against {shas[0][:12]}; {said}")
    counted.clear()
    code, again, err = bisect("--work", "--replay", found["log"], good=None)
    assert (code, again["sentence"], counted) == (0, found["sentence"], []), err


def test_a_commit_whose_test_cannot_be_imported_is_skipped(takes, engine, bisect, shas):
    takes()
    execute, why = engine.execute, "pytest could not import tests/test_x.py: SyntaxError: invalid syntax"

    def refuses(place_, task, out, on_event):
        ending = execute(place_, task, out, on_event)
        if (task.tree.root / "n.txt").read_text() == "3\n":
            told = json.loads((out / "result.json").read_text())
            refused = {"outcome": "not_measured", "exit_code": 4, "signature": why, "tests": []}
            (out / "result.json").write_text(json.dumps(told | refused))
        return ending

    engine.execute = refuses
    code, found, err = bisect("--bad", "main")
    skipped = [(step["commit"], step["why"]) for step in found["steps"] if step["answer"] == "skipped"]
    assert skipped == [(shas[3], f"its test cannot be run: {why}")], err
    assert (code, found["ended_by"], [one["commit"] for one in found["left"]]) == (6, "passed", [shas[4], shas[3]])


def test_ends_that_do_not_differ_stay_undecided_or_fail(takes, bisect, shas):
    takes()
    code, found, err = bisect("--bad", shas[3])
    assert (code, found["ended_by"], found["first"]) == (2, "ends", None)
    assert "the bad end is not slower than the good one: the same within 5.0 %" in err
    takes(noise=0.5)
    code, found, err = bisect("--max-pairs", "2")
    assert (code, found["ended_by"]) == (6, "ends")
    assert "undecided after 2 pairs: up to 2 more" in err
    assert "whether the bad end is slower than the good one is undecided after 4 pairs" in err
    takes({7: "failed"})
    code, _, err = bisect()
    assert (code, "cannot be held against the good one: its test failed" in err) == (3, True), err


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("main", "main", "are the same commit"),
        ("main", "main~3", "comes before"),
        ("none", "main", "'none' is no revision"),
        ("-x", "main", "is no revision"),
        (None, "main", "no --good was given"),
    ],
)
def test_ends_that_make_no_sense(engine, bisect, good, bad, said):
    code, _, err = bisect("--bad", bad, *([] if good is None else [f"--good={good}"]), good=None)
    assert (code, said in err) == (2, True), err
    assert engine.executed == []


def test_a_checkout_is_needed(engine, bench_, tmp_path):
    code, _, err = bench_("bisect", "slow", "--good", "main~1")
    assert (code, "needs the checkout" in err) == (2, True)


def test_ctrl_c_keeps_what_was_found_and_replay_goes_on(takes, engine, bisect, shas):
    takes({3: "interrupted"})
    code, first, err = bisect()
    assert (code, first["ended_by"]) == (130, "interrupted")
    assert f"--replay {first['log']}" in err
    assert [step["answer"] for step in first["steps"]] == ["bad", "undecided"]
    takes()
    engine.executed.clear()
    code, second, err = bisect("--replay", first["log"], good=None)
    assert (code, second["first"]["commit"]) == (0, shas[FIRST_BAD]), err
    assert second["steps"][:2] == first["steps"]
    assert shas[3] in {step["commit"] for step in second["steps"][2:]}  # without an answer it is tried again
    assert len({task.tree.sha256 for task in engine.executed}) == len(second["steps"]) - 2 + 1


def test_a_budget_is_of_the_whole_search(takes, engine, bisect, monkeypatch):
    takes()
    monkeypatch.setattr("bench.run.ab.pairs.now", lambda: 100.0 * len(engine.executed))
    code, found, err = bisect("--budget", "25min")
    assert (code, found["ended_by"], len(found["left"])) == (6, "budget", 7)
    assert "the budget is spent\nnext: bench bisect slow --project " in err
    assert f" --replay {found['log']}\n" in err
    assert len(engine.executed) <= 15


def test_a_commit_without_the_figure_is_skipped_and_judged_by_no_other(takes, engine, bisect, shas):
    takes()
    execute = engine.execute

    def without(place_, task, out, on_event):
        ending = execute(place_, task, out, on_event)
        if (task.tree.root / "n.txt").read_text() == "3\n":
            result = json.loads((out / "result.json").read_text())
            result["tests"][0]["call_s"] = None
            (out / "result.json").write_text(json.dumps(result))
        return ending

    engine.execute = without
    code, found, _ = bisect()
    why = {step["commit"]: step["why"] for step in found["steps"] if step["answer"] == "skipped"}
    assert (code, why) == (6, {shas[3]: "call cannot decide: no pair has it on both sides"})


def test_a_lost_engine_ends_it_and_is_no_commit_s_fault(takes, bisect):
    takes({3: NotMeasured("no room", "the disk is full", "make room")})
    code, found, _ = bisect()
    assert (code, found["ended_by"], found["steps"][-1]["answer"]) == (6, "lost", "undecided")
    assert "no room" in found["steps"][-1]["why"]
