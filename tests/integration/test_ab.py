"""`bench ab` and `bench bisect` with the local engine: commits of a repository, and more pairs later."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.compare.bisection import Step, decisions_planned
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from bench.run.bisect.log import Search, log_text
from tests.integration.command import Command

pytestmark = pytest.mark.integration

TEST = """
import time
from work import SECONDS

def test_work():
    time.sleep(SECONDS)
"""
TOML = '[diagnostic.work]\nnode = "test_work.py::test_work"\nimage = "small"\ndevices = []\n'


def git(root: Path, *words: str) -> str:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    return subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "test_work.py").write_text(TEST)
    (root / "bench.toml").write_text(TOML)
    (root / "work.py").write_text("SECONDS = 0.01\n")
    git(root, "init", "-q", ".")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    git(root, "tag", "v1")
    (root / "work.py").write_text("SECONDS = 0.2\n")
    return root


def test_pairs_of_two_commits_and_more_of_them_later(tmp_path: Path, project: Path) -> None:
    (tmp_path / "run").mkdir()
    command = Command(tmp_path / "run")
    words = ("work", "--project", project, "--base", "v1", "--engine", "local", "--no-calibration")
    before = git(project, "status", "--porcelain")
    done = command("ab", *words, "--max-pairs", "2", "--results", "r")
    assert done.code == 6, done.err
    assert "undecided after 2 pairs: call has no interval yet" in done.out
    done = command("ab", "--resume", "--max-pairs", "3", "--no-calibration", "--results", "r", "--json")
    assert done.code == 6, done.err
    said = json.loads(done.out)
    assert (said["experiment"]["made"], said["ended_by"]) == (3, "max_pairs")
    assert said["experiment"]["decides"]["change"] > 1
    for side in ("base", "head"):
        record = said[side]["record"]
        assert record["experiment"]["pair"] == [0, 1, 2]
        assert [run["index"] for run in record["runs"]] == [0, 1, 2]
        starts = [run["started_at"] for run in record["runs"]]
        assert starts == sorted(starts)
        assert (Path(command.folder) / said[side]["path"] / "logs" / "pytest-000.log").is_file()
    bundles = find_bundles(command.folder / "r")
    assert [verify_bundle(bundle.path) for bundle in bundles] == [[]] * 4
    again = command("compare", said["base"]["path"], said["head"]["path"])
    assert (again.code, said["sentence"] in " ".join(again.out.split())) == (6, True), again.out
    assert git(project, "status", "--porcelain") == before
    assert git(project, "worktree", "list").count("\n") == 1


def test_the_slow_one_of_three_commits_whose_ends_a_log_knows(tmp_path: Path, project: Path) -> None:
    (tmp_path / "run").mkdir()
    command = Command(tmp_path / "run")
    git(project, "commit", "-qam", "slower")
    slow = git(project, "rev-parse", "HEAD").strip()
    (project / "other.txt").write_text("o\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "another")
    good, bad = git(project, "rev-parse", "v1", "HEAD").split()
    what = Search(name="work", good=good, bad=bad, metric="call", effect=0.05, planned=decisions_planned(2))
    ends = Step(commit=bad, answer="bad", change=9.0, low=5.0, threshold=1.0, alpha=0.0045)
    (tmp_path / "log").write_text(log_text(what, [ends], None))
    before = git(project, "status", "--porcelain", "--branch")
    words = ("work", "--project", project, "--replay", tmp_path / "log", "--engine", "local", "--results", "r")
    done = command("bisect", *words, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert (said["ended_by"], said["first"]["commit"], said["first"]["subject"]) == ("found", slow, "slower")
    assert said["first"]["low"] > 1
    assert [verify_bundle(bundle.path) for bundle in find_bundles(command.folder / "r")] == [[]] * 2
    assert git(project, "status", "--porcelain", "--branch") == before
    assert git(project, "worktree", "list").count("\n") == 1
