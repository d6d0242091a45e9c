import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ci.matrix import FILE, Leg, find_leg, parse_matrix, read_matrix, settings
from ci.plan import main as plan
from ci.summary import MARKER
from tests.integration.ci_systems import Expressions

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").iterdir())
WORKFLOW = ROOT / ".github/workflows/bench.yml"
ACTION = ROOT / "action.yml"
CHECKS = ROOT / ".github/workflows/checks.yml"
GITLAB = ROOT / "ci/gitlab.yml"


def load(path):
    return YAML(typ="safe", pure=True).load(path.read_text())


def runner(name, *devices):
    return {"name": name, "runs_on": [name], "devices": list(devices)}


def test_every_diagnostic_goes_to_every_runner_that_has_its_device():
    document = {"diagnostics": ["grad_cpu", "grad_cuda"], "runners": [runner("a", "cpu"), runner("b", "cpu", "cuda")]}
    assert [leg.name for leg in parse_matrix(document)] == ["grad_cpu-a", "grad_cpu-b", "grad_cuda-b"]


@pytest.mark.parametrize(
    "document",
    [
        {"diagnostics": [], "runners": [runner("a", "cpu")]},
        {"diagnostics": ["grad_cuda"], "runners": [runner("a", "cpu")]},
        {"diagnostics": ["grad_cpu"], "runners": [runner("a b", "cpu")]},
        {"diagnostics": ["grad_cpu"], "runners": [runner("../a", "cpu")]},
        {"diagnostics": ["grad_cpu", "grad_cpu"], "runners": [runner("a", "cpu")]},
    ],
)
def test_a_matrix_without_legs_or_with_names_that_are_none_is_refused(document):
    with pytest.raises(ValueError, match="distinct plain names"):
        parse_matrix(document)


def test_the_shipped_matrix_names_what_the_catalog_has():
    from bench.catalog.load import builtin

    names = {diagnostic.name for diagnostic in builtin().diagnostics}
    legs = read_matrix(FILE)
    assert {leg.diagnostic for leg in legs} <= names
    assert len({leg.runner for leg in legs}) >= 2


def test_a_leg_is_found_by_its_two_names():
    legs = read_matrix(FILE)
    assert find_leg(legs, legs[0].diagnostic, legs[0].runner) is legs[0]
    with pytest.raises(ValueError, match="no leg grad_cpu on mars"):
        find_leg(legs, "grad_cpu", "mars")


def test_results_of_other_settings_are_no_baseline():
    leg = Leg("grad_cpu", "a", ("x",), ("--cpus", "2"))
    assert settings(leg, "smoke", "3") == settings(leg, "smoke", "3")
    others = {
        settings(leg, "full", "3"),
        settings(leg, "smoke", "5"),
        settings(Leg("grad_cpu", "a", (), ()), "smoke", "3"),
    }
    assert settings(leg, "smoke", "3") not in others
    assert len(others) == 3


def test_the_plan_is_one_line_of_json(capsys, monkeypatch):
    monkeypatch.delenv("BENCH_MATRIX", raising=False)
    plan()
    name, _, text = capsys.readouterr().out.rstrip("\n").partition("=")
    assert name == "matrix"
    assert {row["leg"] for row in json.loads(text)["include"]} == {leg.name for leg in read_matrix(FILE)}


def test_gitlabs_matrix_is_the_same_as_githubs():
    (matrix,) = load(GITLAB)["bench-leg"]["parallel"]["matrix"]
    here = {(d, r) for d in matrix["BENCH_DIAGNOSTIC"] for r in matrix["BENCH_RUNNER"]}
    assert here == {(leg.diagnostic, leg.runner) for leg in read_matrix(FILE)}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        *(("vendor.github-workflows", path) for path in WORKFLOWS),
        ("vendor.github-actions", ACTION),
        ("vendor.gitlab-ci", GITLAB),
        ("vendor.gitlab-ci", ROOT / "ci/gitlab-ab.yml"),
    ],
)
def test_every_file_fits_its_published_schema(schema, path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def locked(program):
    """A program of the locked requirements: it lies beside the Python that runs the tests."""
    return str(Path(sys.executable).with_name(program))


def lint(*command):
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.returncode, answer.stdout + answer.stderr


def test_the_workflows_pass_actionlint(tmp_path):
    command = (locked("actionlint"), "-no-color", "-shellcheck", locked("shellcheck"))
    assert lint(*command, *map(str, WORKFLOWS)) == (0, "")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOW.read_text().replace("cat report/summary.md >>", "cat $SUMMARY ${{ nothing.at.all }} >>"))
    code, said = lint(*command, str(wrong))
    assert code == 1
    assert 'undefined variable "nothing"' in said
    assert "SC2086" in said


