"""What a killed command left becomes a bundle, once: from its store, or from the engine alone."""

import json
import subprocess
from contextlib import ExitStack

import pytest

from bench.engine.interrupt import Interrupts
from bench.engine.protocol import Orphan
from bench.record.consistency import contradictions
from bench.record.schema import Experiment
from bench.record.storage.find import find_bundles
from bench.record.storage.verify import verify_bundle
from bench.run.ab.pairs import of_pairs, planned
from bench.run.host_snapshot import unseen
from bench.run.measurement import Measurement
from bench.run.recovery import ALONE, KILLED, recover_all, recovered
from bench.run.result.reading import never_ran
from bench.run.store.aside import default_aside
from bench.run.store.kept import EVIDENCE, USER, default_folder
from tests.support.records import make_record, replace


@pytest.fixture
def killed(open_session, stand_in, plan):
    """A command that was killed after its first run of two, while the second went on; its store has no owner left."""
    session = ExitStack().enter_context(open_session())
    result = Measurement(plan, session, unseen("-"), Interrupts()).begin()
    result.runs.append(result.run(plan))
    stand_in.outcomes = [SystemExit()]
    with pytest.raises(SystemExit):
        result.run(plan)
    child = subprocess.Popen(["true"])
    child.wait()
    path = session.store.path / "owner.json"
    owned = json.loads(path.read_text())
    owned["labels"] |= {"bench.owner.pid": str(child.pid), "bench.owner.start": "1"}
    path.write_text(json.dumps(owned))
    return dict(stand_in.executed[-1].labels)


def bundle_in(folder):
    (bundle,) = find_bundles(str(folder))
    assert verify_bundle(bundle.path) == []
    return bundle.record


def test_a_store_is_finished_with_the_run_that_the_engine_has(killed, stand_in, said, tmp_path):
    stand_in.orphaned = [Orphan("abc", killed, running=True, evidence=True)]
    recover_all(stand_in, tmp_path / "other", said.append)
    record = bundle_in(tmp_path / "results")
    assert [(run.index, run.wall_s) for run in record.runs] == [(0, 10.0), (1, 5.0)]
    assert record.unavailable["host.after.load"] == KILLED
    assert (stand_in.discarded, stand_in.kept, list(default_folder().iterdir())) == (["abc"], set(), [])
    assert said[-1].startswith("finished the evidence of a run whose command was killed: ")
    recover_all(stand_in, tmp_path / "other", said.append)
    assert not (tmp_path / "other").exists()


def test_a_store_alone_gives_what_it_has(killed, stand_in, said, tmp_path):
    recover_all(stand_in, tmp_path / "results", said.append)
    record = bundle_in(tmp_path / "results")
    assert ([run.index for run in record.runs], record.outcome) == ([0], "interrupted")
    assert record.verdict.reasons[0] == f"1 of 2 runs were made: {KILLED}"


def test_a_run_of_which_only_the_engine_knows(killed, stand_in, said, tmp_path):
    stand_in.orphaned = [Orphan("abc", killed | {EVIDENCE: "gone/run-0001"}, running=False, evidence=True)]
    recover_all(stand_in, tmp_path / "other", said.append)
    records = [bundle.record for bundle in find_bundles(str(tmp_path / "results"))]
    alone = next(record for record in records if record.runs[0].index == 1)
    assert ALONE in alone.verdict.reasons[0]
    assert stand_in.discarded == ["abc"]


def test_a_side_of_an_experiment_has_the_pairs_of_the_runs_that_were_found():
    told = planned(Experiment("ab-1", "head", (), (), 7), 3, 9)
    begun = replace(make_record(runs=()), experiment=told)
    runs = [never_ran(number, KILLED) for number in (1, 2)]
    assert recovered(begun, runs, 6, KILLED).experiment == of_pairs(told, (4, 5))
    alone = recovered(begun, runs[1:], 6, ALONE)
    assert alone.experiment == of_pairs(told, (5,))
    assert contradictions(alone) == []
    assert contradictions(replace(alone, experiment=told)) == ["experiment: 6 pairs and 6 places for 1 run"]


def test_another_user_s_is_left_alone(killed, stand_in, said, tmp_path):
    labels = killed | {USER: "4242", EVIDENCE: "gone/run-0001"}
    stand_in.orphaned = [Orphan("abc", labels, running=True, evidence=True)]
    recover_all(stand_in, tmp_path / "other", said.append)
    assert (stand_in.discarded, stand_in.kept) == ([], {"abc"})


def test_evidence_that_can_be_neither_finished_nor_moved_is_told_of_once(killed, stand_in, said, tmp_path):
    (store,) = default_folder().glob("*/begun-00.json")
    store.write_text("no record")
    default_aside().write_text("a file where a folder should be")
    for _ in range(3):
        recover_all(stand_in, tmp_path / "results", said.append)
    assert [line for line in said if "could not be finished" in line] == [said[-1]]
    assert store.parent.is_dir()


def test_a_run_that_its_engine_does_not_remove_gives_one_bundle_and_goes_later(
    killed, stand_in, said, tmp_path, monkeypatch
):
    monkeypatch.setattr(stand_in, "discard", lambda _: False)
    stand_in.orphaned = [Orphan("abc", killed, running=True, evidence=True)]
    for _ in range(2):
        recover_all(stand_in, tmp_path / "results", said.append)
    bundle_in(tmp_path / "results")
    assert stand_in.kept == set()  # the sweep may remove it
