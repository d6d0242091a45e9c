"""The matrix as CI would execute it: each job's commands, two legs as two hosts, gather, verdict."""

from __future__ import annotations

import http.server
import io
import json
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.engine.images.facts import ImageFacts
from ci.images import restore, save
from ci.summary import MARKER
from tests.integration.ci_systems import ROOT, GitHub, GitLab, Job, clean_environment

pytestmark = [pytest.mark.slow]

WORKFLOW = ROOT / ".github/workflows/bench.yml"
BRANCH = {"ref": "refs/heads/main", "event": {}}

# Another machine, and a quiet one: what a class of hosts and its neighbours are is tested elsewhere.
SITE = """
import os, sys
if os.environ.get("BENCH_TEST_HOST"):
    import importlib.abc, importlib.util

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name not in ("bench.host.identity", "bench.host.monitor.disturbances"):
                return None
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(name)
            sys.meta_path.insert(0, self)
            run = spec.loader.exec_module
            def exec_module(module):
                run(module)
                if name.endswith("identity"):
                    read = module.read_class
                    def other(*given):
                        import msgspec
                        found, missing = read(*given)
                        return msgspec.structs.replace(found, cpu_model=os.environ["BENCH_TEST_HOST"]), missing
                    module.read_class = other
                else:
                    module.LEAST_WINDOW_S = 1e9
            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Finder())
"""
TEST = "import pathlib, time\n\n\ndef test_spin():\n    time.sleep(float(pathlib.Path(__file__).with_name('seconds').read_text()))\n"

# GitHub's command line as far as our comment needs it: a request's comments, in a file.
GH = """
import json, os, pathlib, re, sys

words = sys.argv[1:]
kept = pathlib.Path(os.environ["GH_COMMENTS"])
comments = json.loads(kept.read_text())
assert words.pop(0) == "api"
method = words[words.index("--method") + 1] if "--method" in words else "GET"
(path,) = [word for word in words if word.startswith("repos/owner/project/issues/")]
if method == "GET":
    assert "--paginate" in words
    login, marker = re.search(r'login == "(.+?)".*startswith\\("(.+?)"\\)', words[words.index("--jq") + 1]).groups()
    assert path.startswith("repos/owner/project/issues/7/comments")
    for one in comments:
        if one["user"] == login and one["body"].startswith(marker):
            print(one["id"])
    sys.exit()
body = pathlib.Path(words[words.index("-F") + 1].removeprefix("body=@")).read_text()
if method == "POST":
    assert path == "repos/owner/project/issues/7/comments"
    comments.append({"id": 100 + len(comments), "user": "github-actions[bot]", "body": body})
else:
    assert method == "PATCH"
    (one,) = [one for one in comments if path == f"repos/owner/project/issues/comments/{one['id']}"]
    one["body"] = body
kept.write_text(json.dumps(comments))
"""


def git(root: Path, *words: str) -> str:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    return subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True, text=True).stdout


