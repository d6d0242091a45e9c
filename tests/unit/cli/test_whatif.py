"""``bench whatif`` from its words to its table, with a deterministic engine."""

import json
from dataclasses import replace

import pytest

from bench.errors import NotMeasured
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle


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
    assert "No verdict for ours with 1 round; try --repeat 5" in " ".join(out.split())


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


def nothing_ran(results, outcome, said):
    """Check the bundles of a command in which nothing ran: one a variant, whole, and each says why."""
    found = find_bundles(results)
    assert sorted(bundle.record.variant for bundle in found) == ["glibc", "thp"]
    for bundle in found:
        assert (bundle.record.outcome, bundle.record.runs) == (outcome, ())
        assert bundle.record.verdict.status == "not_measured"
        assert said in (bundle.path / "summary.md").read_text().splitlines()[0]
        assert verify_bundle(bundle.path) == []


STRUCK = "the command was interrupted"
TROUBLES = [
    (NotMeasured("no Docker engine answers"), 6, "not_measured", "no Docker engine answers"),
    (KeyboardInterrupt(), 130, "interrupted", STRUCK),
]


@pytest.mark.parametrize("where", ["choose", "prepare", "execute"])
@pytest.mark.parametrize(("trouble", "code", "outcome", "said"), TROUBLES, ids=["missing", "interrupted"])
def test_where_nothing_can_run_each_variant_has_a_bundle_that_says_so(
    engine, handed, bench_, monkeypatch, tmp_path, where, trouble, code, outcome, said
):
    def struck(*_):
        raise trouble

    monkeypatch.setattr(engine, where, struck) if where != "choose" else handed.choose(struck)
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "2", "--results", tmp_path / "r", "--json")
    done, out, err = bench_(*words)
    document = json.loads(out)
    why = said if code == 6 else "interrupted before its first run"
    assert done == code
    assert [line["problem"] for line in document["variants"]] == [why, why]
    assert not any(line["passed"] or line["comparison"] for line in document["variants"])
    assert err.splitlines()[-1] == f"bench: {said if code == 6 else 'interrupted'}"
    assert err.count("bench:") == 1
    nothing_ran(tmp_path / "r", outcome, said)


def test_an_engine_that_one_variant_asks_for_and_is_missing_costs_that_variant_alone(engine, handed, bench_, tmp_path):
    engine.engine = "local"

    def choose(name, host, notify):
        if name == "docker":
            raise NotMeasured("no Docker engine answers")
        return engine

    handed.choose(choose)
    words = ("whatif", "grad_cpu", "--variants", "native,docker", "--repeat", "2", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    assert (code, len(engine.executed)) == (0, 2)
    assert "docker: no Docker engine answers" in " ".join(out.split())


def test_variants_are_of_one_machine(engine, handed, bench_, tmp_path):
    far = replace(engine, engine="docker", machine="far")
    engine.engine = "local"
    handed.choose(lambda name, host, notify: far if name == "docker" else engine)
    words = ("whatif", "grad_cpu", "--variants", "native,docker", "--repeat", "2", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    assert (code, len(engine.executed)) == (0, 2)
    said = "docker: the docker engine is on another machine than the local engine"
    assert said in " ".join(out.split())
    assert {bundle.record.engine.name for bundle in find_bundles(tmp_path / "r")} == {"local"}


def test_a_word_that_says_nothing_of_who_measures_is_refused_before_anything(engine, handed, bench_, tmp_path):
    def choose(*_):
        raise NotMeasured("no Docker engine answers")

    handed.choose(choose)
    code, _, err = bench_("whatif", "grad_cpu", "--if-busy", "ask", "--results", tmp_path / "r")
    assert (code, "wait or refuse" in err, (tmp_path / "r").exists()) == (2, True, False)


def test_without_the_host_s_place_nothing_runs_in_another_engine_either(engine, handed, bench_, tmp_path):
    def choose(name, host, notify):
        if name is None:
            raise KeyboardInterrupt
        return engine

    handed.choose(choose)
    words = ("whatif", "grad_cpu", "--variants", "docker,native", "--repeat", "2", "--results", tmp_path / "r")
    assert bench_(*words)[0] == 130
    assert engine.executed == []


def test_variants_that_an_interrupt_kept_from_a_first_run_are_named(engine, bench_, tmp_path):
    engine.outcomes = ["passed", KeyboardInterrupt()]
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp,jemalloc", "--repeat", "2", "--results", tmp_path / "r")
    code, out, _ = bench_(*words)
    said = " ".join(out.split())
    assert code == 130
    assert "thp: interrupted before its first run" in said
    assert "jemalloc: interrupted before its first run" in said
    assert [bundle.record.variant for bundle in find_bundles(tmp_path / "r")] == ["glibc"]


def test_a_variant_that_could_not_be_started_says_why(engine, bench_, tmp_path):
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "1", "--results")
    for outcomes, said in (
        (["not_measured"] * 2, "nothing can be said: the reference was lost: test_grad.py::test_a: AssertionError"),
        (["passed", "not_measured"], "not measured: • thp: test_grad.py::test_a: AssertionError"),
    ):
        engine.outcomes = outcomes
        code, out, _ = bench_(*words, tmp_path / str(len(said)))
        assert code == 6
        assert said in " ".join(out.split())
