"""Which self-test of a host in an engine is the last one, and what it makes later results say."""

import json

import pytest

from bench.record.storage.bundle import write_bundle
from bench.run.trust import (
    CODE,
    SelftestResult,
    recall,
    remember,
    selftest_result,
    selftest_warning,
    warning_of,
)
from tests.support.records import HOST, Node, make_record, make_run

OLD, NEW = "20260101T000000Z", "20260102T000000Z"


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def self_tested(stamp=OLD, outcome="passed", failed=(), **changes):
    """A self-test of two loads, one run each, that found these readings wrong."""
    held = make_run(0, tests=(Node("cpu::total_s", "passed", 0, 1, 0),))
    wrong = make_run(1, tests=tuple(Node(node, "failed", 0, 1, 0) for node in failed))
    return make_record(name="selftest", stamp=stamp, outcome=outcome, runs=(held, wrong), **changes)


def test_a_self_test_that_came_to_its_end_has_a_result():
    assert selftest_result(self_tested()) == SelftestResult(OLD, held=True)
    bad = self_tested(outcome="failed", failed=("memory::peak_bytes", "io::read_bytes"))
    assert selftest_result(bad) == SelftestResult(OLD, held=False, failed=("memory::peak_bytes", "io::read_bytes"))


@pytest.mark.parametrize("outcome", ["interrupted", "timed_out", "oom_killed", "crashed", "not_measured"])
def test_one_that_was_cut_short_has_none(outcome, tmp_path):
    cut = self_tested(outcome=outcome, failed=("memory::peak_bytes",))
    assert selftest_result(cut) is None
    assert warning_of([cut], "local") is None
    remember(cut, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_each_host_and_engine_has_its_own(tmp_path):
    remember(self_tested(outcome="failed", failed=("a::b",)), tmp_path)
    assert recall(HOST, "local", tmp_path) == SelftestResult(OLD, held=False, failed=("a::b",))
    assert recall(HOST, "docker", tmp_path) is None
    assert recall("another", "local", tmp_path) is None
    remember(self_tested(engine="podman"), tmp_path / "both")
    assert (recall(HOST, "podman", tmp_path / "both").held, recall(HOST, "docker", tmp_path / "both")) == (True, None)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [f"{HOST}.local.json"]


def test_by_default_it_is_kept_in_the_user_s_state(tmp_path):
    remember(self_tested())
    assert (tmp_path / f"state/bench/selftests/{HOST}.local.json").is_file()
    assert recall(HOST, "local").held is True


def test_a_newer_one_replaces_what_is_known_and_an_older_one_does_not(tmp_path):
    remember(self_tested(NEW, "failed", ("a::b",)), tmp_path)
    remember(self_tested(OLD), tmp_path)
    assert recall(HOST, "local", tmp_path).stamp == NEW
    remember(self_tested("20260103T000000Z"), tmp_path)
    assert recall(HOST, "local", tmp_path) == SelftestResult("20260103T000000Z", held=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"stamp": "20260101T000000Z"}',
        '{"stamp": "20261301T000000Z", "held": true}',
        b'{"stamp": "\xff"}',
        pytest.param(b'{"x": ' + b"[" * 100_000, id="nested too deep"),
    ],
)
def test_damage_is_as_good_as_nothing_and_is_replaced(tmp_path, text):
    (tmp_path / f"{HOST}.local.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert recall(HOST, "local", tmp_path) is None
    remember(self_tested(), tmp_path)
    assert recall(HOST, "local", tmp_path).held is True


def test_a_file_without_end_is_not_read(tmp_path):
    path = tmp_path / f"{HOST}.local.json"
    remember(self_tested(), tmp_path)
    with path.open("a") as file:
        file.write(" " * 64 * 1024)
    assert json.loads(path.read_text())["held"] is True
    assert recall(HOST, "local", tmp_path) is None


def test_a_host_whose_name_leads_elsewhere_is_never_asked_for(tmp_path):
    with pytest.raises(AssertionError):
        recall("../../etc", "local", tmp_path)


def test_the_newest_counts_in_records_and_in_what_is_remembered():
    bad, good = self_tested(OLD, "failed", ("a::b",)), self_tested(NEW)
    assert warning_of([good, bad], "local") is None
    assert warning_of([bad], "local", [SelftestResult(NEW, held=True)]) is None
    assert warning_of([self_tested(OLD)], "local", [SelftestResult(NEW, held=False, failed=("x::y",))]).value == 1.0
    assert warning_of([], "local") is None


def test_the_other_engine_s_do_not_count():
    bad = self_tested(outcome="failed", failed=("a::b",))
    assert warning_of([bad], "docker") is None
    assert warning_of([bad], "local") is not None


@pytest.mark.parametrize(("count", "shown", "more"), [(1, 1, ""), (5, 5, ""), (6, 5, " and 1 more")])
def test_the_warning_names_five_at_most_and_says_when(count, shown, more):
    failed = [f"load{number}::x" for number in range(count)]
    warning = warning_of([self_tested(NEW, "failed", failed)], "local")
    assert (warning.code, warning.value, warning.unit) == (CODE, float(count), "readings")
    assert warning.message == (
        f"the self-test of this host with the local engine failed ({NEW}): {', '.join(failed[:shown])}{more}; "
        "readings may be wrong until 'bench run selftest' passes"
    )


def test_results_at_hand_and_elsewhere_count_alike(tmp_path):
    results = tmp_path / "results"
    assert selftest_warning(results, HOST, "local") is None
    write_bundle(results, self_tested(OLD, "failed", ("a::b",)), {})
    assert selftest_warning(results, HOST, "local").message.count("a::b") == 1
    remember(self_tested(NEW))
    assert selftest_warning(results, HOST, "local") is None
    write_bundle(results, self_tested("20260103T000000Z", "failed", ("c::d",)), {})
    assert "c::d" in selftest_warning(results, HOST, "local").message
    assert "c::d" not in str(selftest_warning(tmp_path / "other", HOST, "local"))
