"""``bench ab`` from its words to its sentence, with a deterministic engine."""

import json
import random
import re
import shlex
import subprocess
import threading

import msgspec
import pytest

from bench.cli.paired.asked import more_pairs
from bench.compare.experiment import place
from bench.errors import NotMeasured
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from tests.support.history import make_history

TEST = "import work\ndef test_y():\n    assert work.N\n"


@pytest.fixture
def project(tmp_path):
    """A repository whose first commit is ``v1``, and whose working tree has gone on."""
    root = tmp_path / "project"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "test_x.py").write_text(TEST)
    (root / "work.py").write_text("N = 1\n")
    (root / "bench.toml").write_text(
        '[diagnostic.slow]\nnode = "tests/test_x.py::test_y"\nimage = "small"\ndevices = []\n'
    )
    git(root, "init", "-q", ".")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    git(root, "tag", "v1")
    (root / "work.py").write_text("N = 2\n")
    return root


def git(root, *words):
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": "/usr/bin:/bin", "HOME": str(root), **who}
    return subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, text=True, env=env).stdout


@pytest.fixture
def takes(engine):
    """Let a run take as long as its code says, times some noise: ``N`` seconds where a project has it."""

    def by(seconds, noise=0.01, seed=1):
        draw, execute = random.Random(seed), engine.execute

        def timed(place_, task, out, on_event):
            engine.walls = [seconds(task) * (1 + draw.uniform(-noise, noise))]
            return execute(place_, task, out, on_event)

        engine.execute = timed

    return by


def of_code(change):
    """The base's code takes 1 s, and the working tree's so much more."""
    return lambda task: 1.0 if "1" in (task.tree.root / "work.py").read_text() else 1.0 + change


def sides(results):
    found = {bundle.record.experiment.side: bundle for bundle in find_bundles(results)}
    return found["base"], found["head"]


def test_a_command_under_two_settings(engine, takes, bench_, tmp_path):
    takes(lambda task: 1.2 if task.env.get("SPEED") == "slow" else 1.0)
    code, out, err = bench_(
        *("ab", "--base", "env.SPEED=quick", "--head", "env.SPEED=slow", "--name", "nap", "--results", tmp_path / "r"),
        *("--", "sleep", "1"),
    )
    assert (code, "slower: wall +" in out) == (1, True), out + err
    base, head = sides(tmp_path / "r")
    assert base.record.diagnostic.command == head.record.diagnostic.command == ("sleep", "1")
    assert base.record.diagnostic.name == "nap"
    assert base.record.diagnostic.source.kind == "command"
    assert bench_("compare", base.path, head.path, "--results", tmp_path / "r")[0] == 1


def test_pairs_that_warm_up_are_kept_and_not_judged(engine, takes, bench_, tmp_path):
    slow_at_first = iter([9.0] * 4)
    takes(lambda task: next(slow_at_first, 1.2 if task.env.get("SPEED") == "slow" else 1.0))
    words = ("--base", "env.SPEED=quick", "--head", "env.SPEED=slow", "--warmup", "2", "--max-pairs", "12")
    code, out, err = bench_("ab", *words, "--results", tmp_path / "r", "--json", "--", "true")
    assert code == 1, err
    trial = json.loads(out)["experiment"]
    assert 0.15 < trial["decides"]["change"] < 0.25
    for side in sides(tmp_path / "r"):
        runs, told = side.record.runs, side.record.experiment
        assert [run.warmup is True for run in runs] == [True, True] + [False] * trial["made"]
        assert told.pair == tuple(range(trial["made"] + 2))
        assert side.record.runs_asked == len(runs)
        assert verify_bundle(side.path) == []
    assert bench_("compare", *(side.path for side in sides(tmp_path / "r")))[0] == 1
    assert bench_("report", tmp_path / "r", "--html", tmp_path / "r.html")[0] == 0


def test_warm_ups_come_on_top_of_the_most_pairs(engine, takes, bench_, tmp_path):
    takes(lambda _: 1.0, noise=0.2)
    words = ("ab", "--base", "env.A=1", "--head", "env.A=2", "--warmup", "1", "--max-pairs", "2")
    assert bench_(*words, "--results", tmp_path / "r", "--", "true")[0] == 6
    assert [len(side.record.measured_runs) for side in sides(tmp_path / "r")] == [2, 2]
    code, _, err = bench_("ab", "--resume", "--max-pairs", "2", "--results", tmp_path / "r")
    assert (code, "has 2 pairs already" in err) == (2, True), err