class Project:
    """A project of somebody's, with one diagnostic of a few milliseconds; no torch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir(parents=True)
        (self.folder / "test_spin.py").write_text(TEST)
        (self.folder / "bench.toml").write_text(
            '[diagnostic.spin]\nnode = "test_spin.py::test_spin"\nimage = "small"\nceiling_s = 30.0\ntimeout_s = 60.0\n'
        )
        self.takes(0.0)
        git(self.folder, "init", "-q", ".")
        for number in (1, 2):
            self.commit(f"change {number}")
        local = ["--project", str(self.folder), "--engine", "local", "--no-calibration"]
        self.matrix = folder / "matrix.json"
        self.runners = [
            {"name": "large", "runs_on": ["x"], "devices": ["cpu"], "arguments": [*local, "--memory", "512MiB"]},
            {"name": "small", "runs_on": ["x"], "devices": ["cpu"], "arguments": [*local, "--memory", "256MiB"]},
            # Its engine is nowhere: this leg can measure nothing.
            {
                "name": "absent",
                "runs_on": ["x"],
                "devices": ["cpu"],
                "arguments": [
                    "--project",
                    str(self.folder),
                    "--engine",
                    "docker",
                    "--host",
                    f"unix://{folder}/no.sock",
                ],
            },
        ]
        self.write_matrix()

    def takes(self, seconds: float) -> None:
        """Change the code: the test takes so long."""
        (self.folder / "seconds").write_text(f"{seconds}")

    def commit(self, subject: str) -> str:
        """Commit the code, and return the commit before."""
        git(self.folder, "add", ".")
        git(self.folder, "commit", "-qm", subject, "--allow-empty")
        return git(self.folder, "rev-parse", "HEAD~1") if subject != "change 1" else ""

    def write_matrix(self) -> None:
        self.matrix.write_text(json.dumps({"diagnostics": ["spin_cpu"], "runners": self.runners}))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "work")


@pytest.fixture
def env(tmp_path: Path, project: Project) -> dict[str, str]:
    """A job's environment, with a ``gh`` that keeps comments."""
    tools = tmp_path / "tools"
    site = tmp_path / "site"
    tools.mkdir()
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    gh = tools / "gh"
    gh.write_text(f"#!{sys.executable}\n{GH}")
    gh.chmod(0o755)
    found = clean_environment(
        BENCH_PYTHON=sys.executable,
        BENCH_MATRIX=str(project.matrix),
        GH_COMMENTS=str(tmp_path / "comments.json"),
        PYTHONPATH=str(site),
        BENCH_LOCK_FOLDER=str(tmp_path),
        DOCKER_HOST=f"unix://{tmp_path}/no.sock",
    )
    return found | {"PATH": f"{tools}:{found['PATH']}"}


HOSTS = {"large": {"BENCH_TEST_HOST": "Large CPU"}, "small": {"BENCH_TEST_HOST": "Small CPU"}}


def github(tmp_path: Path, env: dict[str, str], **more: object) -> GitHub:
    return GitHub(WORKFLOW, tmp_path / "github", env, HOSTS, **more)  # type: ignore[arg-type]


def rows(run: Path) -> dict[str, dict[str, object]]:
    verdict = json.loads((run / "gather/report/verdict.json").read_text())
    return {row["leg"]: row for row in verdict["legs"]}


def test_a_baseline_then_a_pull_request_that_is_slower_than_its_base(
    tmp_path: Path, project: Project, env: dict[str, str]
) -> None:
    system = github(tmp_path, env)
    repeat = {"repeat": "5", "profile": "smoke"}

    jobs = system.run("workflow_dispatch", **BRANCH, inputs=repeat)
    assert jobs["gather"].result == "success", jobs["gather"].log
    first = rows(tmp_path / "github/run-1")
    assert first["spin_cpu-large"]["status"] == "ok"
    assert first["spin_cpu-small"]["status"] == "ok"
    assert first["spin_cpu-large"]["host"] != first["spin_cpu-small"]["host"]
    assert "no result of this leg" in str(first["spin_cpu-large"]["baseline"])

    # The leg that measured nothing is shown as such, and fails nothing.
    assert jobs["leg spin_cpu-absent"].result == "success"
    assert first["spin_cpu-absent"]["status"] == "not_measured"
    assert "no.sock" in str(first["spin_cpu-absent"]["why"])
    assert "2 of 3 legs measured, 1 measured nothing" in system.summary
    assert jobs["comment"].result == "skipped"
    report = tmp_path / "github/run-1/artifacts/bench-report"
    assert "<html" in (report / "report.html").read_text()[:300]
    assert "<testsuite" in (report / "junit.xml").read_text()
    records = [json.loads(path.read_text()) for path in report.parent.glob("leg-*/*/results/*/*/*/record.json")]
    measured = [record for record in records if record["runs"]]
    limits = sorted(record["engine"]["limits"]["memory_bytes"] for record in measured)
    assert limits == [256 * 1024**2, 512 * 1024**2]
    assert [record["outcome"] for record in records if not record["runs"]] == ["not_measured"]

    project.takes(0.5)
    base = project.commit("slower").strip()
    head = {"head": {"repo": {"full_name": "owner/project"}}, "number": 7}
    event = {"pull_request": {**head, "labels": []}}
    jobs = system.run("pull_request", ref="refs/pull/7/merge", event=event, inputs=repeat)
    second = rows(tmp_path / "github/run-2")
    assert second["spin_cpu-large"]["status"] == "code_regressed", second
    assert second["spin_cpu-small"]["status"] == "code_regressed", second
    assert second["spin_cpu-large"]["baseline"] == f"pairs with {base[:12]}"
    assert not (tmp_path / "github/run-2/gather/baseline").exists()
    comment = (tmp_path / "github/run-2/artifacts/bench-report/comment.md").read_text()
    assert re.search(
        r"^\| spin_cpu-large \| \S+ code regressed \| call [^|]+ \| [^|]+ \| \d+ \| slower: ",
        comment,
        re.MULTILINE,
    )
    assert jobs["gather"].result == "failure"
    assert "FAILS spin_cpu-large" in jobs["gather"].log
    assert "2 over the ceiling or slower" in system.summary
    assert jobs["comment"].result == "skipped"
    assert len([key for key in system.caches if "baseline" in key]) == 1


