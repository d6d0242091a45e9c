"""``bench whatif`` from its words to its table, with a deterministic engine."""

import json

from bench.errors import NotMeasured


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
