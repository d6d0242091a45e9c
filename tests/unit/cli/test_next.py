"""Every verb for people ends with one whole command that can be pasted, and that runs."""

import random
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from bench.cli import next_step
from bench.cli.start.verbs import VERBS
from bench.cli.verbs.measure import fleet
from bench.fleet.cells import Cell
from bench.fleet.legs import LegEnd
from bench.record.storage.find import find_bundles
from tests.support.history import make_history

TEST = "import work\ndef test_y():\n    assert work.N\n"
TOML = '[diagnostic.slow]\nnode = "tests/test_x.py::test_y"\nimage = "small"\ndevices = []\n'


@pytest.fixture
def project(tmp_path, engine, monkeypatch):
    """Three commits, of which the last two are slower."""
    for module in ("bench.cli.paired.bisection", "bench.run.bisect.search"):
        monkeypatch.setattr(f"{module}.share", lambda number, planned: 0.2)
    commits = [{"work.py": f"N = {n}\n", "n.txt": f"{at}\n"} for at, n in enumerate((1.0, 1.2, 1.2))]
    start = {"tests/test_x.py": TEST, "bench.toml": TOML}
    shas = make_history(tmp_path / "project", [start | commits[0], *commits[1:]])
    execute, draw = engine.execute, random.Random(1)

    def timed(place_, task, out, on_event):
        code = task.tree.root / "work.py" if task.tree is not None else None
        seconds = float(code.read_text().split()[-1]) if code is not None else 10.0
        engine.walls = [seconds * (1 + draw.uniform(-0.01, 0.01))]
        return execute(place_, task, out, on_event)

    engine.execute = timed
    return tmp_path / "project", shas


@pytest.fixture
def words(project, measured, bench_, monkeypatch, tmp_path):
    """What each verb is called with; results lie in a folder that no next command finds by itself."""
    root, shas = project
    folder = tmp_path / "kept"
    measured([10.0, 10.1], [10.2, 10.3]).rename(folder)
    a, b = (str(bundle.path) for bundle in find_bundles(str(folder)))
    ends = [LegEnd(host, Cell("grad_cpu", "grad_cpu"), 0, Path(a), "") for host in ("ssh://one", "ssh://two")]
    monkeypatch.setattr(fleet, "run_on_engines", lambda *_: iter(ends))
    assert bench_("export", a, "-o", tmp_path / "a.tar.zst")[0] == 0
    here, of_project = ("--results", folder), ("slow", "--project", root)
    return {
        "run": ("grad_cpu", *here),
        "ab": (*of_project[:1], *of_project[1:], "--base", shas[0], *here),
        "bisect": (*of_project, "--good", shas[0], *here),
        "whatif": ("grad_cpu", "--repeat", 1, "--variants", "glibc,jemalloc", *here),
        "reproduce": (a, *here),
        "fleet": ("grad_cpu", "--host", "ssh://one", "--host", "ssh://two", *here),
        "compare": (a, b),
        "explain": (a, *here),
        "list": here,
        "doctor": here,
        "history": ("grad_cpu", *here),
        "report": (folder, *here),
        "query": ("select * from results", *here),
        "export": (a, "-o", tmp_path / "b.tar.zst"),
        "import": (tmp_path / "a.tar.zst", *here),
        "verify": (folder,),
        "schema": (),
    }


def next_of(err):
    """The words of the one command that is suggested."""
    (line,) = [line for line in err.splitlines() if line.startswith("next: ")]
    assert "…" not in line
    assert "..." not in line
    program, *words = shlex.split(line.removeprefix("next: "))
    assert program == "bench"
    return words


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_ends_with_one_command_that_runs(verb, words, bench_):
    assert set(words) == set(VERBS)
    code, out, err = bench_(verb, *words[verb])
    assert code in {0, 1, 6}, out + err
    again = next_of(err)
    code, out, err = bench_(*again)
    assert code in {0, 1, 6, 7}, (again, out + err)
    assert "fault of bench" not in err
    assert "no result" not in err, "the folder of results is not named"


