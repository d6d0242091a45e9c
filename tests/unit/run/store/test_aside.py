"""Evidence that cannot be finished is moved out of the way with all of it, or it is known where it still lies."""

import errno
import json

import pytest

from bench.engine.protocol import Orphan
from bench.errors import DamagedData, NotMeasured, UsageError
from bench.run.store.aside import default_aside, folder_of, given_up, set_aside, set_aside_alone, stays, try_later
from bench.run.store.aside import said as line_of
from bench.run.store.kept import default_folder, make_store, settled

ORPHAN = Orphan("abc", {"bench.index": "3"}, running=False, evidence=True)
EMPTY = Orphan("def", {}, running=False, evidence=False)
ERROR = DamagedData("no record")


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def store(stand_in):
    made = make_store(stand_in)
    (made.path / "run-0000").mkdir()
    (made.path / "run-0000" / "pytest.log").write_text("kept")
    return made


@pytest.fixture
def refusing(stand_in, monkeypatch):
    """The engine copies half of the evidence, and then no more."""

    def recover(orphan, out):
        (out / "half.log").write_text("half")
        raise NotMeasured("the engine does not answer")

    monkeypatch.setattr(stand_in, "recover", recover)
    return stand_in


def test_it_lies_beside_the_stores():
    assert default_aside().parent == default_folder().parent
    assert folder_of(ORPHAN) == default_aside() / "abc"


@pytest.mark.parametrize(
    ("error", "worth_it"),
    [
        (NotMeasured("no engine"), True),
        (UsageError("no folder"), True),
        (OSError(errno.ENOSPC, "no room"), True),
        (OSError(errno.EROFS, "read-only"), True),
        (OSError(errno.ENAMETOOLONG, "too long"), False),
        (OSError("without a number"), False),
        (DamagedData("no record"), False),
        (ValueError("what a test wrote"), False),
    ],
)
def test_only_what_may_pass_is_tried_again_and_only_once(tmp_path, error, worth_it):
    folder = tmp_path / "not" / "yet"
    assert try_later(folder, error) is worth_it
    assert folder.exists() is worth_it
    assert try_later(folder, error) is False


def test_without_room_to_remember_it_is_tried_once_more(tmp_path):
    (tmp_path / "flat").write_text("a file where a folder should be")
    error = OSError(errno.ENOSPC, "no room")
    assert [try_later(tmp_path / "flat" / "x", error) for _ in range(2)] == [True, True]


def test_a_store_is_moved_with_what_the_engine_has(stand_in, store, said):
    assert set_aside(stand_in, store, [ORPHAN, EMPTY], ERROR, said.append) == set()
    folder = default_aside() / store.id
    assert not store.path.exists()
    assert (folder / "run-0000/pytest.log").read_text() == "kept"
    assert json.loads((folder / "engine-abc/result.json").read_text())["wall_s"] == 5.0
    assert json.loads((folder / "engine-abc.json").read_text()) == {"bench.index": "3"}
    assert not (folder / "engine-def").exists()
    assert stand_in.discarded == ["abc"]
    assert said == [f"evidence of a killed command could not be finished and is kept in {folder}: no record"]


def test_what_the_engine_does_not_give_stays_there_and_nobody_asks_again(refusing, store, said):
    assert set_aside(refusing, store, [ORPHAN, EMPTY], ERROR, said.append) == {"abc"}
    assert refusing.discarded == []
    assert given_up() == {"abc"}
    assert (default_aside() / store.id / "engine-abc/half.log").exists()


def test_only_runs_are_given_up(stand_in, store, said):
    assert given_up() == set()
    set_aside(stand_in, store, [ORPHAN], ERROR, said.append)
    assert given_up() == {"abc"}  # and not the file of its labels
    assert given_up(default_folder()) == set()


def test_a_store_that_cannot_be_moved_stays_where_it_is(stand_in, store, said):
    default_aside().write_text("a file where a folder should be")
    assert set_aside(stand_in, store, [ORPHAN], ERROR, said.append) == set()
    assert (store.path / "engine-abc/result.json").is_file()
    assert said == [f"evidence of a killed command could not be finished and is kept in {store.path}: no record"]
    assert stays(store)


def test_what_the_engine_keeps_of_a_store_that_cannot_be_moved_is_known(refusing, store, said):
    default_aside().write_text("a file where a folder should be")
    assert set_aside(refusing, store, [ORPHAN], ERROR, said.append) == {"abc"}
    assert given_up() == {"abc"}


@pytest.mark.parametrize("how", [False, NotMeasured("the engine is gone"), True])
def test_a_run_whose_evidence_is_safe_is_not_finished_again_if_the_engine_keeps_it(
    stand_in, store, said, monkeypatch, how
):
    def discard(orphan):
        if isinstance(how, Exception):
            raise how
        return how

    monkeypatch.setattr(stand_in, "discard", discard)
    assert set_aside(stand_in, store, [ORPHAN], ERROR, said.append) == set()
    assert settled() == (set() if how is True else {"abc"})


def test_a_run_alone_is_fetched(stand_in, said):
    assert set_aside_alone(stand_in, ORPHAN, ERROR, said.append) is True
    folder = default_aside() / "abc"
    assert (folder / "engine-abc/result.json").is_file()
    assert stand_in.discarded == ["abc"]
    assert said == [f"evidence of a killed run could not be finished and is kept in {folder} (run abc): no record"]


def test_a_run_alone_that_cannot_be_fetched_stays_in_the_engine(refusing, said):
    assert set_aside_alone(refusing, ORPHAN, ERROR, said.append) is False
    assert (refusing.discarded, given_up()) == ([], {"abc"})
    assert said == ["evidence of a killed run could not be finished and is kept in the engine (run abc): no record"]


def test_a_run_alone_stays_in_the_engine_if_there_is_no_folder_for_it(stand_in, said):
    default_aside().parent.mkdir(parents=True)
    default_aside().write_text("a file where a folder should be")
    assert set_aside_alone(stand_in, ORPHAN, ERROR, said.append) is False
    assert stand_in.discarded == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotMeasured("no engine", "it is off"), "no engine: it is off"),
        (ValueError("one\n  two"), "ValueError: one two"),
        (ValueError(), "ValueError"),
        (ValueError("x" * 999), f"ValueError: {'x' * 300}"),
    ],
)
def test_an_error_is_one_short_line(error, line):
    assert line_of(error) == line