def test_a_command_s_revision_needs_a_project(bench_, tmp_path):
    code, _, err = bench_("ab", "--base", "v1", "--results", tmp_path / "r", "--", "sleep", "1")
    assert (code, "'v1' names a revision, and sleep is a command; give --project" in err) == (2, True)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [(0.1, 1, "slower: call +"), (-0.1, 0, "faster: call -"), (0.0, 0, "the same within 5.0 %")],
)
def test_a_revision_against_the_working_tree(takes, bench_, project, tmp_path, change, code, said):
    takes(of_code(change))
    before = {path: path.stat().st_mtime_ns for path in (project / ".git").rglob("*")}
    found, out, err = bench_("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r")
    assert (found, said in out) == (code, True), out + err
    assert {path: path.stat().st_mtime_ns for path in (project / ".git").rglob("*")} == before
    base, head = sides(tmp_path / "r")
    assert base.record.diagnostic.source.commit == git(project, "rev-parse", "v1").strip()
    assert (base.record.diagnostic.source.dirty, head.record.diagnostic.source.dirty) == (False, True)
    one, two = base.record.experiment, head.record.experiment
    assert (one.id, one.seed, one.pair) == (two.id, two.seed, two.pair)
    assert one.pair == tuple(range(len(base.record.runs)))
    assert all({first, second} == {0, 1} for first, second in zip(one.order, two.order, strict=True))
    assert [verify_bundle(bundle.path) for bundle in (base, head)] == [[], []]
    again = bench_("compare", base.path, head.path, "--results", tmp_path / "elsewhere")
    assert (again[0], said in again[1]) == (code, True), again
    turned = bench_("compare", head.path, base.path, "--results", tmp_path / "elsewhere")
    assert turned[0] == (0 if change >= 0 else 1)


def test_the_order_of_each_pair_is_the_one_that_the_seed_gives(takes, engine, bench_, project, tmp_path):
    takes(of_code(0.0))
    words = ("ab", "slow", "--project", project, "--base", "v1", "--seed", "7", "--results", tmp_path / "r")
    assert bench_(*words)[0] == 0
    roots = list(dict.fromkeys(task.tree.root for task in sorted(engine.executed, key=lambda one: str(one.tree.root))))
    ran = ["base" if task.tree.root == roots[0] else "head" for task in engine.executed]
    expected = []
    for pair in range(len(ran) // 2):
        expected += sorted(("base", "head"), key=lambda side, pair=pair: place(side, 7, pair))
    assert ran == expected
    assert expected.count("base") == expected.count("head")
    assert len({tuple(expected[at : at + 2]) for at in range(0, len(expected), 2)}) == 2


def test_json_holds_one_document_with_the_other_figures(takes, bench_, project, tmp_path):
    takes(of_code(0.1))
    words = ("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r", "--json")
    code, out, err = bench_(*words)
    document = json.loads(out)
    assert (code, document["ended_by"], document["status"]) == (1, "decided", "code_regressed")
    trial = document["experiment"]
    assert trial["metric"] == trial["decides"]["name"] == "call"
    figures = {one["name"]: one for one in trial["informs"]}
    assert {"wall", "cpu", "peak_memory", "minor_faults"} <= set(figures)
    assert figures["peak_memory"]["outcome"] == "same"
    assert 0 < trial["decides"]["low"] < trial["decides"]["change"] < trial["decides"]["high"]
    assert document["base"]["record"]["experiment"]["side"] == "base"
    assert f"pair {trial['made']}: call is between" in err
    assert "to go" in err


def test_variants_and_variables_of_a_shipped_diagnostic(takes, engine, bench_, tmp_path):
    takes(lambda task: 2.0 if task.preload is None else 1.0)
    words = (
        "ab",
        "grad_cpu",
        "--seed",
        "1",
        "--base",
        "variant=glibc",
        "--head",
        "variant=jemalloc,env.COLOUR=red,threads=2",
    )
    code, out, err = bench_(*words, "--results", tmp_path / "r")
    assert (code, "faster: call -50" in out) == (0, True), out + err
    assert {(task.preload, task.env.get("COLOUR"), task.env.get("OMP_NUM_THREADS")) for task in engine.executed} == {
        (None, None, None),
        ("jemalloc", "red", "2"),
    }
    base, head = sides(tmp_path / "r")
    assert (base.record.variant, head.record.variant) == ("glibc", "jemalloc")
    assert bench_("compare", base.path, head.path)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "no-such"], "'no-such' is no revision"),
        (["--base=-v1"], "is no revision"),
        (["--base", "v1,rev=v1"], "has 'rev' twice"),
        (["--base", "colour=red"], "there is no 'colour'"),
        (["--base", "threads=0"], "is no number of threads"),
        (["--base", "image=big"], "image=big is no image of ours"),
        (["--base", "v1", "--", "true"], "and a command were given"),
        (["--base", "v1", "--expect-exit", "3"], "goes with a command"),
        (["--base", "variant=no-such"], "no variant is called"),
        (["--base", "v1,"], "has no value"),
        (["--base", "requirements=none.txt"], "is not a file"),
        (["--base", ""], "names nothing"),
        ([], "no --base was given"),
        (["--base", "v1", "--effect", "5"], "is no change"),
        (["--base", "v1", "--effect", "150%"], "is no change; give a percentage above 0 and up to 100%"),
        (["--base", "v1", "--max-pairs", "0"], "is no number of pairs"),
        (["--base", "v1", "--min-pairs", "61"], "is none of 1 to 60"),
        (["--base", "v1", "--budget", "0"], "is no time"),
        (["--base", "v1", "--seed", "-1"], "is no seed"),
        (["--base", "v1", "--node", "a", "--node", "b"], "--node was given for"),
        (["--base", "env.BENCH_PROFILE=smoke"], "is not yours to set"),
    ],
)
def test_words_that_make_no_sense(engine, bench_, project, tmp_path, words, said):
    code, out, err = bench_("ab", "slow", "--project", project, *words, "--results", tmp_path / "r")
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert said in err
    assert engine.executed == []
    assert not list((tmp_path / "r").glob("*/*"))