@pytest.mark.parametrize(
    ("asked", "then"),
    [
        (("history", "grad_cpu"), ["run", "grad_cpu"]),
        (("history", "grad_cpu", "--changes"), ["run", "grad_cpu"]),
        (("query", "select 1 as n"), ["query", "select id, outcome, status from results"]),
        (("query", "select id from results"), ["list"]),
        (("schema", "--markdown"), ["list"]),
    ],
)
def test_where_nothing_was_measured_it_is_what_measures(bench_, tmp_path, monkeypatch, asked, then):
    monkeypatch.chdir(tmp_path)
    code, _, err = bench_(*asked)
    assert (code, next_of(err)) == (0, then), err


def test_in_a_folder_with_a_bench_toml_its_tests_are_listed_and_run_without_project(
    project, engine, bench_, tmp_path, monkeypatch
):
    root, _ = project
    monkeypatch.chdir(root)
    _, out, err = bench_("list", "--results", tmp_path / "r")
    assert "slow" in out.split()
    assert next_of(err)[:4] == ["run", "slow", "--project", "."]
    assert bench_("run", "slow", "--results", tmp_path / "r")[0] == 0
    assert engine.executed[-1].tree.root == root
    (root / "bench.toml").write_text("[other]\nprogram = 1\n")
    code, out, err = bench_("list", "--results", tmp_path / "r")
    assert (code, "grad_cpu" in out, "passed over: bench.toml" in err) == (0, True, True), err


