"""What a command keeps of its runs can be read by a later one, and by no more than one."""

import json
import subprocess
from pathlib import Path

import pytest

from bench.engine.labels import current_owner
from bench.engine.protocol import Ending
from bench.errors import DamagedData, NotMeasured
from bench.record.codec import decode
from bench.run.result.reading import Reading
from bench.run.store import kept as module
from bench.run.store.kept import (
    ASKED,
    EVIDENCE,
    INDEX,
    LABEL,
    RESULTS,
    USER,
    Store,
    claimed,
    current_user,
    default_folder,
    engine_key,
    forget_settled,
    left_behind,
    make_store,
    settle,
    settled,
)
from tests.support.records import make_record, make_run

RECORD = make_record(runs=())


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def store(stand_in):
    return make_store(stand_in)


@pytest.fixture
def gone():
    """The number of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return str(child.pid)


def relabel(store, **labels):
    path = store.path / "owner.json"
    owned = json.loads(path.read_text())
    owned["labels"] |= {f"bench.owner.{name}": value for name, value in labels.items()}
    path.write_text(json.dumps(owned))


def ended(index=0):
    return Reading(make_run(index), {"cpu": "no group"}, 2), Ending(0, commands=("pytest",))


def test_a_store_is_owned_by_this_process_and_closed_to_others(store, stand_in):
    assert (store.path.parent, store.owned) == (default_folder(), True)
    assert store.path.stat().st_mode & 0o777 == 0o700
    owned = json.loads((store.path / "owner.json").read_text())
    assert owned["engine"] == engine_key(stand_in) == "docker stand-in"
    assert owned["labels"]["bench.run"] == store.id
    assert owned["labels"]["bench.owner.pid"] == str(current_owner().pid)


def test_two_stores_are_two(stand_in, store):
    assert make_store(stand_in).id != store.id


def test_an_engine_without_an_address_has_its_name_alone(stand_in):
    stand_in.address = ""
    assert engine_key(stand_in) == "docker"


def test_without_the_user_s_state_a_store_is_this_command_s_alone(stand_in, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "flat").write_text("a file where a folder should be")
    alone = make_store(stand_in, tmp_path / "flat")
    assert (alone.path.parent, alone.path.is_dir(), alone.owned) == (tmp_path, True, False)


def test_a_result_is_kept_with_the_labels_by_which_its_runs_can_be_finished(store, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    first, second = store.begin(RECORD, 3, Path("results")), store.begin(RECORD, 1, tmp_path)
    assert (first.name, second.name) == ("begun-00", "begun-01")
    begun = store.begun()
    assert list(begun) == ["begun-00", "begun-01"]
    assert (begun["begun-00"].record, begun["begun-00"].asked) == (RECORD, 3)
    assert begun["begun-00"].results == first.labels[RESULTS] == str(tmp_path / "results")
    assert decode(first.labels[LABEL], "a label") == RECORD
    assert (first.labels[ASKED], first.labels[USER]) == ("3", current_user())


def test_a_run_is_kept_as_it_begins_and_as_it_ends(store, tmp_path):
    result = store.begin(RECORD, 2, tmp_path)
    out, labels = store.start(result, 5)
    assert (out, list(out.iterdir())) == (store.path / "run-0000", [])
    assert labels == {**result.labels, INDEX: "5", EVIDENCE: f"{store.id}/run-0000"}
    assert (store.runs()["run-0000"].of, store.runs()["run-0000"].index) == ("begun-00", 5)
    assert store.runs()["run-0000"].reading is None
    reading, ending = ended(5)
    store.keep(out, result, reading, ending)
    kept = store.runs()["run-0000"]
    assert (kept.index, kept.reading, kept.ending) == (5, reading, ending)
    assert store.start(result, 6)[0].name == "run-0001"
    assert list(store.runs()) == ["run-0000", "run-0001"]


def test_only_a_run_that_ended_and_is_in_no_bundle_is_unfinished(store, tmp_path):
    result = store.begin(RECORD, 1, tmp_path)
    out, _ = store.start(result, 0)
    assert store.unfinished() is False
    store.keep(out, result, *ended())
    assert store.unfinished() is True
    store.written(result.name)
    assert (store.unfinished(), store.begun()) == (False, {})
    store.written(result.name)  # a second time is no error


def test_a_disk_that_refuses_a_run_is_named(store, tmp_path):
    result = store.begin(RECORD, 1, tmp_path)
    (store.path / "run-0000").write_text("in the way")
    with pytest.raises(NotMeasured, match=r"run-0000 cannot be made: File exists"):
        store.start(result, 0)


def test_a_disk_that_refuses_what_is_kept_stops_nothing(tmp_path):
    store = Store(tmp_path / "gone")
    result = store.begin(RECORD, 1, tmp_path)
    store.keep(tmp_path / "gone/run-0000", result, *ended())
    assert (result.labels[ASKED], store.runs()) == ("1", {})


def test_a_file_is_written_whole_or_not_at_all(store, monkeypatch, tmp_path):
    result = store.begin(RECORD, 1, tmp_path)
    out, _ = store.start(result, 0)

    def breaks(path, _):
        with path.open("wb") as file:
            file.write(b"{")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", breaks)
    store.keep(out, result, *ended())
    assert store.runs()["run-0000"].reading is None


@pytest.mark.parametrize("damage", ["{", "[]", '{"of": 1, "index": 0}', "\xff", '{"x": ' + "[" * 100_000])
def test_a_damaged_file_is_named_and_counts_as_unfinished(store, tmp_path, damage):
    store.start(store.begin(RECORD, 1, tmp_path), 0)
    assert store.unfinished() is False
    (store.path / "run-0000.json").write_text(damage, encoding="latin-1")
    with pytest.raises(DamagedData, match=r"run-0000\.json cannot be read"):
        store.runs()
    assert store.unfinished() is True


def test_a_file_without_end_and_a_link_are_not_read(store, monkeypatch, tmp_path):
    store.begin(RECORD, 1, tmp_path)
    path = store.path / "begun-00.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(DamagedData, match="it is a link"):
        store.begun()
    path.unlink()
    (tmp_path / "elsewhere.json").rename(path)
    assert list(store.begun()) == ["begun-00"]
    monkeypatch.setattr(module, "MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(DamagedData, match="it has over"):
        store.begun()


def test_all_of_a_store_is_removed_and_nothing_that_a_link_leads_to(store, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("stays")
    store.start(store.begin(RECORD, 1, tmp_path), 0)
    (store.path / "link").symlink_to(tmp_path / "mine")
    store.remove()
    assert not store.path.exists()
    assert (tmp_path / "mine/file").read_text() == "stays"
    store.remove()


def test_what_shows_whose_a_store_is_goes_last(store, monkeypatch):
    (store.path / "run-0000").mkdir()
    (store.path / "begun-00.json").write_text("{}")
    removed = []
    monkeypatch.setattr(module, "discard_tree", lambda path: removed.append((path.name, store.owned)))
    store.remove()
    assert removed == [("run-0000", True), (store.id, True)]
    assert not (store.path / "begun-00.json").exists()


def test_only_the_store_of_a_command_that_is_gone_is_left_behind(stand_in, store, gone):
    assert left_behind() == []
    dead = make_store(stand_in)
    relabel(dead, pid=gone, start="1")
    ((found, owned),) = left_behind()
    assert (found.id, owned.engine) == (dead.id, "docker stand-in")
    relabel(dead, host="another")
    assert left_behind() == []


@pytest.mark.parametrize("change", [{"pid": "no number"}, {"pid": "9" * 40}, {"host": ""}])
def test_a_store_that_names_nobody_is_nobody_s_to_finish(store, change):
    relabel(store, **{"start": "1", **change})
    assert left_behind() == []
    (store.path / "owner.json").write_text("{")
    assert left_behind() == []


def test_a_link_to_a_store_is_passed_over(stand_in, gone, tmp_path):
    store = make_store(stand_in, tmp_path / "a")
    relabel(store, pid=gone, start="1")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/linked").symlink_to(store.path)
    assert left_behind(tmp_path / "b") == []
    assert [one.id for one, _ in left_behind(tmp_path / "a")] == [store.id]


def test_of_two_that_want_a_store_one_gets_it(store):
    with claimed(store) as first, claimed(store) as second:
        assert (first, second) == (True, False)
    with claimed(store) as again:
        assert again is True


def test_a_store_that_is_gone_cannot_be_claimed(store):
    store.remove()
    with claimed(store) as free:
        assert free is False


def test_a_store_that_was_removed_as_it_was_claimed_is_not_ours(store, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: store.remove())
    with claimed(store) as free:
        assert free is False


def test_runs_that_were_read_are_remembered_until_they_are_forgotten():
    assert settled() == set()
    for run in ("a", "b", "a"):
        settle(run)
    assert settled() == {"a", "b"}
    forget_settled("a")
    forget_settled("a")
    assert settled() == {"b"}


def test_a_run_is_not_remembered_without_room_and_stops_nothing(tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    settle("a")
    forget_settled("a")
    assert settled() == set()