def test_the_scripts_pass_shellcheck(tmp_path):
    assert lint(locked("shellcheck"), *(str(ROOT / name) for name in (".ci/run", "ci/run", "ci/setup"))) == (0, "")
    wrong = tmp_path / "wrong"
    wrong.write_text("#!/bin/sh\nrm $1\n")
    assert "SC2086" in lint(locked("shellcheck"), str(wrong))[1]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_and_may_not_write(workflow):
    document = load(workflow)
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(len(use.partition("@")[2]) == 40 for use in used)
    assert document["permissions"] == {"contents": "read"}
    writing = [name for name, job in document["jobs"].items() if "write" in str(job.get("permissions"))]
    assert writing == {"bench": ["comment"], "release": ["attest", "publish"]}.get(workflow.stem, [])
    # What may write runs nothing of a checkout.
    checked_out = [name for name in writing if "actions/checkout" in str(document["jobs"][name])]
    assert checked_out == []


def test_each_action_is_of_one_version():
    texts = "".join(path.read_text() for path in (*WORKFLOWS, ACTION))
    assert set(re.findall(r"uses: (\S+)", texts)) == {
        "@".join(one) for one in re.findall(r"uses: (\S+)@(\w{40}) # v", texts)
    }
    used = set(re.findall(r"uses: (\S+)@(\w+) # (\S+)", texts))
    assert len({action for action, *_ in used}) == len(used) > 4


def test_a_pull_request_is_checked_by_sessions_that_there_are_and_may_write_nowhere():
    document = load(CHECKS)
    assert "pull_request" in document["on"]
    assert [job for job in document["jobs"].values() if "permissions" in job] == []
    (job,) = document["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert {"lint", "types", "imports", "unit"} <= set(matrix["session"])
    listed = (ROOT / "noxfile.py").read_text()
    assert [name for name in matrix["session"] if f"\ndef {name}(session" not in listed] == []
    install, check = (step for step in job["steps"] if "run" in step)
    assert "--require-hashes -r requirements/nox.txt" in install["run"]
    assert (check["run"], check["env"]) == ('nox -s "$SESSION"', {"SESSION": "${{ matrix.session }}"})


def test_a_label_that_starts_nothing_ends_no_measurement(tmp_path):
    concurrency = load(WORKFLOW)["concurrency"]

    def group(run_id, **event):
        github = {"ref": "refs/pull/7/merge", "run_id": run_id, "event_name": "pull_request", "event": event}
        expressions = Expressions({"github": github}, tmp_path)
        assert expressions.value(concurrency["cancel-in-progress"]) is True
        return expressions.text(concurrency["group"])

    pushed = group("1", action="synchronize")
    assert group("2", action="synchronize") == pushed
    assert group("3", action="labeled", label={"name": "bench-comment"}) == pushed
    first, second = (group(run_id, action="labeled", label={"name": "bug"}) for run_id in ("4", "5"))
    assert len({pushed, first, second}) == 3


def test_the_workflow_looks_for_the_marker_that_the_comment_begins_with():
    (step,) = [step for step in load(WORKFLOW)["jobs"]["comment"]["steps"] if "run" in step]
    assert f'startswith("{MARKER}")' in step["run"]


def test_no_text_of_a_pull_request_reaches_a_shell():
    jobs = [*(job for path in WORKFLOWS for job in load(path)["jobs"].values()), load(ACTION)["runs"]]
    for job in jobs:
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]
