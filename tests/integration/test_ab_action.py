"""action.yml and ci/gitlab-ab.yml as their systems would execute them, for a repository that is not bench's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.record.storage.verify import verify_bundle
from ci.ab import MARKER
from tests.integration.ci_systems import ROOT, Expressions, check_out, clean_environment, load_yaml, run_script

pytestmark = [pytest.mark.slow]

ACTION = load_yaml(ROOT / "action.yml")
GITLAB = load_yaml(ROOT / "ci/gitlab-ab.yml")["bench-ab"]
TEST = "import time\nfrom work import SECONDS\n\n\ndef test_work():\n    time.sleep(SECONDS)\n"
GH = """
import json, os, pathlib, sys
words = sys.argv[1:]
home = pathlib.Path(os.environ["GH_HOME"])
assert os.environ["GH_TOKEN"] == "job-token"
if "--method" not in words:
    sys.exit(0)
body = next(word for word in words if word.startswith("body=@"))
home.write_text(json.dumps([words[words.index("--method") + 1], words[words.index("--method") + 2], pathlib.Path(body.removeprefix("body=@")).read_text()]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "test_work.py").write_text(TEST)
    (root / "bench.toml").write_text(
        '[diagnostic.work]\nnode = "test_work.py::test_work"\nimage = "small"\ndevices = []\n'
    )
    (root / "work.py").write_text("SECONDS = 0.01\n")
    git(root, "init", "-q", "-b", "main", ".")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    (root / "work.py").write_text("SECONDS = 0.2\n")
    git(root, "commit", "-qam", "two")
    return root


def git(root: Path, *words: str) -> str:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    done = subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def act(project: Path, base: str, given: dict[str, str], fork: bool = False) -> tuple[list[str], int, Path]:
    """Play a runner that comes to a step that uses the action; what the steps said, how the last one ended, its files."""
    home = project.parent
    temp, path = home / "temp", check_out(home / "action")
    temp.mkdir()
    (home / "bin").mkdir()
    (home / "bin/gh").write_text(f"#!{sys.executable}\n{GH}")
    (home / "bin/gh").chmod(0o755)
    request = {
        "number": 7,
        "base": {"sha": base},
        "head": {"repo": {"full_name": "a/fork" if fork else "owner/project"}},
    }
    github = {"event_name": "pull_request", "repository": "owner/project", "token": "job-token"}
    contexts: dict[str, Any] = {"github": {**github, "event": {"pull_request": request}}, "runner": {"temp": str(temp)}}
    known = Expressions(contexts, home)
    inputs = {name: given.get(name, known.text(one["default"])) for name, one in ACTION["inputs"].items()}
    contexts |= {"inputs": inputs, "steps": {"python": {"outputs": {"python-path": sys.executable}}}}
    expressions = Expressions(contexts, home)
    env = clean_environment(BENCH_LOCK_FOLDER=str(home), XDG_STATE_HOME=str(home / "state")) | {
        "BENCH_PYTHON": sys.executable,
        "GITHUB_ACTION_PATH": str(path),
        "GITHUB_WORKSPACE": str(project),
        "GITHUB_STEP_SUMMARY": str(home / "step-summary"),
        "GITHUB_REPOSITORY": "owner/project",
        "RUNNER_TEMP": str(temp),
        "GH_HOME": str(home / "gh.json"),
    }
    env["PATH"] = f"{home / 'bin'}{os.pathsep}{env['PATH']}"
    said, code = [], 0
    for step in ACTION["runs"]["steps"]:
        if "uses" in step or not expressions.holds(step.get("if")):
            continue
        own = {name: expressions.text(value) for name, value in step.get("env", {}).items()}
        done = run_script(step["run"], project, env | own)
        said.append(f"{step['name']}: {done.stdout}{done.stderr}")
        code = done.returncode
        if code:
            break
    return said, code, temp / "bench-ab"


def test_a_request_is_measured_on_one_runner(project: Path) -> None:
    given = {"name": "work", "engine": "local", "arguments": "--max-pairs 2 --no-calibration", "comment": "true"}
    said, code, out = act(project, git(project, "rev-parse", "HEAD~"), given)
    assert code == 0, said
    document = json.loads((out / "ab.json").read_text())
    assert document["exit_code"] == 6, said
    bundles = [Path(document[side]["path"]) for side in ("base", "head")]
    assert all(path.is_relative_to(out / "results") for path in bundles)
    assert [verify_bundle(path) for path in bundles] == [[], []]
    assert document["experiment"]["decides"]["change"] > 1
    summary = (project.parent / "step-summary").read_text()
    assert "### Base against head: undecided" in summary
    method, where, body = json.loads((project.parent / "gh.json").read_text())
    assert (method, where) == ("POST", "repos/owner/project/issues/7/comments")
    assert body == f"{MARKER}\n{summary}"
    assert git(project, "status", "--porcelain") == ""


def test_a_base_that_there_is_not_fails_and_says_so(project: Path) -> None:
    said, code, out = act(project, "0123456789" * 4, {"name": "work", "comment": "true"}, fork=True)
    assert code == 1, said
    assert "cannot be fetched" in (out / "summary.md").read_text()
    assert not (project.parent / "gh.json").exists()


def test_gitlab_s_job_does_the_same(project: Path) -> None:
    source = check_out(project.parent / "source")
    git(source, "init", "-q", "-b", "main", ".")
    git(source, "add", ".")
    git(source, "commit", "-qm", "bench")
    env = clean_environment(BENCH_LOCK_FOLDER=str(project.parent)) | {
        name: str(value) for name, value in GITLAB["variables"].items()
    }
    env |= {"BENCH_PYTHON": sys.executable, "CI_PROJECT_DIR": str(project), "BENCH_REPOSITORY": f"file://{source}"}
    env |= {"CI_MERGE_REQUEST_DIFF_BASE_SHA": git(project, "rev-parse", "HEAD~"), "BENCH_AB_NAME": "work"}
    env |= {"BENCH_AB_ARGUMENTS": "--max-pairs 1 --no-calibration"}
    script = "\n".join([*GITLAB["before_script"], *GITLAB["script"]])
    done = run_script(script, project, env)
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = (project / path for path in GITLAB["artifacts"]["paths"])
    assert json.loads((kept / "ab.json").read_text())["exit_code"] == 6
    shutil.rmtree(kept)
    done = run_script(script, project, {name: value for name, value in env.items() if name != "BENCH_REPOSITORY"})
    assert done.returncode != 0
    assert "set it to the address of bench" in done.stderr