def test_a_comment_only_where_the_label_asks_for_it(tmp_path: Path, project: Project, env: dict[str, str]) -> None:
    project.runners = project.runners[2:]  # the leg that measures nothing is enough to have something to say
    project.write_matrix()
    system = github(tmp_path, env)
    asked = {
        "head": {"repo": {"full_name": "owner/project"}},
        "number": 7,
        "labels": [{"name": "bug"}, {"name": "bench-comment"}],
    }
    kept = tmp_path / "comments.json"
    others = [
        {"id": 1, "user": "somebody", "body": f"{MARKER} mine"},
        {"id": 2, "user": "github-actions[bot]", "body": "another workflow's"},
    ]
    kept.write_text(json.dumps(others))
    for run in (1, 2):
        jobs = system.run("pull_request", ref="refs/pull/7/merge", event={"pull_request": asked})
        assert jobs["gather"].result == "success", jobs["gather"].log
        assert jobs["comment"].result == "success", jobs["comment"].log
        *before, ours = json.loads(kept.read_text())
        assert before == others
        written = tmp_path / f"github/run-{run}/artifacts/bench-report/comment.md"
        assert (ours["id"], ours["body"]) == (102, written.read_text())
        ours["body"] = f"{MARKER} of an earlier run"
        kept.write_text(json.dumps([*others, ours]))

    fork = asked | {"head": {"repo": {"full_name": "somebody/project"}}}
    assert not system.would_run("comment", "pull_request", {"pull_request": fork})
    assert not system.would_run("comment", "pull_request", {"pull_request": asked | {"labels": []}})
    assert not system.would_run("comment", "push", {})
    assert system.would_run("comment", "pull_request", {"pull_request": asked})
    other = {"action": "labeled", "label": {"name": "bug"}, "pull_request": asked}
    jobs = system.run("pull_request", ref="refs/pull/7/merge", event=other)
    assert {job.result for job in jobs.values()} == {"skipped"}


def test_a_leg_over_its_ceiling_and_one_whose_machine_was_lost(
    tmp_path: Path, project: Project, env: dict[str, str]
) -> None:
    project.runners = project.runners[:2]
    project.runners[0]["arguments"].extend(["--ceiling", "0.01"])
    project.write_matrix()
    system = github(tmp_path, env, lost=frozenset({"spin_cpu-small"}))
    jobs = system.run("push", **BRANCH, inputs={"repeat": "1"})
    assert jobs["gather"].result == "failure"
    found = rows(tmp_path / "github/run-1")
    assert found["spin_cpu-large"]["status"] == "over_ceiling"
    assert found["spin_cpu-small"]["status"] == "not_measured"
    assert "left nothing" in str(found["spin_cpu-small"]["why"])
    # Neither becomes a baseline.
    assert not [key for key in system.caches if "baseline" in key]


@pytest.mark.integration
def test_an_image_is_kept_from_one_job_to_the_next(
    tmp_path: Path, docker_client: docker.DockerClient, small_image: ImageFacts
) -> None:
    folder = tmp_path / "images"
    assert save(docker_client, [small_image.name], folder) == f"kept {small_image.name}"
    assert small_image.name in restore(docker_client, folder)
    assert docker_client.images.get(small_image.name).id == small_image.digest