def test_a_secret_of_a_side_is_in_no_bundle(takes, bench_, project, tmp_path):
    takes(of_code(0.1))
    words = ("ab", "slow", "--project", project, "--base", "v1", "--head", "env.API_TOKEN=hunter2hunter2hunter2")
    assert bench_(*words, "--max-pairs", "1", "--results", tmp_path / "r")[0] == 6
    files = [path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not any(b"hunter2" in content for content in files)
    _, head = sides(tmp_path / "r")
    assert head.record.experiment.words.startswith("env.API_TOKEN=")


def test_a_revision_of_a_shipped_diagnostic_is_one_of_the_checkout_that_runs(
    takes, engine, bench_, tmp_path, monkeypatch
):
    files = {"bench/diagnostics/test_grad.py": "old\n", "other.py": "\n"}
    old, _ = make_history(tmp_path / "ours", [files, {"bench/diagnostics/test_grad.py": "new\n"}])
    monkeypatch.setattr("bench.cli.paired.prepare.diagnostics_folder", lambda: tmp_path / "ours/bench/diagnostics")
    took = {"old\n": 1.0, "new\n": 1.2}
    takes(lambda task: took[(task.tree.root / "test_grad.py").read_text()])
    words = ("ab", "grad_cpu", "--base", old, "--head", "main", "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    assert (code, "slower: call +" in out) == (1, True), err
    base, head = sides(tmp_path / "r")
    assert (base.record.image, base.record.diagnostic.source.commit) == (head.record.image, old)
    code, _, err = bench_(*words, "--ceiling", "1", "--max-pairs", "1")
    assert "over_ceiling" in {bundle.record.verdict.status for bundle in find_bundles(tmp_path / "r")}, err


def test_the_same_code_is_told_at_once_unless_the_head_is_named(takes, engine, bench_, project, tmp_path):
    takes(of_code(0.0))
    git(project, "checkout", "-q", "work.py")
    words = ("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r", "--max-pairs", "1")
    told = "base and head are the same code: 'v1' is what lies in the project"
    code, _, err = bench_(*words)
    assert (code, told in err, "--base HEAD~1" in err) == (6, True, True)
    assert told not in bench_(*words, "--head", "v1")[2]
    assert told not in bench_(*words, "--head", "env.A=1")[2]
    assert told not in bench_(*words[:5], "v1,env.A=1", *words[6:])[2]


def test_a_revision_without_the_test_or_its_requirements_is_refused_before_anything_is_built(
    engine, bench_, project, tmp_path
):
    toml = (project / "bench.toml").read_text()
    (project / "bench.toml").write_text(f'{toml}requirements = "needs.txt"\n')
    words = ("--project", project, "--base", "v1", "--results", tmp_path / "r")
    code, _, err = bench_("run", "slow", "--project", project, "--results", tmp_path / "r")
    assert (code, "'needs.txt', the requirements in bench.toml" in err, "leave that line out" in err) == (2, True, True)
    (project / "needs.txt").write_text("\n")
    code, _, err = bench_("ab", "slow", *words)
    assert (code, "the revision 'v1' has no needs.txt, which bench.toml of the project names" in err) == (2, True), err
    assert str(project) not in err
    assert "/tmp" not in err
    (project / "tests" / "test_new.py").write_text(TEST)
    code, _, err = bench_("ab", "--node", "tests/test_new.py::test_y", *words)
    assert (code, "the revision 'v1' has no tests/test_new.py" in err) == (2, True), err
    assert engine.executed == []
    named = (*words, "--requirements", project / "needs.txt", "--max-pairs", "1")
    assert bench_("ab", "slow", *named)[0] == 6


def test_a_node_in_the_current_folder_needs_no_project(engine, bench_, project, tmp_path, monkeypatch):
    words = ("--node", "tests/test_x.py::test_y", "--results", tmp_path / "r")
    code, _, err = bench_("run", *words)
    assert (code, "add --project DIR" in err) == (2, True)
    code, _, err = bench_("run", "slow", "--project", project, *words)
    assert (code, "leave slow out" in err) == (2, True)
    monkeypatch.chdir(project)
    assert bench_("run", *words)[0] == 0
    assert bench_("ab", *words, "--base", "v1", "--max-pairs", "1")[0] == 6
    assert {task.tree.root for task in engine.executed[:1]} == {project}


def test_another_time_that_is_decided_is_named_with_the_command_that_lets_it_decide(
    takes, engine, bench_, project, tmp_path
):
    draw, execute = random.Random(5), engine.execute

    def busy(place_, task, out, on_event):
        """Wall times scatter; the CPU time does not, and is 20 % more for the head."""
        ending = execute(place_, task, out, on_event)
        result = json.loads((out / "result.json").read_text())
        wall = draw.uniform(1.0, 3.0)
        result["wall_s"] = result["tests"][0]["call_s"] = wall
        result["cpu"]["total_s"] = of_code(0.2)(task) * draw.uniform(0.99, 1.01)
        (out / "result.json").write_text(json.dumps(result))
        return ending

    engine.execute = busy
    words = ("ab", "slow", "--project", project, "--base", "v1", "--max-pairs", "12", "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    assert (code, "undecided after 12 pairs" in out, out.startswith("! undecided")) == (6, True, True), out
    assert "stopped at the limit of 12 pairs" in err
    assert "call is undecided, but cpu is slower, +" in err
    meanwhile = [line for line in err.splitlines() if line.endswith("(Ctrl-C, then the same command with that)")]
    assert len(meanwhile) == 1, "after ten pairs, and not after each"
    last = shlex.split(err.strip().splitlines()[-1].removeprefix("next: bench "))
    assert last[:2] == ["ab", "slow"]
    assert last[last.index("--metric") + 1] == "cpu"
    code, out, err = bench_(*last)
    assert (code, "slower: cpu +" in out) == (1, True), out + err
    assert "(accepted)" not in out
    explained = shlex.split(err.strip().splitlines()[-1].removeprefix("next: bench "))
    assert explained[0] == "explain"
    said = " ".join(bench_(*explained)[1].split())
    assert re.search(r"slow: cpu [\d.]+ \w+ became [\d.]+ \w+ slower: cpu \+", said), "what decided leads"
    assert re.search(r"Where the wall time of a run went: .* became .*, .* of it .* within the tests' calls", said)
    code, _, err = bench_(*words, "--env", "API_TOKEN=hunter2hunter2hunter2")
    assert (code, "hunter2" in err, "let --metric cpu decide" in err, "next: bench ab --resume" in err) == (
        6,
        False,
        True,
        True,
    )


def test_a_misspelt_test_is_named_first_with_those_that_there_are(engine, bench_, project, tmp_path):
    execute, why = engine.execute, ["not found: /src/tests/test_x.py"]

    def refuses(place_, task, out, on_event):
        ending = execute(place_, task, out, on_event)
        result = json.loads((out / "result.json").read_text())
        result |= {"outcome": "not_measured", "exit_code": 4, "tests": []}
        result["signature"] = f"pytest refused the command line or the node: ERROR: {why[0]}"
        (out / "result.json").write_text(json.dumps(result))
        return ending

    engine.execute = refuses
    words = ("--project", project, "--results", tmp_path / "r")
    code, out, err = bench_("ab", "--node", "tests/test_x.py::test_yy", "--base", "v1", *words)
    assert code == 6
    assert "no such test: tests/test_x.py::test_yy; tests in this file: test_y" in err
    assert "minor_faults" not in out
    assert err.strip().splitlines()[-1].startswith("next: bench ab --project")
    assert "--node tests/test_x.py::test_y --base v1" in err
    code, out, err = bench_("run", "--node", "tests/test_z.py::test_y", *words)
    assert code == 6
    assert "no such file: tests/test_z.py; files of tests beside it: test_x.py" in err
    assert "next: bench run" in err
    assert "--node tests/test_x.py::test_y" in err
    words = ("ab", "--node", "tests/test_x.py::test_y", "--base", "v1", *words)
    assert "has no test tests/test_x.py::test_y" in bench_(*words)[2]
    why[0] = "ImportError while loading conftest"
    code, _, err = bench_(*words)
    assert (code, "no test" in err, "no such test" in err) == (6, False, False), err


def test_a_module_that_is_missing_leads_to_the_same_command_with_requirements(engine, bench_, project, tmp_path):
    execute = engine.execute

    def lacks(place_, task, out, on_event):
        ending = execute(place_, task, out, on_event)
        result = json.loads((out / "result.json").read_text())
        result |= {"outcome": "not_measured", "exit_code": 4, "tests": []}
        result["signature"] = "the test imports 'more_itertools', which is not installed where it runs"
        (out / "result.json").write_text(json.dumps(result))
        return ending

    engine.execute = lacks
    node, words = ("--node", "tests/test_x.py::test_y"), ("--project", project, "--results", tmp_path / "r")
    code, out, err = bench_("run", *node, *words, "--repeat=2")
    assert (code, "the test imports 'more_itertools', which is not installed" in out) == (6, True)
    assert f"write a file {project}/requirements.txt with what the test imports" in err
    last = f"--repeat=2 --requirements {project}/requirements.txt"
    assert err.strip().splitlines()[-1] == f"next: bench run {' '.join(map(str, (*node, *words)))} {last}"
    (project / "requirements.txt").write_text("more-itertools\n")
    code, out, err = bench_("ab", *node, "--base", "v1", *words)
    assert (code, "minor_faults" in out) == (6, False)
    assert "'more_itertools' is missing: " in err, "the line that says what to do says why"
    assert f"packages are installed only if a file names them; {project}/requirements.txt is there" in err
    assert f"--base v1 --requirements {project}/requirements.txt" in err.strip().splitlines()[-1]
    given = ("--requirements", project / "requirements.txt")
    _, _, err = bench_("run", *node, *words, *given)
    assert f"add the package that brings 'more_itertools' to {project}/requirements.txt" in err
    assert err.strip().splitlines()[-1].count("--requirements") == 1
    assert "--python" not in err
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").touch()
    (project / "requirements.txt").unlink()
    (project / "pyproject.toml").touch()
    _, _, err = bench_("run", *node, *words)
    assert f"uv pip compile {project}/pyproject.toml -o {project}/requirements.txt; or measure" in err
    assert f"--python {project}/.venv" in err
    (project / "src" / "more_itertools").mkdir(parents=True)
    _, _, err = bench_("run", *node, *words)
    assert "--requirements" not in err


def test_without_a_checkout_there_is_no_revision(engine, bench_, project, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.cli.paired.prepare.diagnostics_folder", lambda: tmp_path)
    code, _, err = bench_("ab", "grad_cpu", "--base", "main", "--results", tmp_path / "r")
    assert (code, "shipped diagnostic" in err) == (2, True)
    subprocess.run(["rm", "-rf", str(project / ".git")], check=True)
    code, _, err = bench_("ab", "slow", "--project", project, "--base", "main", "--results", tmp_path / "r")
    assert (code, "needs a git checkout" in err) == (2, True), err
    assert engine.executed == []


def test_undecided_in_plain_words(takes, bench_, project, tmp_path):
    takes(of_code(0.0), noise=0.2)
    words = ("ab", "slow", "--project", project, "--base", "v1", "--max-pairs", "12", "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    assert (code, "undecided after 12 pairs: call is between" in out) == (6, True), out
    assert "minor_faults" in out
    assert "major_faults" not in out, "none on either side"
    assert "--resume ab-" in err
    base, head = sides(tmp_path / "r")
    assert (len(base.record.runs), len(head.record.runs), base.record.outcome) == (12, 12, "passed")
    code, _, err = bench_("ab", "--resume", "--max-pairs", "12", "--results", tmp_path / "r")
    assert (code, "has 12 pairs already" in err) == (2, True), err


@pytest.mark.parametrize(
    ("pairs", "words"), [(60, "--max-pairs 120"), (600, "--max-pairs 1000"), (999, "--max-pairs 1000"), (1000, "")]
)
def test_no_more_pairs_are_proposed_than_may_be_asked_for(pairs, words):
    assert more_pairs(pairs) == words


@pytest.mark.parametrize(
    ("outcomes", "code"), [(["failed"], 3), (["passed", "timed_out"], 4), (["failed", "oom_killed"], 5)]
)
def test_a_side_that_fails_ends_it_after_its_pair(engine, bench_, project, tmp_path, outcomes, code):
    engine.outcomes = list(outcomes)
    found, _, err = bench_("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r")
    assert (found, len(engine.executed)) == (code, 2), err
    assert "its time means nothing; of the " in err
    assert "test_grad.py::test_a: AssertionError" in err  # how it ended, and not only that it did


def test_an_engine_that_is_lost_leaves_the_pairs_so_far(takes, engine, bench_, project, tmp_path):
    takes(of_code(0.1))
    engine.outcomes = ["passed"] * 5 + [NotMeasured("no room", "the disk is full", "make room")]
    code, _, err = bench_("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r")
    assert (code, "no room" in err) == (6, True)
    base, head = sides(tmp_path / "r")
    assert {len(base.record.runs), len(head.record.runs)} == {3}
    assert sorted(run.outcome for side in (base, head) for run in side.record.runs)[:1] == ["not_measured"]


def test_ctrl_c_keeps_the_pairs_and_resume_goes_on(takes, engine, bench_, project, tmp_path):
    takes(of_code(0.1))
    engine.outcomes = ["passed"] * 6 + ["interrupted"]
    words = ("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    assert (code, "interrupted\nnext: bench ab --resume ab-" in err) == (130, True), out + err
    base, head = sides(tmp_path / "r")
    kept = {bundle.path: (bundle.path / "record.json").read_bytes() for bundle in (base, head)}
    name, seed = base.record.experiment.id, base.record.experiment.seed
    assert {len(base.record.runs), len(head.record.runs)} == {3, 4}
    code, out, err = bench_("ab", "--resume", name, "--results", tmp_path / "r")
    assert (code, "slower: call +" in out) == (1, True), out + err
    assert {path: (path / "record.json").read_bytes() for path in kept} == kept
    newest = [bundle for bundle in find_bundles(tmp_path / "r") if bundle.path not in kept]
    base, head = sorted(newest, key=lambda one: one.record.experiment.side)
    told = base.record.experiment
    assert (told.id, told.seed) == (name, seed)
    assert told.pair[:4] == (0, 1, 2, 4)  # the pair that was half is not made again
    assert len(told.resumes) == 2
    assert [run.index for run in base.record.runs] == list(range(len(base.record.runs)))
    assert [verify_bundle(bundle.path) for bundle in newest] == [[], []]
    assert (base.path / "logs" / "pytest-000.log").read_text() == "1 passed\n"
    assert bench_("compare", base.path, head.path)[0] == 1


def test_resume_refuses_other_code_and_other_choices(takes, engine, bench_, project, tmp_path):
    takes(of_code(0.1))
    engine.outcomes = ["passed"] * 4 + ["interrupted"]
    words = ("--project", project, "--base", "v1", "--results", tmp_path / "r")
    assert bench_("ab", "slow", *words)[0] == 130
    made = len(engine.executed)
    for more, said in (
        (("--metric", "wall"), "is decided by call"),
        (("--seed", "1"), "has the seed"),
        (("--effect", "1%"), "changes below 5.0 % are the same; leave --effect away"),
    ):
        code, _, err = bench_("ab", "--resume", *more, "--results", tmp_path / "r")
        assert (code, said in err) == (2, True), err
    (project / "work.py").write_text("N = 3\n")
    code, _, err = bench_("ab", "--resume", "--results", tmp_path / "r")
    assert (code, "the code of the head is not what the experiment began with" in err) == (7, True), err
    code, _, err = bench_("ab", "--resume", "ab-00000000", "--results", tmp_path / "r")
    assert (code, "no experiment 'ab-00000000' lies in" in err) == (2, True), err
    assert len(engine.executed) == made
    code, _, err = bench_("ab", "slow", "--resume", *words[:2], "--base", "v1", "--results", tmp_path / "r")
    assert code == 7


def test_a_figure_that_no_run_has_cannot_decide(takes, engine, bench_, project, tmp_path):
    takes(of_code(0.1))
    words = ("ab", "slow", "--project", project, "--base", "v1", "--results", tmp_path / "r")
    code, _, err = bench_(*words, "--metric", "speed")
    assert (code, len(engine.executed)) == (2, 2)
    assert "speed cannot decide: no run has it; there are call, wall, cpu" in err
    code, out, _ = bench_(*words, "--metric", "wall", "--effect", "1%")
    assert (code, "slower: wall +" in out) == (1, True)


def test_a_side_is_no_history_of_a_run(takes, engine, bench_, project, tmp_path):
    takes(of_code(-0.3))
    words = ("--project", project, "--results", tmp_path / "r")
    assert bench_("ab", "slow", *words, "--base", "v1")[0] == 0
    code, out, _ = bench_("run", "slow", *words, "--json")
    assert code == 0
    assert json.loads(out)["record"]["verdict"]["baseline"] == {}
    code, out, _ = bench_("history", "slow", "--results", tmp_path / "r")
    assert ("slow: experiments on" in out, "v1 → the working tree" in out, "code improved" in out) == (True, True, True)
    assert "base of experiment ab-" not in out
    host = json.loads(bench_("history", "slow", "--results", tmp_path / "r", "--json")[1])[0]["host"]["id"]
    base, _ = sides_only(tmp_path / "r")
    code, _, err = bench_("compare", host, base.path, "--results", tmp_path / "r")
    assert "it is a side of an experiment" in err


def test_a_report_shows_the_verdict_of_both_sides(takes, engine, bench_, project, tmp_path, monkeypatch):
    takes(of_code(0.3))
    results = tmp_path / "r"
    assert bench_("ab", "slow", "--project", project, "--results", results, "--base", "v1")[0] == 1
    files = {form: tmp_path / f"report.{form}" for form in ("html", "markdown", "junit", "pyperf")}
    words = [word for form, path in files.items() for word in (f"--{form}", path)]
    assert bench_("report", results, *words, "--site", tmp_path / "site")[0] == 0
    text = {form: path.read_text() for form, path in files.items()}
    assert 'data-state="code_regressed"' in text["html"]
    assert ("1 code regressed\n" in text["markdown"], "1 ok" in text["markdown"]) == (True, False)
    assert 'tests="1" failures="1"' in text["junit"]
    assert len(json.loads(text["pyperf"])["benchmarks"]) == 2
    assert "code regressed: slower: call +" in (tmp_path / "site" / "feed.xml").read_text()
    assert "slower: call +" in bench_("report", results)[1]
    document = json.loads(bench_("report", results, "--json")[1])
    assert (document["counts"], len(document["results"])) == ({"code_regressed": 1}, 2)
    assert [one["status"] for one in document["comparisons"]] == ["code_regressed"]
    monkeypatch.setattr("bench.cli.verbs.look.list.this_host", lambda: sides(results)[0].record.host.id)
    listed = ("list", "--project", project, "--results", results)
    assert "code regressed" in bench_(*listed)[1]
    (last,) = (one["last"] for one in json.loads(bench_(*listed, "--json")[1]) if one["name"] == "slow")
    assert last["status"] == "code_regressed"


def sides_only(results):
    found = [one for one in find_bundles(results) if one.record.experiment is not msgspec.UNSET]
    return sorted(found, key=lambda one: one.record.experiment.side)


def test_a_budget_ends_it_between_pairs(takes, engine, bench_, project, tmp_path, monkeypatch):
    takes(of_code(0.0), noise=0.3)
    monkeypatch.setattr("bench.run.ab.pairs.now", lambda: 100.0 * len(engine.executed))
    words = ("ab", "slow", "--project", project, "--base", "v1", "--budget", "10min", "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    assert (code, len(engine.executed)) == (6, 6), out + err
    assert "the budget of 10:00 is spent" in err


def test_a_duet_runs_both_sides_at_once_on_halves_that_swap(engine, bench_, project, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    both, alone, draw, execute = threading.Barrier(2, timeout=30), threading.Lock(), random.Random(1), engine.execute

    def timed(place_, task, out, on_event):
        both.wait()
        with alone:
            engine.walls = [of_code(0.1)(task) * (1 + draw.uniform(-0.01, 0.01))]
            return execute(place_, task, out, on_event)

    engine.execute = timed
    words = ("ab", "slow", "--project", project, "--base", "v1", "--duet", "--results", tmp_path / "r")
    code, out, err = bench_(*words)
    assert (code, "slower: call +" in out) == (1, True), out + err
    assert "both sides at once" in out
    base, head = sides(tmp_path / "r")
    assert base.record.experiment.duet == ("0", "1")
    for bundle in (base, head):
        told, root = bundle.record.experiment, bundle.record.diagnostic.source.sha256
        ran = [task.limits.cpuset for task in engine.executed if task.tree.sha256 == root]
        assert ran == [told.duet[order] for order in told.order]
        assert set(ran) == {"0", "1"}
        assert verify_bundle(bundle.path) == []
    assert bench_("compare", base.path, head.path)[0] == 1


def test_a_duet_on_one_cpu_is_refused(engine, bench_, project, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    words = ("ab", "slow", "--project", project, "--base", "v1", "--duet", "--results", tmp_path / "r")
    code, _, err = bench_(*words)
    assert (code, "--duet needs two CPUs, and there is one" in err) == (2, True), err
    assert engine.executed == []


def test_an_interrupted_duet_keeps_its_pairs(engine, bench_, project, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    engine.outcomes = ["passed"] * 4 + ["interrupted", "interrupted"]
    alone, execute = threading.Lock(), engine.execute

    def one_by_one(*words):
        with alone:
            return execute(*words)

    engine.execute = one_by_one
    words = ("ab", "slow", "--project", project, "--base", "v1", "--duet", "--results", tmp_path / "r")
    code, _, err = bench_(*words)
    assert (code, "next: bench ab --resume ab-" in err) == (130, True), err
    base, head = sides(tmp_path / "r")
    assert (len(base.record.runs), len(head.record.runs)) == (3, 3)
    words = ("--base", "v1", "--project", project, "--results", tmp_path / "r")
    code, _, err = bench_("ab", "slow", "--resume", *words)
    assert (code, "runs both sides at once" in err) == (2, True), err
    code, out, _ = bench_("ab", "--resume", "--results", tmp_path / "r")
    assert (code, "the same within" in out) == (0, True), out


@pytest.fixture
def open_project(project):
    """One whose ``bench.toml`` names no image."""
    (project / "bench.toml").unlink()
    return project


@pytest.mark.parametrize(
    ("words", "kind"),
    [((), "cpu"), (("--image", "torch"), "cpu"), (("--torch",), "cpu"), (("--image", "small"), "small")],
)
def test_both_sides_run_in_the_image_that_was_named(engine, bench_, tmp_path, open_project, words, kind):
    kinds, prepare = set(), engine.prepare
    engine.prepare = lambda need, notify: kinds.add(need.kind) or prepare(need, notify)
    asked = ("ab", "--project", open_project, "--node", "tests/test_x.py::test_y", "--base", "v1", "--max-pairs", 1)
    _, out, err = bench_(*asked, *words, "--results", tmp_path / "results", "--no-calibration")
    assert kinds == {kind}, out + err
    bench_(*asked, "--base", "v1,image=small", "--results", tmp_path / "results", "--no-calibration")
    assert kinds == {"cpu", "small"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--base", "image=small"), "--base 'image=small' names an image, and the local engine has none"),
        (("--base", "v1", "--head", "image=cpu"), "--head 'image=cpu' names an image, and the local engine has none"),
    ],
)
def test_an_image_of_a_side_is_no_matter_of_the_local_engine(engine, bench_, project, tmp_path, words, said):
    engine.engine = "local"
    code, _, err = bench_("ab", "slow", "--project", project, *words, "--results", tmp_path / "r")
    assert (code, said in err, engine.executed) == (2, True, [])


def test_nothing_is_installed_for_a_side_into_a_persons_own_environment(engine, bench_, project, tmp_path):
    (project / "r.txt").write_text("\n")
    words = ("--base", f"requirements={project / 'r.txt'}", "--python", "/usr/bin/python3")
    code, _, err = bench_("ab", "slow", "--project", project, *words, "--results", tmp_path / "r")
    assert (code, "--base requirements= and --python do not go together" in err, engine.executed) == (2, True, [])
