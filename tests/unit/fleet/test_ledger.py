import pytest

from bench.errors import NotMeasured, UsageError
from bench.fleet.cells import Cell
from bench.fleet.ledger import Ledger, fleet_id
from bench.fleet.legs import LegEnd

A, B = Cell("a_cpu", "a_cpu"), Cell("b_cpu", "b_cpu", variant="thp")


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "bundle").mkdir()
    return tmp_path / "bundle"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "f.jsonl"


def test_a_second_command_finds_what_the_first_measured(path, bundle):
    first = Ledger(path, [A, B], resume=False)
    ends = [LegEnd("x", A, 3, bundle, "said", "tcp://x"), LegEnd("y", B, 0, bundle, "")]
    for end in [*ends, LegEnd("y", A, 6, bundle, "no engine"), LegEnd("z", A, 130, None, "interrupted")]:
        first.add(end)
    second = Ledger(path, [A, B], resume=True)
    assert [second.known("x", A), second.known("y", B)] == ends
    assert [second.known("y", A), second.known("z", A), second.known("x", B)] == [None, None, None]
    assert [end.host for end in second.ends] == ["x", "y"]


def test_without_resume_all_is_forgotten(path, bundle):
    Ledger(path, [A], resume=False).add(LegEnd("x", A, 0, bundle, ""))
    assert Ledger(path, [A], resume=False).known("x", A) is None
    assert Ledger(path, [A], resume=True).known("x", A) is None


def test_a_half_written_line_and_a_bundle_that_is_gone_are_run_again(path, bundle):
    ledger = Ledger(path, [A], resume=False)
    ledger.add(LegEnd("x", A, 0, bundle, ""))
    ledger.add(LegEnd("gone", A, 0, bundle / "gone", ""))
    path.write_bytes(path.read_bytes() + b'{"host": "z", "cell"\n\xff\n')
    second = Ledger(path, [A], resume=True)
    assert [end.host for end in second.ends] == ["x"]


def test_there_must_be_something_to_resume(path):
    with pytest.raises(UsageError, match="nothing to resume"):
        Ledger(path, [A], resume=True)


def test_a_disk_that_refuses_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotMeasured, match="XDG_STATE_HOME"):
        Ledger(tmp_path / "file" / "f.jsonl", [A], resume=False)


def test_other_words_are_another_fleet(tmp_path):
    ids = {
        fleet_id(cells, words, tmp_path / folder)
        for cells in ([A], [B], [A, B])
        for words in ((), ("--repeat", "2"))
        for folder in ("one", "two")
    }
    assert len(ids) == 12
    assert fleet_id([A], (), tmp_path / "one" / ".." / "one") in ids
