"""`bench reproduce` where something is not as it was: said before anything runs, and by its exit code."""

import json

import pytest

from bench.engine.protocol import Capacity
from bench.errors import NotMeasured
from bench.record.storage.bundle import read_bundle
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from tests.integration.command import forge


@pytest.fixture
def again(measured, bench_, tmp_path):
    """Reproduce a result of three runs after a change of its record: exit code, output, complaints."""
    (original,) = find_bundles(measured([10.0] * 3))

    def run(change, *words):
        forged = forge(original.path, tmp_path / "forged" / original.path.name, change)
        return bench_("reproduce", forged, "--results", tmp_path / "again", *words)

    return run


BEYOND = [
    ({"cpus": 64.0}, "cpus", "cpus 2.0"),
    ({"cpuset": "0-15"}, "cpus", "cpuset 0,1"),
    ({"memory_bytes": 10**12}, "memory", "memory 16.00 GiB"),
]


def limits(**values):
    return lambda record: record["engine"]["limits"].update(values)


@pytest.mark.parametrize(("asked", "code"), [(asked, code) for asked, code, _ in BEYOND])
def test_a_limit_that_this_host_cannot_give_waits_for_leave(again, engine, asked, code):
    refused = again(limits(**asked))
    assert refused[0] == 7
    assert refused[2].strip().endswith(f"--allow {code} accepts it")
    assert engine.executed == []


@pytest.mark.parametrize(("asked", "code", "limited"), BEYOND)
def test_a_limit_that_is_allowed_to_be_another_is_all_that_there_is(again, engine, asked, code, limited):
    done = again(limits(**asked), "--allow", code, "--json")
    assert done[0] == 0, done[2]
    assert any(limited in line for line in done[2].splitlines() if "limited here to" in line)
    document = json.loads(done[1])
    assert document["comparison"]["status"] == "limit_bound"
    assert document["mismatches"][0]["code"] == code
    assert len(engine.executed) == 3


def test_threads_go_along_with_the_cpus(again, engine):
    code, _, err = again(limits(cpus=32.0, threads=32), "--allow", "cpus")
    assert code == 0, err
    (said,) = (line for line in err.splitlines() if "limited here to" in line)
    assert said == "  limited here to cpus 2.0, pids 512, threads 2"
    assert {(task.limits.threads, task.env["OMP_NUM_THREADS"]) for task in engine.executed} == {(2, "2")}


def test_threads_of_a_larger_host_wait_for_leave(again, engine, monkeypatch):
    monkeypatch.setattr(engine, "capacity", lambda: Capacity(1, 16 * 1024**3))
    code, _, err = again(limits(threads=2))
    assert (code, engine.executed) == (7, [])
    assert "  cannot be matched: threads: 2 threads there, CPUs for 1 here" in err.splitlines()
    assert err.strip().endswith("--allow threads accepts it")


def test_threads_that_are_allowed_to_be_others_are_as_many_as_the_cpus(again, engine, monkeypatch):
    monkeypatch.setattr(engine, "capacity", lambda: Capacity(1, 16 * 1024**3))
    code, out, err = again(limits(threads=2), "--allow", "threads", "--json")
    assert code == 0, err
    assert {task.env["OMP_NUM_THREADS"] for task in engine.executed} == {"1"}
    assert json.loads(out)["record"]["engine"]["limits"]["threads"] == 1


@pytest.fixture
def no_docker(engine, handed, monkeypatch):
    """No Docker engine answers; the local one does."""

    def choose(name, host, notify):
        if name == "docker" or host:
            raise NotMeasured("no Docker engine answers at unix:///none", "there is no such socket", "start one")
        engine.engine = "local"
        return engine

    prepared = []
    prepare = engine.prepare
    handed.choose(choose)
    monkeypatch.setattr(engine, "prepare", lambda need, notify: prepared.append(need) or prepare(need, notify))
    return prepared


def test_a_missing_engine_is_a_difference_like_others(again, engine, no_docker):
    code, out, err = again(lambda _: None)
    lines = [line.strip() for line in err.splitlines()]
    assert code == 7
    assert "no Docker engine answers at unix:///none: there is no such socket; start one" in lines
    assert "engine: docker 27.0 there, local 27.0 here" in lines
    assert "processor: Test CPU, the same here" in lines
    assert "cannot be matched: engine: docker there, local here" in lines
    assert lines[-1].endswith("--allow image,engine accepts it")
    assert (out, engine.executed, no_docker) == ("", [], [])


def test_a_missing_engine_that_is_allowed_gives_way_to_this_host_itself(again, engine, no_docker):
    code, _, err = again(lambda _: None, "--allow", "engine,image")
    assert code == 0, err
    assert "  measuring on this host itself, without a container" in err.splitlines()
    assert len(engine.executed) == 3


