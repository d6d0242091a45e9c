"""Base against head for any repository: the words, the text, the gate, and a commit that a shallow checkout lacks."""

import json
import subprocess

import pytest

from ci import ab
from ci.ab import MARKER, fetch, gate, measure, render, words_of
from tests.integration.ci_systems import ROOT, Expressions, load_yaml

JUDGED = {
    "name": "call",
    "unit": "s",
    "better": "lower",
    "a": 1.0,
    "b": 1.25,
    "pairs": 11,
    "change": 0.25,
    "low": 0.2,
    "high": None,
    "outcome": "slower",
}
SAID = {
    "exit_code": 1,
    "sentence": "slower: call +25.0 %",
    "experiment": {"decides": JUDGED, "informs": [{**JUDGED, "name": "<b>x|y", "change": None}], "made": 11},
    "reasons": ["because <img src=x> @somebody"],
}


def git(folder, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def shallow(tmp_path):
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main", ".")
    for text in ("one", "two"):
        (origin / "file").write_text(text)
        git(origin, "add", ".")
        git(origin, "commit", "-qm", text)
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{origin}", "clone")
    return tmp_path / "clone", git(origin, "rev-parse", "HEAD~")


def test_what_is_asked_for_stays_one_word_each(tmp_path):
    asked = {
        "BENCH_AB_NODE": "t.py::t[$(id)]",
        "BENCH_AB_BASE": "--help",
        "BENCH_AB_ARGUMENTS": "--max-pairs 3 --env 'A=b c'",
    }
    words = words_of(asked, tmp_path)
    assert words[:2] == ["ab", "--json"]
    assert {"--node=t.py::t[$(id)]", "--base=--help", "--project=."} <= set(words)
    assert words[-4:] == ["--max-pairs", "3", "--env", "A=b c"]
    assert words_of({"BENCH_AB_NAME": "slow_cpu"}, tmp_path)[:2] == ["ab", "slow_cpu"]


def test_a_commit_that_a_shallow_checkout_lacks_is_fetched(shallow):
    clone, base = shallow
    assert fetch(clone, base) is None
    assert git(clone, "show", f"{base}:file") == "one"
    assert fetch(clone, "HEAD") is None
    assert fetch(clone, "variant=glibc") is None
    assert "cannot be fetched" in fetch(clone, "0123456789" * 4)
    assert "is no revision" in fetch(clone, "--upload-pack")


@pytest.mark.parametrize(
    ("asked", "said", "fails"),
    [
        ({"BASE": ""}, "there is no base to compare with: this event names none", 1),
        ({"BASE": " "}, "there is no base to compare with: this event names none", 1),
        # What was pushed first has nothing before it: nobody's fault, and nothing that a job can be mended of.
        ({"BASE": "0" * 40}, "before this push there was no such branch", 0),
        ({"BASE": "0" * 64}, "before this push there was no such branch", 0),
        ({"BASE": "main", "ARGUMENTS": "--env 'A=b"}, "the arguments cannot be taken apart: no closing quotation", 1),
    ],
)
def test_what_cannot_be_measured_is_said(tmp_path, asked, said, fails, capsys):
    assert measure(tmp_path, {f"BENCH_AB_{name}": value for name, value in asked.items()}) == 0
    assert said in capsys.readouterr().out.replace("\\", "")
    assert said in json.loads((tmp_path / "ab.json").read_text())["error"]["what"]
    assert gate(tmp_path) == fails


def test_a_fetch_that_never_ends_is_given_up(tmp_path, shallow, monkeypatch):
    monkeypatch.setattr(ab, "FETCH_S", 0)
    assert "took over 0 s" in fetch(shallow[0], "0123456789" * 4)


def test_what_came_out_is_left_for_people_and_programs(tmp_path, shallow, monkeypatch):
    clone, base = shallow
    run = subprocess.run

    def answers(command, **options):
        if command[0] == "git":
            return run(command, **options)
        assert command[1:4] == ["-m", "bench", "ab"]
        return subprocess.CompletedProcess(command, 1, json.dumps(SAID))

    monkeypatch.setattr(ab.subprocess, "run", answers)
    assert measure(tmp_path / "out", {"BENCH_AB_BASE": base, "BENCH_AB_PROJECT": str(clone)}) == 0
    summary = (tmp_path / "out/summary.md").read_text()
    assert (tmp_path / "out/comment.md").read_text() == f"{MARKER}\n{summary}"
    assert json.loads((tmp_path / "out/ab.json").read_text()) == SAID
    assert gate(tmp_path / "out") == 1


def test_text_from_elsewhere_stays_text():
    text = render(SAID, "main")
    assert "| call | 1.00 s | 1.25 s | +25.0 % | at least +20.0 % | slower |" in text
    rate = {**JUDGED, "name": "rate", "unit": "GB/s", "better": "higher"}
    rated = render({**SAID, "experiment": {"decides": rate, "informs": (), "made": 11}}, "main")
    assert "| rate | 1 GB/s | 1.25 GB/s | +25.0 % | at least +20.0 % | worse |" in rated
    assert "<img" not in text
    assert "@somebody" not in text
    assert "x|y" not in text


@pytest.mark.parametrize(
    ("code", "fails"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 0), (7, 0), (130, 1), (-9, 1)]
)
def test_what_is_undecided_fails_nothing(tmp_path, code, fails):
    (tmp_path / "ab.json").write_text(json.dumps({"exit_code": code}))
    assert gate(tmp_path) == fails


@pytest.mark.parametrize("text", [None, "", "[]", '{"exit_code": null}'])
def test_no_result_is_no_pass(tmp_path, text):
    if text is not None:
        (tmp_path / "ab.json").write_text(text)
    assert gate(tmp_path) == 1


@pytest.mark.parametrize(
    ("event", "base"),
    [
        ({"pull_request": {"base": {"sha": "a"}}}, "a"),  # also of a fork
        ({"before": "b", "after": "c"}, "b"),
        ({"before": "0" * 40}, "0" * 40),
        ({"merge_group": {"base_sha": "d"}}, "d"),
        ({"inputs": {}}, ""),  # workflow_dispatch
        ({"schedule": "17 3 * * 1"}, ""),
    ],
)
def test_each_event_names_its_base(tmp_path, event, base):
    given = load_yaml(ROOT / "action.yml")["inputs"]["base"]["default"]
    assert Expressions({"github": {"event": event}}, tmp_path).text(given) == base