class Api(http.server.BaseHTTPRequestHandler):
    """The answers of GitLab's API that the jobs ask for."""

    archive = b""
    asked: list[tuple[str, str, bytes]]
    notes: list[dict[str, Any]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("JOB-TOKEN", ""), b""))
        answer = self.archive
        if self.path == "/api/v4/user":
            answer = b'{"id": 8}'
        elif "/notes?" in self.path:
            page = int(self.path.rpartition("&page=")[2])
            answer = json.dumps(self.notes[100 * (page - 1) : 100 * page]).encode()
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((f"{self.command} {self.path}", self.headers.get("PRIVATE-TOKEN", ""), body))
        self.send_response(201 if self.command == "POST" else 200)
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_: object) -> None:
        pass


def test_the_same_on_gitlab(tmp_path: Path, project: Project, env: dict[str, str]) -> None:
    class Answers(Api):
        asked: list[tuple[str, str, bytes]] = []
        notes: list[dict[str, Any]] = [{"id": at, "author": {"id": 8}, "body": "other"} for at in range(100)]

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        common = {
            "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_JOB_TOKEN": "job-token",
            "CI_DEFAULT_BRANCH": "main",
            "BENCH_REPEAT": "1",
        }
        legs = [{"BENCH_DIAGNOSTIC": "spin_cpu", "BENCH_RUNNER": name} for name in ("large", "small")]
        system = GitLab(ROOT / "ci/gitlab.yml", tmp_path / "gitlab", env)
        jobs = system.run(common | {"CI_COMMIT_BRANCH": "main"}, legs[1:])
        assert system.run(common | {"CI_COMMIT_BRANCH": "topic", "CI_PIPELINE_SOURCE": "push"}, legs) == {}
        gather = ended(jobs, "bench-gather", "success")
        assert "baseline: HTTP Error 404" in gather.log
        assert "no comment was asked for" in gather.log
        assert "1 of 3 legs measured, 2 measured nothing" in gather.log  # two were given no runner
        workspace = Path(gather.outputs["workspace"])
        assert (workspace / "report/junit.xml").is_file()

        Answers.archive = zipped(workspace, "baseline")
        request = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": "5",
            "CI_MERGE_REQUEST_LABELS": "bug,bench-comment",
            "BENCH_GITLAB_TOKEN": "t",
        }
        project.runners[0]["arguments"].extend(["--ceiling", "0.01"])
        project.write_matrix()
        jobs = system.run(common | request, legs)
        gather = ended(jobs, "bench-gather", "failed")
        assert "files of the baseline fetched" in gather.log
        assert "FAILS spin_cpu-large: over_ceiling" in gather.log
        compared = json.loads((Path(gather.outputs["workspace"]) / "report/verdict.json").read_text())["legs"][1]
        assert compared["baseline"] == "insufficient_runs", compared  # one run against one
        path, token, body = Answers.asked[-1]
        assert path == "POST /api/v4/projects/42/merge_requests/5/notes"
        assert token == "t"
        assert json.loads(body)["body"].startswith(MARKER)
        assert "over ceiling" in json.loads(body)["body"]
        assert ("job-token" in {asked[1] for asked in Answers.asked}) is True

        Answers.notes += [
            {"id": 201, "author": {"id": 9}, "body": f"{MARKER} of somebody"},
            {"id": 202, "author": {"id": 8}, "body": f"{MARKER} of an earlier pipeline"},
        ]
        began = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": git(project.folder, "rev-parse", "HEAD~1").strip()}
        jobs = system.run(common | request | began | {"BENCH_BUDGET": "1s"}, legs)  # one pair
        gather = ended(jobs, "bench-gather", "failed")
        assert "comment written anew (200)" in gather.log
        rows_ = json.loads((Path(gather.outputs["workspace"]) / "report/verdict.json").read_text())["legs"]
        assert [(row["status"], row["paired"]["pairs"]) for row in rows_[:2]] == [
            ("over_ceiling", 1),
            ("insufficient_runs", 1),
        ]
        assert Answers.asked[-1][0] == "PUT /api/v4/projects/42/merge_requests/5/notes/202"
    finally:
        server.shutdown()
        server.server_close()


def ended(jobs: dict[str, Job], name: str, result: str) -> Job:
    assert jobs[name].result == result, jobs[name].log
    return jobs[name]


def zipped(folder: Path, name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((folder / name).rglob("*")):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()
