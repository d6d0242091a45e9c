"""``bench whatif`` from its words to its table, with a deterministic engine."""

import json

from bench.errors import NotMeasured
from bench.record.find import find_bundles


def test_a_variant_that_cannot_be_measured_is_shown_with_its_reason(engine, bench_, tmp_path):
    engine.outcomes = ["passed", NotMeasured("the image has no jemalloc", "it is another's", "build it anew"), "passed"]
    words = ("whatif", "grad_cpu", "--variants", "glibc,jemalloc,thp", "--repeat", "2", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    assert code == 0
    assert "not measured:" in out
    assert "jemalloc: the image has no jemalloc" in " ".join(out.split())
    assert [task.preload for task in engine.executed] == [None, "jemalloc", None, None, None]


def test_threads_are_one_two_four_up_to_this_engine_s_cpus(engine, bench_, tmp_path):
    words = ("whatif", "grad_cpu", "--variants", "threads", "--repeat", "1", "--results", tmp_path / "r", "--json")
    code, out, _ = bench_(*words)
    document = json.loads(out)
    assert code == 0
    assert document["reference"] == "threads-1"
    assert [variant["name"] for variant in document["variants"]] == ["threads-1", "threads-2"]
    assert [task.env["OMP_NUM_THREADS"] for task in engine.executed] == ["1", "2"]


def test_a_project_adds_variants_of_its_own(engine, bench_, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_x.py").write_text("def test_y(): pass\n")
    (project / "bench.toml").write_text(
        '[diagnostic.mine]\nnode = "test_x.py"\n[variant.ours]\nabout = "ours"\nenv = { OMP_PLACES = "cores" }\n'
    )
    words = ("whatif", "mine_cpu", "--project", project, "--variants", "glibc,ours", "--repeat", "1")
    code, out, _ = bench_(*words, "--results", tmp_path / "r")
    assert code == 0, out
    assert [task.env.get("OMP_PLACES") for task in engine.executed] == [None, "cores"]
    assert "nothing can be said of ours yet: run more rounds with --repeat" in " ".join(out.split())


def test_a_variant_whose_test_fails_is_never_advised(engine, bench_, tmp_path):
    engine.outcomes = ["passed", "failed", "failed", "passed"]
    engine.walls = [10.0, 1.0, 1.0, 10.0]
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "2", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    assert code == 3
    assert "failed" in out
    assert "set THP" not in out
    assert "thp: its test failed in 2 of 2 runs" in out


def test_a_variant_that_fails_now_and_then_is_never_advised(engine, bench_, tmp_path):
    engine.walls = [10.0, 5.0, 5.1, 10.1] * 6
    engine.outcomes = ["passed", "failed", "passed", "passed"] * 3
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "12", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    said = " ".join(out.split())
    assert code == 3
    assert "failed 3/12" in said
    assert "faster" not in said
    assert said.endswith("no variant can be advised; thp: its test failed in 3 of 12 runs")


def test_what_was_interrupted_did_not_fail(engine, bench_, tmp_path):
    engine.outcomes = ["passed", "passed", "interrupted"]
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "2", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    assert code == 130
    assert "interrupted" in out
    assert "failed" not in out


def test_a_variant_lost_on_the_way_keeps_its_reason(engine, bench_, tmp_path):
    gone = NotMeasured("the disk is full", "8 GB are needed", "make room")
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "5", "--results")
    engine.outcomes = ["passed", "passed", gone]
    code, out, _ = bench_(*words, tmp_path / "thp")
    assert code == 6  # what was not measured is never reported as passed
    assert "thp after 1 run: the disk is full" in " ".join(out.split())
    engine.outcomes = ["passed", "passed", "passed", gone]
    code, out, _ = bench_(*words, tmp_path / "glibc")
    said = " ".join(out.split())
    assert code == 6
    assert "glibc after 1 run: the disk is full" in said
    assert "nothing can be said: the reference was lost: the disk is full" in said
    engine.outcomes = [gone]
    code, out, _ = bench_(*words, tmp_path / "none")
    assert code == 6
    assert "the reference was lost: the disk is full" in " ".join(out.split())


def test_a_variant_that_breaks_between_rounds_is_kept_and_not_measured(engine, bench_, tmp_path):
    engine.outcomes = ["passed", "passed", NotMeasured("no room"), "passed"]
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "2", "--results", tmp_path / "r")
    code, _, err = bench_(*words)
    assert (code, err.splitlines()[-1]) == (6, "bench: no room")
    found = {bundle.record.variant: bundle.record for bundle in find_bundles(str(tmp_path / "r"))}
    assert [run.outcome for run in found["thp"].runs] == ["passed", "not_measured"]
    assert (found["thp"].outcome, found["glibc"].outcome) == ("not_measured", "passed")