def test_a_first_list_names_a_test_of_one_s_own_and_doctor_leads_to_it(bench_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, _, err = bench_("list")
    assert "your own test: bench run --project DIR --node FILE::TEST\n" in err
    code, _, err = bench_("doctor")
    assert next_of(err) == (["list"] if code == 0 else ["doctor"])


def test_a_failed_verification_and_a_file_have_one_too(measured, bench_, tmp_path):
    folder = measured([10.0])
    (bundle,) = find_bundles(str(folder))
    assert next_of(bench_("report", bundle.path, "--html", "r.html")[2]) == ["history", "grad_cpu"]
    shutil.copytree(folder, tmp_path / "worse")
    (tmp_path / "worse" / bundle.path.relative_to(folder) / "summary.md").write_text("other")
    code, _, err = bench_("verify", tmp_path / "worse")
    assert (code, next_of(err)) == (8, ["list"])


def test_what_may_help_is_tried_only_where_the_project_is_at_hand(project, engine, bench_, tmp_path, monkeypatch):
    root, _ = project
    assert bench_("run", "slow", "--project", root)[0] == 0
    (bundle,) = find_bundles(str(tmp_path / "results"))
    tries = ("bench whatif slow --project . --variants glibc,thp",)
    monkeypatch.setattr("bench.compare.explain.difference.commands", lambda *_: tries)
    assert next_of(bench_("explain", bundle.path)[2]) == ["history", "slow"]
    monkeypatch.chdir(root / "tests")
    then = next_of(bench_("explain", bundle.path)[2])
    assert then == ["whatif", "slow", "--project", str(root), "--variants", "glibc,thp"]
    (root / "bench.toml").write_text("[")
    code, _, err = bench_("explain", bundle.path)
    assert (code, next_of(err)) == (0, ["history", "slow"])
    assert "passed over: " in err


def test_it_begins_as_bench_was_called(monkeypatch, tmp_path):
    monkeypatch.delenv("BENCH_CALLED", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for script, then in (
        ("/x/bench/__main__.py", "bench"),
        (".venv/bin/bench", ".venv/bin/bench"),
        (f"{tmp_path}/cache/archive-v0/4f/bin/bench", "uvx --from '/of a/checkout' bench"),
    ):
        monkeypatch.setattr(sys, "argv", [script])
        monkeypatch.setattr(next_step, "_source", lambda: "/of a/checkout")
        assert next_step.called() == then
    monkeypatch.setenv("PATH", f"{tmp_path}/cache/archive-v0/4f/bin")
    assert next_step.called() == "uvx --from '/of a/checkout' bench", "its own folder is there for this process alone"
    (tmp_path / "bench").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert next_step.called() == "bench"
    monkeypatch.setenv("BENCH_CALLED", ".nox/x/bin/python -m bench")
    assert next_step.command("list") == ".nox/x/bin/python -m bench list"


def lines_of(said):
    return [line.rstrip() for line in said.splitlines()]


def test_the_first_result_of_a_test_is_three_lines(engine, bench_, tmp_path):
    words = ("run", "grad_cpu", "--repeat", "3", "--results", tmp_path / "r")
    engine.walls = [10.0, 11.0, 10.5]
    code, out, err = bench_(*words)
    assert (code, lines_of(out)) == (
        0,
        [
            "✓ ok  grad_cpu on test-2t-16g-ace9f3: 314.00 s below the ceiling of 325.00 s",
            "  10.50 s, the median of 3 runs (10.00 s to 11.00 s)",
        ],
    )
    assert next_of(err)[0] == "explain"
    code, out, _ = bench_(*words)
    assert (code, "minor faults" in out) == (0, True), "later ones are compared, and shown run by run"


def test_what_is_wrong_with_a_first_result_is_no_part_of_three_lines(engine, bench_, tmp_path):
    engine.outcomes = ["failed"]
    code, out, _ = bench_("run", "grad_cpu", "--results", tmp_path / "r")
    assert (code, "AssertionError" in out) == (3, True)
    engine.outcomes = ["passed"]
    code, out, _ = bench_("run", "grad_cpu", "--baseline", tmp_path / "r", "--results", tmp_path / "s")
    assert "minor faults" in out, "what is to be compared is"


def test_a_baseline_that_holds_nothing_is_an_answer(engine, bench_, tmp_path):
    empty, results, other = tmp_path / "empty", tmp_path / "r", tmp_path / "o"
    empty.mkdir()
    said = "the baseline holds no result of grad_cpu"
    code, out, err = bench_("run", "grad_cpu", "--baseline", empty, "--results", results)
    assert (code, f"{said}: the run will be compared with nothing" in err, said in out) == (6, True, True)
    (summary,) = results.rglob("summary.md")
    assert said in summary.read_text()
    assert bench_("run", "dtype_cpu", "--results", other)[0] == 0
    for baseline, more in ((empty, ""), (other, ", only of dtype_cpu")):
        code, out, err = bench_("report", results, "--baseline", baseline)
        assert (code, f"{said}{more}: nothing is compared with it" in err, "grad_cpu" in out) == (6, True, True)
    assert bench_("report", results, "--baseline", results)[0] == 0


def test_the_first_experiment_that_decides_is_three_lines(project, bench_, tmp_path):
    root, shas = project
    words = ("ab", "slow", "--project", root, "--base", shas[0], "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    verdict, sentence = lines_of(out)
    assert (code, next_of(err)[0]) == (1, "explain")
    assert re.fullmatch(r"✕ code regressed  slow: call \S+ m?s became 1\.\d\d s", verdict)
    assert sentence.startswith("  slower: call +")
    out = bench_(*words)[1]
    assert "minor_faults" in out
    assert "  base: " in out


def test_what_could_not_begin_is_no_earlier_experiment(project, engine, bench_, tmp_path):
    root, shas = project
    words = ("ab", "slow", "--project", root, "--base", shas[0], "--results", tmp_path / "r")
    engine.outcomes = ["not_measured"]
    assert bench_(*words)[0] == 6
    engine.outcomes = ["passed"]
    _, out, _ = bench_(*words)
    assert len(lines_of(out)) == 2, out


def test_a_project_that_names_nothing_is_led_to_a_test_of_its_own(engine, bench_, tmp_path):
    root = tmp_path / "a project"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "test_a.py").write_text("import x\n\n\ndef helper():\n    pass\n")
    _, _, err = bench_("list", "--project", root)
    assert "next: bench run grad_cpu" in err, "no test is seen"
    (root / "tests" / "test_b.py").write_text("class TestB:\n    def test_b(self):\n        pass\n")
    _, _, err = bench_("list", "--project", root)
    assert f"next: bench run --project '{root}' --node tests/test_b.py::TestB::test_b" in err
