"""A command that is killed at any point, and the next one that finishes what it had measured, once and truly."""

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import bench.run.measure
import bench.run.recovery
from bench.engine.protocol import Ending, Orphan
from bench.errors import NotMeasured
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify
from bench.run.session import Session
from bench.run.store.kept import (
    ASKED,
    EVIDENCE,
    INDEX,
    LABEL,
    USER,
    claimed,
    default_folder,
    left_behind,
    make_store,
    settled,
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the command runs after it."""


@pytest.fixture
def kill(engine, handed, monkeypatch, tmp_path):
    """Run a command that is killed: by an outcome that is ``Killed``, or as a function is entered."""

    def run(*words, at=None, outcomes=()):
        engine.outcomes = list(outcomes)
        with monkeypatch.context() as patch:
            patch.setattr(Session, "__exit__", lambda *_: None)
            if at is not None:
                patch.setattr(*at, raising(Killed()))
            with pytest.raises(Killed):
                handed.main([str(word) for word in (*words, "--results", tmp_path / "r")])
        disown()

    return run


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def disown():
    """Give every store an owner that no longer lives."""
    child = subprocess.Popen(["true"])
    child.wait()
    for path in default_folder().glob("*/owner.json"):
        owned = json.loads(path.read_text())
        owned["labels"] |= {"bench.owner.pid": str(child.pid), "bench.owner.start": "1"}
        path.write_text(json.dumps(owned))


@pytest.fixture
def after(bench_, tmp_path):
    """What the next command, a run of another name's, finishes."""

    def run(*words):
        code, _, err = bench_("run", "dtype_cpu", "--results", tmp_path / "r", *words)
        assert code == 0
        found = [bundle for bundle in find_bundles(str(tmp_path / "r")) if bundle.record.diagnostic.name != "dtype_cpu"]
        assert all(verify(bundle.path).ok for bundle in found)
        return sorted(found, key=lambda bundle: bundle.record.variant or ""), err

    return run


def stores():
    return list(default_folder().glob("*"))


def orphan_of(task, **more):
    return Orphan("abc", dict(task.labels), **{"running": True, "evidence": True, **more})


def test_earlier_runs_of_a_killed_command_are_finished_with_the_one_it_left(engine, kill, after):
    kill("run", "grad_cpu", "--repeat", "3", outcomes=["passed", Killed()])
    engine.orphaned = [orphan_of(engine.executed[-1])]
    engine.left = "interrupted"
    (bundle,), err = after()
    record = bundle.record
    assert [(run.index, run.outcome) for run in record.runs] == [(0, "passed"), (1, "interrupted")]
    assert record.outcome == "interrupted"
    said = "2 of 3 runs were made: the command that measured was killed"
    assert record.verdict.reasons[0] == said
    assert said in (bundle.path / "summary.md").read_text()
    assert (bundle.path / "logs/pytest-001.log").is_file()
    assert "finished the evidence" in err
    assert (engine.discarded, engine.kept, stores()) == (["abc"], set(), [])


@pytest.mark.parametrize("asked", [1, 2])
def test_killed_while_the_bundle_was_written_costs_nothing(engine, kill, after, asked):
    kill("run", "grad_cpu", "--repeat", asked, at=(bench.run.measure, "write_bundle"))
    (bundle,), _ = after()
    assert (bundle.record.outcome, len(bundle.record.runs)) == ("passed", asked)
    assert bundle.record.unavailable["host.after.load"] == "the command that measured was killed"
    assert stores() == []
    assert len(after()[0]) == 1  # and is not written twice


def test_killed_between_two_runs_says_what_is_missing(engine, kill, after):
    kill("run", "grad_cpu", "--repeat", "3", outcomes=["failed"], at=(bench.run.session, "monitored"))
    # the first run's evidence is back, and not yet read
    (bundle,), _ = after()
    assert [run.outcome for run in bundle.record.runs] == ["failed"]
    assert bundle.record.verdict.reasons[0].startswith("1 of 3 runs were made")
    assert bundle.record.outcome == "interrupted"
    assert stores() == []


def test_killed_before_anything_ran_leaves_nothing(engine, kill, after):
    kill("run", "grad_cpu", outcomes=[Killed()])
    assert after()[0] == []
    assert stores() == []


def test_it_goes_to_the_folder_that_the_killed_command_named(engine, kill, bench_, tmp_path):
    kill("run", "grad_cpu", "--repeat", "2", outcomes=["passed", Killed()])
    engine.orphaned = [orphan_of(engine.executed[-1])]
    bench_("run", "dtype_cpu", "--results", tmp_path / "other")
    assert {one.record.diagnostic.name for one in find_bundles(str(tmp_path / "other"))} == {"dtype_cpu"}
    assert [len(one.record.runs) for one in find_bundles(str(tmp_path / "r"))] == [2]


def test_one_of_which_only_the_engine_knows_goes_there_too(engine, kill, bench_, tmp_path):
    kill("run", "grad_cpu", outcomes=[Killed()])
    labels = {**engine.executed[-1].labels, EVIDENCE: "elsewhere/run-0000"}
    engine.orphaned = [Orphan("abc", labels, running=False, evidence=True)]
    bench_("run", "dtype_cpu", "--results", tmp_path / "other")
    assert [one.record.diagnostic.name for one in find_bundles(str(tmp_path / "r"))] == ["grad_cpu"]


def test_another_user_s_is_not_touched(engine, kill, after):
    kill("run", "grad_cpu", outcomes=[Killed()])
    labels = {**engine.executed[-1].labels, EVIDENCE: "elsewhere/run-0000", USER: "4242"}
    engine.orphaned = [Orphan("abc", labels, running=True, evidence=True)]
    assert after()[0] == []
    assert (engine.recovered, engine.discarded, engine.kept) == ([], [], {"abc"})


def test_variants_are_finished_each_for_itself(engine, kill, after):
    words = ("whatif", "grad_cpu", "--variants", "glibc,thp", "--repeat", "2")
    kill(*words, outcomes=["passed", "passed", Killed()])  # glibc, thp; then thp, glibc
    engine.orphaned = [orphan_of(engine.executed[-1])]
    found, _ = after()
    assert [bundle.record.variant for bundle in found] == ["glibc", "thp"]
    assert [[run.index for run in bundle.record.runs] for bundle in found] == [[0], [0, 1]]
    assert [bundle.record.outcome for bundle in found] == ["interrupted", "passed"]
    assert stores() == []


def test_a_self_test_is_never_taken_for_one_that_held(engine, kill, after, monkeypatch):
    import bench.run.selftest.run as selftest

    monkeypatch.setattr(selftest, "hold", lambda *_: ())
    kill("run", "selftest", at=(selftest, "write_result"))
    (bundle,), _ = after()
    assert (bundle.record.outcome, bundle.record.verdict.status) == ("interrupted", "not_measured")
    assert "not held against its loads" in bundle.record.verdict.reasons[0]


def test_a_run_in_another_engine_waits_for_a_command_that_uses_it(engine, kill, after):
    kill("run", "grad_cpu", "--repeat", "2", outcomes=["passed", Killed()])
    orphan = orphan_of(engine.executed[-1])
    engine.address = "another"
    assert after()[0] == []
    assert len(stores()) == 1
    engine.address = "fake"
    engine.orphaned = [orphan]
    (bundle,), _ = after()
    assert len(bundle.record.runs) == 2


def test_a_run_whose_store_is_gone_keeps_its_number_and_says_so(engine, kill, after):
    kill("run", "grad_cpu", "--repeat", "3", outcomes=["passed", Killed()])
    labels = dict(engine.executed[-1].labels)
    assert (labels[INDEX], labels[ASKED]) == ("1", "3")
    engine.orphaned = [Orphan("abc", {**labels, EVIDENCE: "elsewhere/run-0001"}, running=False, evidence=True)]
    found, _ = after()
    (bundle,) = (one for one in found if one.record.runs[0].index == 1)
    assert bundle.record.outcome == "interrupted"
    assert "its other runs are not to be found" in bundle.record.verdict.reasons[0]


@pytest.mark.parametrize("error", [NotMeasured("no room left"), OSError(errno.ENOSPC, "No space left on device")])
def test_what_cannot_be_written_is_kept_for_another_time(engine, kill, after, monkeypatch, error):
    kill("run", "grad_cpu", "--repeat", "2", outcomes=["passed", Killed()])
    engine.orphaned = [orphan_of(engine.executed[-1])]
    with monkeypatch.context() as patch:
        patch.setattr(bench.run.recovery, "write_bundle", raising(error))
        found, err = after()
    assert (found, engine.discarded, engine.kept, len(stores())) == ([], [], {"abc"}, 1)
    assert f"is kept in {stores()[0]}" in err
    assert len(after()[0][0].record.runs) == 2


def aside():
    return sorted((default_folder().parent / "unfinished").glob("*"))


def nested(deep):
    return "[" * deep + "]" * deep


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


def make_folder(path):
    path.unlink()
    path.mkdir()


UNREADABLE = {
    "cut": lambda path: path.write_text("{"),
    "another type": lambda path: path.write_text('{"record": 1, "asked": "x", "of": 1}'),
    "no text": lambda path: path.write_bytes(b'{"of": "\xff\xfe"}'),
    "deep": lambda path: path.write_text('{"of": ' + nested(5000) + "}"),
    "pipe": make_pipe,
    "folder": make_folder,
    "link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
}


@pytest.mark.parametrize("how", UNREADABLE)
@pytest.mark.parametrize("which", ["begun-00.json", "run-0000.json"])
def test_a_store_that_cannot_be_read_is_moved_aside_once_and_named(engine, kill, after, which, how):
    kill("run", "grad_cpu", at=(bench.run.measure, "write_bundle"))
    (store,) = stores()
    UNREADABLE[how](store / which)
    found, err = after()
    assert found == []
    (moved,) = aside()
    assert moved.name == store.name
    assert (moved / "run-0000/pytest.log").is_file()
    assert [line for line in err.splitlines() if str(moved) in line and "could not be finished" in line]
    assert stores() == []
    assert "killed command" not in after()[1]
    assert aside() == [moved]


@pytest.mark.parametrize("how", [name for name in UNREADABLE if name != "another type"])
def test_a_store_that_says_nothing_of_its_owner_stops_nothing(engine, kill, after, how):
    kill("run", "grad_cpu", at=(bench.run.measure, "write_bundle"))
    (store,) = stores()
    UNREADABLE[how](store / "owner.json")
    assert left_behind() == []
    assert "killed command" not in after()[1]
    assert (store / "run-0000/pytest.log").is_file()


@pytest.mark.parametrize("pid", ["9" * 30, "²", "-1", ""])
def test_an_owner_that_is_no_process_stops_nothing(engine, kill, after, pid):
    kill("run", "grad_cpu", at=(bench.run.measure, "write_bundle"))
    (path,) = default_folder().glob("*/owner.json")
    owned = json.loads(path.read_text())
    owned["labels"]["bench.owner.pid"] = pid
    path.write_text(json.dumps(owned))
    assert "killed command" not in after()[1]


def test_a_store_behind_a_link_is_not_touched(engine, kill, after, tmp_path):
    kill("run", "grad_cpu", at=(bench.run.measure, "write_bundle"))
    (store,) = stores()
    store.rename(tmp_path / "mine")
    store.symlink_to(tmp_path / "mine")
    after()
    assert (tmp_path / "mine" / "run-0000" / "pytest.log").is_file()


@pytest.mark.parametrize(
    "error", [RecursionError(), ValueError("odd\nlines"), MemoryError(), KeyError("x"), OSError(errno.EISDIR, "folder")]
)
@pytest.mark.parametrize("at", ["recovered", "collect", "write_bundle", "read_run"])
def test_whatever_goes_wrong_with_it_ends_no_later_command(engine, kill, after, monkeypatch, error, at):
    kill("run", "grad_cpu", "--repeat", "2", outcomes=["passed", Killed()])
    engine.orphaned = [orphan_of(engine.executed[-1])]
    with monkeypatch.context() as patch:
        patch.setattr(bench.run.recovery, at, raising(error))
        found, err = after()
    (moved,) = aside()
    assert found == []
    assert len([line for line in err.splitlines() if "could not be finished" in line]) == 1
    assert (moved / "run-0000/pytest.log").is_file()
    assert (moved / "engine-abc/pytest.log").is_file()
    assert (engine.discarded, stores()) == (["abc"], [])
    engine.orphaned = []
    found, err = after()
    assert (found, "killed" in err) == ([], False)


def test_what_the_engine_does_not_give_back_is_asked_for_twice_and_stays_there(engine, kill, after, monkeypatch):
    kill("run", "grad_cpu", "--repeat", "2", outcomes=["passed", Killed()])
    engine.orphaned = [orphan_of(engine.executed[-1])]
    asked = []

    def refuse(orphan, _):
        asked.append(orphan.run_id)
        raise NotMeasured("the evidence could not be copied")

    monkeypatch.setattr(engine, "recover", refuse)
    for said in ("could not be finished yet", "could not be finished and is kept"):
        assert said in after()[1]
        assert engine.kept == {"abc"}
    count = len(asked)
    assert "killed" not in after()[1]
    assert (len(asked), engine.discarded, engine.kept) == (count, [], {"abc"})
    assert (aside()[0] / "run-0000/pytest.log").is_file()


def test_a_run_without_a_store_is_moved_aside_too(engine, kill, after):
    kill("run", "grad_cpu", outcomes=[Killed()])
    labels = {**engine.executed[-1].labels, EVIDENCE: "elsewhere/run-0000"}
    engine.orphaned = [Orphan("abc", labels | {LABEL: nested(3000)}, running=False, evidence=True)]
    _, err = after()
    (moved,) = aside()
    assert f"is kept in {moved}" in err
    assert (moved / "engine-abc" / "pytest.log").is_file()
    assert json.loads((moved / "engine-abc.json").read_text())[ASKED] == "1"
    assert engine.discarded == ["abc"]
    engine.orphaned = []
    assert "killed" not in after()[1]


def test_a_results_folder_that_takes_nothing_costs_no_evidence(engine, kill, bench_, tmp_path):
    kill("run", "grad_cpu", at=(bench.run.measure, "write_bundle"))
    (tmp_path / "r").write_text("a file in the way")
    _, _, err = bench_("run", "dtype_cpu", "--results", tmp_path / "s")
    (bundle,) = find_bundles(str(default_folder().parent / "results"))
    assert bundle.record.diagnostic.name == "grad_cpu"
    assert str(bundle.path) in err
    assert stores() == []


def test_a_living_command_s_store_is_not_touched(engine, after):
    store = make_store(engine)
    assert after()[0] == []
    assert stores() == [store.path]
    store.remove()


def test_of_two_commands_one_finishes(engine, kill, after):
    kill("run", "grad_cpu", at=(bench.run.measure, "write_bundle"))
    ((store, _),) = left_behind()
    with claimed(store) as ours:
        assert ours
        assert after()[0] == []
    assert len(after()[0]) == 1
    with claimed(store) as ours:
        assert not ours


def test_a_fault_after_the_runs_leaves_them_to_the_next_command(
    engine, handed, bench_, capsys, monkeypatch, tmp_path, after
):
    with monkeypatch.context() as patch:
        patch.setattr(bench.run.measure, "collect", raising(ZeroDivisionError()))
        assert handed.main(["run", "grad_cpu", "--results", str(tmp_path / "r")]) == 6
    assert "what was measured is kept in" in capsys.readouterr().err
    disown()
    assert after()[0][0].record.outcome == "passed"


def test_where_no_state_can_be_kept_a_run_is_measured_all_the_same(engine, bench_, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    assert bench_("run", "grad_cpu", "--results", tmp_path / "r")[0] == 0
    assert list((tmp_path / "t").iterdir()) == []
    assert LABEL in engine.executed[0].labels


def test_no_room_for_a_run_s_folder_is_not_measured(engine, bench_, monkeypatch, tmp_path):
    mkdir = Path.mkdir

    def full(self, *words, **more):
        if self.name == "run-0001":
            raise OSError(errno.ENOSPC, "No space left on device")
        return mkdir(self, *words, **more)

    monkeypatch.setattr(Path, "mkdir", full)
    code, _, _ = bench_("run", "grad_cpu", "--repeat", "2", "--results", tmp_path / "r")
    assert code == 6
    (bundle,) = find_bundles(str(tmp_path / "r"))
    assert [run.outcome for run in bundle.record.runs] == ["passed", "not_measured"]


def test_a_run_that_its_engine_took_along_has_one_bundle_though_the_engine_comes_back(
    engine, bench_, after, monkeypatch
):
    gone = Ending(None, error="the Docker daemon went away", left="abc")
    with monkeypatch.context() as patch:
        patch.setattr(type(engine), "execute", lambda self, _place, task, *_: (self.executed.append(task), gone)[1])
        assert bench_("run", "grad_cpu", "--results", "r")[0] == 6
    engine.orphaned = [orphan_of(engine.executed[-1], running=False)]
    (bundle,), err = after()
    assert bundle.record.outcome == "not_measured"
    assert (engine.recovered, engine.kept) == ([], set())  # the sweep removes it
    assert "finished" not in err
    assert settled() == {"abc"}
    engine.sweep = lambda *_: engine.orphaned.clear()
    after()
    assert settled() == set()


def test_an_experiment_goes_on_after_the_pairs_of_a_killed_command(engine, kill, bench_, tmp_path):
    engine.outcomes = ["passed"] * 4 + ["interrupted"]
    sides = ("--base", "env.A=1", "--head", "env.A=2", "--no-calibration")
    assert bench_("ab", "dtype_cpu", *sides, "--results", tmp_path / "r")[0] == 130
    kill("ab", "--resume", outcomes=["passed"] * 4 + [Killed()])
    code, _, err = bench_("ab", "--resume", "--results", tmp_path / "r")
    newest = sorted(find_bundles(tmp_path / "r"), key=lambda one: one.record.stamp)[-2:]
    assert code == 0, err
    assert [bundle.record.experiment.pair[:4] for bundle in newest] == [(0, 1, 3, 4)] * 2  # pair 2 was half


def test_an_experiment_whose_first_command_was_killed_goes_on_after_its_pairs(engine, kill, bench_, tmp_path):
    sides = ("--base", "env.A=1", "--head", "env.A=2", "--no-calibration", "--max-pairs", "5")
    kill("ab", "dtype_cpu", *sides, outcomes=["passed"] * 5 + [Killed()])
    assert not list((tmp_path / "r").rglob("record.json"))
    code, _, err = bench_("ab", "--resume", "--max-pairs", "12", "--results", tmp_path / "r")
    assert (code, "finished the evidence" in err) == (0, True), err
    newest = sorted(find_bundles(tmp_path / "r"), key=lambda one: one.record.stamp)[-2:]
    pairs = [set(bundle.record.experiment.pair) for bundle in newest]
    assert all({0, 1, 3, 4} <= one for one in pairs)
    assert [2 in one for one in pairs].count(True) == 1  # pair 2 was half, and stays so
    assert len(newest[0].record.experiment.resumes) == 2


def test_an_experiment_that_was_killed_before_its_first_run_is_told_of(engine, kill, bench_, tmp_path):
    sides = ("--base", "env.A=1", "--head", "env.A=2", "--no-calibration")
    kill("ab", "dtype_cpu", *sides, at=(Session, "place"))
    for named in ((), ("dtype_cpu",)):
        code, _, err = bench_("ab", *named, "--resume", "--results", tmp_path / "r")
        assert (code, len(err.splitlines())) == (2, 1), err
        assert "began and has no run in" in err
        assert "give that command again" in err
    code, _, err = bench_("ab", "grad_cpu", "--resume", "--results", tmp_path / "r")
    assert (code, "no experiment 'grad_cpu' lies in" in err) == (2, True), err


def test_an_older_experiment_is_gone_on_with_only_with_a_word(engine, kill, bench_, tmp_path):
    sides = ("--base", "env.A=1", "--head", "env.A=2", "--no-calibration", "--results", tmp_path / "r")
    engine.outcomes = ["passed"] * 4 + ["interrupted"]
    assert bench_("ab", "dtype_cpu", *sides)[0] == 130
    engine.outcomes = []
    kill("ab", "dtype_cpu", *sides[:-2], at=(Session, "place"))
    _, _, err = bench_("ab", "--resume", "--max-pairs", "3", "--results", tmp_path / "r")
    assert re.search(r"going on with ab-\w+: ab-\w+ began and has no run", err), err


def test_pairs_that_nobody_can_read_yet_are_told_of(engine, handed, kill, bench_, tmp_path):
    sides = ("--base", "env.A=1", "--head", "env.A=2", "--no-calibration")
    kill("ab", "dtype_cpu", *sides, outcomes=["passed"] * 4 + [Killed()])

    def gone(*_):
        raise NotMeasured("no engine answers", fix="start it")

    handed.choose(gone)
    code, _, err = bench_("ab", "--resume", "--results", tmp_path / "r")
    assert (code, "could not be read yet" in err, "doctor" in err) == (2, True, True), err