@pytest.mark.parametrize("words", [("--engine", "docker"), ("--host", "ssh://nobody")])
@pytest.mark.usefixtures("no_docker")
def test_an_engine_that_is_asked_for_by_name_is_not_replaced(again, engine, words):
    code, _, err = again(lambda _: None, *words, "--allow", "engine,image")
    assert (code, engine.executed) == (6, [])
    assert "no Docker engine answers" in err


def test_a_profile_is_made_again_and_its_times_are_not_compared(again, engine, tmp_path):
    code, out, err = again(lambda record: record.update(profiler=True), "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["comparison"] is None
    assert "its times are not compared" in err
    assert read_bundle(tmp_path / document["path"]).record.profiler
    assert len(engine.executed) == 3


def test_a_profile_whose_test_fails_ends_as_the_run_did(again, engine):
    engine.outcomes = ["failed"] * 3
    code, out, err = again(lambda record: record.update(profiler=True))
    assert (code, out) == (3, "")
    assert "written to" in err


@pytest.mark.parametrize(
    ("change", "allow"),
    [
        (lambda record: record.update(image=None), "image"),
        (lambda record: record["diagnostic"]["source"].update(sha256=None), "source"),
    ],
)
def test_what_a_bundle_does_not_say_runs_nothing(again, engine, change, allow):
    code, _, err = again(change)
    assert (code, engine.executed) == (7, [])
    assert f"{allow}: not known there" in err
    assert f"--allow {allow} accepts it" in err


def test_a_bundle_that_asks_for_the_machine_gets_a_bounded_part_of_it(again, engine):
    def greedy(record):
        record["runs"] *= 60
        record["diagnostic"]["timeout_s"] = 1e12
        record["environ"]["OMP_X"] = "a\0b"
        record["environ"]["BENCH_PROFILE"] = "smoke"

    code, _, err = again(greedy, "--allow", "environment")
    assert code in {0, 1}, err
    assert "100 runs" in err
    assert "each run stopped after 1200.00 s, not 180 runs and 1000000000000.00 s as there (--trust allows it)" in err
    assert {task.timeout_s for task in engine.executed} == {1200.0}
    assert len(engine.executed) == 100
    assert engine.executed[0].env["BENCH_PROFILE"] == "full"
    assert "OMP_X" not in engine.executed[0].env


def test_a_wall_time_that_is_none_is_found_before_the_runs(again, engine):
    code, _, err = again(lambda record: record["runs"][0].update(wall_s=-1.0))
    assert (code, engine.executed) == (8, [])
    assert "runs[0].wall_s" in err


def nothing_ran(folder, outcome, said):
    """Check the bundle of a reproduction of which nothing ran: whole, and it names what it reproduces."""
    (original,), (bundle,) = find_bundles(folder / "results"), find_bundles(folder / "again")
    record = bundle.record
    assert (record.outcome, record.verdict.status, record.runs) == (outcome, "not_measured", ())
    assert record.reproduces == original.record.id
    assert said in (bundle.path / "summary.md").read_text().splitlines()[0]
    assert verify_bundle(bundle.path) == []
    return bundle


def test_without_the_engine_that_was_asked_for_a_bundle_says_so(again, no_docker, tmp_path):
    code, out, err = again(lambda _: None, "--engine", "docker", "--json")
    document = json.loads(out)
    bundle = nothing_ran(tmp_path, "not_measured", "no Docker engine answers")
    assert (code, document["path"], no_docker) == (6, str(bundle.path), [])
    assert document["comparison"]["status"] == "not_measured"
    assert err.splitlines()[-1].startswith("bench: no Docker engine answers at unix:///none")


@pytest.mark.usefixtures("no_docker")
def test_an_engine_that_is_missing_is_not_told_as_another_one(again, tmp_path):
    code, _, err = again(lambda record: record["engine"].update(name="local"), "--engine", "docker")
    assert code == 6, err
    nothing_ran(tmp_path, "not_measured", "no Docker engine answers")


@pytest.mark.parametrize(
    ("trouble", "code", "outcome", "said"),
    [
        (NotMeasured("no NVIDIA GPU was found"), 6, "not_measured", "no NVIDIA GPU was found"),
        (KeyboardInterrupt(), 130, "interrupted", "the command was interrupted"),
    ],
)
def test_without_a_place_to_run_in_a_bundle_says_so(again, engine, monkeypatch, tmp_path, trouble, code, outcome, said):
    def prepare(*_):
        raise trouble

    monkeypatch.setattr(engine, "prepare", prepare)
    done, _, err = again(lambda _: None)
    assert done == code
    assert ("memory: 16.00 GiB, the same here" in err) == (code == 6)  # what this host has is said all the same
    nothing_ran(tmp_path, outcome, said)
    assert engine.executed == []


def test_what_is_refused_leaves_no_bundle(again, tmp_path):
    assert again(limits(cpus=64.0))[0] == 7
    assert not (tmp_path / "again").exists()
