"""A command behind ``--``: run, whatif, fleet and reproduce to their exit codes, with a stand-in for the engine."""

import json

import pytest

from bench.cli.verbs.measure import fleet
from bench.record.storage.find import find_bundles

RUN = ("run", "--quiet", "--no-calibration")


def the_bundle():
    (bundle,) = find_bundles("results")
    return bundle


def test_a_command_is_measured_and_its_bundle_verifies(engine, bench_):
    code, _, err = bench_(*RUN, "--", "sleep", "1", "--repeat", "9")
    assert code == 0, err
    (task,) = engine.executed
    assert task.argv == ("sleep", "1", "--repeat", "9")
    bundle = the_bundle()
    assert bundle.record.diagnostic.name == "sleep"
    assert bundle.record.diagnostic.command == ("sleep", "1", "--repeat", "9")
    assert bundle.record.diagnostic.node is None
    assert (bundle.path / "logs" / "output.log").is_file()
    assert not (bundle.path / "logs" / "pytest.log").exists()
    assert not (bundle.path / "artifacts" / "pytest.junit.xml").exists()
    assert bench_("verify", bundle.path)[0] == 0
    assert "sleep 1 --repeat 9" in (bundle.path / "summary.md").read_text()


def test_warm_ups_are_kept_and_marked_and_not_judged(engine, bench_):
    engine.walls = [99.0, 1.0, 1.0]
    code, out, _ = bench_(*RUN, "--warmup", 1, "--repeat", 2, "--ceiling", 5, "--json", "--", "true")
    assert code == 0
    record = json.loads(out)["record"]
    assert [run.get("warmup", False) for run in record["runs"]] == [True, False, False]
    assert record["runs_asked"] == 3
    assert record["verdict"]["ceiling_margin_s"] == 4.0
    asked = "select warmup, max(wall_s) as slowest, count(*) as runs from runs group by warmup order by warmup"
    code, out, _ = bench_("query", asked, "--json")
    assert (code, json.loads(out)) == (
        0,
        [{"warmup": False, "slowest": 1.0, "runs": 2}, {"warmup": True, "slowest": 99.0, "runs": 1}],
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--",),
        ("--name", "x"),
        ("grad_cpu", "--", "true"),
        ("grad_cpu", "--shell"),
        ("grad_cpu", "--expect-exit", "3"),
        ("--shell", "--", "a", "b"),
        ("--python", "/x", "--engine", "docker", "--", "true"),
        ("--image", "x", "--engine", "local", "--", "true"),
        ("--image", "x", "--torch", "--", "true"),
        ("--image", "", "--", "true"),
        ("--name", "grad_cpu", "--", "true"),
        ("--input", "nothing", "--", "true"),
        ("--warmup", "-1", "--", "true"),
        ("--requirements", "r.txt", "--", "true"),
        ("--project", ".", "--node", "a.py::b", "--requirements", "r.txt", "--python", "."),
        ("--profiler", "--", "true"),
        ("grad_cpu", "--image", "small"),
        ("--project", ".", "--node", "a.py::b", "--image", "alpine"),
    ],
)
def test_what_does_not_go_together_is_a_line_and_2(engine, bench_, words):
    code, _, err = bench_(*RUN, *words)
    assert code == 2, err
    assert len(err.splitlines()) == 1
    assert not engine.executed


def test_a_secret_of_a_command_is_in_no_file(engine, bench_):
    words = ("mysql", "--password", "hunter2-hunter2", "-e", "select 1")
    assert bench_(*RUN, "--", *words)[0] == 0
    bundle = the_bundle()
    assert "hunter2" not in "".join(path.read_text() for path in bundle.path.rglob("*") if path.is_file())
    assert bundle.record.diagnostic.command[:2] == ("mysql", "--password")
    code, _, err = bench_("reproduce", bundle.path, "--trust")
    assert code == 7
    assert "secrets were taken out" in err


def test_a_project_s_command_runs_in_its_copy_and_is_named_in_bench_toml(engine, bench_, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "data.txt").write_text("2\n1\n")
    (project / "bench.toml").write_text('[diagnostic.sort]\ncommand = ["sort"]\ninput = "data.txt"\nwarmup = 1\n')
    assert bench_(*RUN, "sort_cpu", "--project", project)[0] == 0
    assert [task.cwd for task in engine.executed] == ["{src}", "{src}"]
    given = engine.executed[0].command.input
    assert (given.name, given.is_relative_to(project), given.exists()) == ("data.txt", False, False), "it was a copy"
    assert the_bundle().record.diagnostic.source.kind == "project"
    code, _, err = bench_("reproduce", the_bundle().path, "--project", "project", "--trust")
    assert code == 0, err
    assert "a command: sort" in err


def test_a_stranger_s_command_is_shown_first_and_runs_only_if_trusted(engine, bench_):
    assert bench_(*RUN, "--repeat", 2, "--warmup", 1, "--prepare", "sync", "--", "rm", "-rf", "/tmp/x")[0] == 0
    engine.executed.clear()
    code, _, err = bench_("reproduce", the_bundle().path)
    assert code == 2
    assert err.splitlines()[0] == "a command: sync (before each run); rm -rf /tmp/x"
    assert "--trust" in err
    assert not engine.executed
    code, _, err = bench_("reproduce", the_bundle().path, "--trust")
    assert code == 0, err
    assert [task.argv for task in engine.executed] == [("rm", "-rf", "/tmp/x")] * 3


def test_what_a_command_reads_must_be_given_and_be_the_same(engine, bench_, tmp_path):
    (tmp_path / "in").write_text("1")
    (tmp_path / "other").write_text("2")
    assert bench_(*RUN, "--input", "in", "--", "cat")[0] == 0
    path = the_bundle().path
    for words, said in (((), "--input FILE"), (("--input", "other"), "another hash")):
        code, _, err = bench_("reproduce", path, "--trust", *words)
        assert (code, said in err) == (7, True), err
    code, _, err = bench_("reproduce", path, "--trust", "--input", "in")
    assert code == 0, err


def test_variants_of_a_command_are_tried(engine, bench_):
    words = ("--variants", "glibc,threads-1", "--repeat", 1, "--quiet", "--name", "mine", "--", "true")
    code, _, err = bench_("whatif", *words)
    assert code == 0, err
    assert {task.argv for task in engine.executed} == {("true",)}
    assert {bundle.record.diagnostic.name for bundle in find_bundles("results")} == {"mine"}


def test_a_fleet_runs_a_command_and_keeps_what_stands_behind_a_name_an_option(bench_, monkeypatch):
    legs = []
    monkeypatch.setattr(
        fleet, "run_on_engines", lambda made, _: legs.extend(leg for lane in made for leg in lane) or ()
    )
    assert bench_("fleet", "--host", "ssh://a", "--repeat", 3, "--", "sleep", "1")[0] == 6
    assert bench_("fleet", "grad_cpu", "--host", "ssh://a", "--", "--repeat", "3")[0] == 6
    one, two = (leg.words for leg in legs)
    assert one[0] == "run"
    assert one[-5:] == ("--host", "ssh://a", "--", "sleep", "1")
    assert "--repeat" in one
    assert two[:2] == ("run", "grad_cpu")
    assert two[-4:] == ("--repeat", "3", "--host", "ssh://a")
    assert bench_("fleet", "--host", "ssh://a")[0] == 2
    legs.clear()
    for bad in (("--shell", "--", "a", "b"), ("--", "a\0")):
        code, _, err = bench_("fleet", "--host", "ssh://a", *bad)
        assert (code, len(err.splitlines()), legs) == (2, 1, []), err
