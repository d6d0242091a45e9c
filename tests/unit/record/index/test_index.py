"""What was read of a folder of results is not read again, and what changed is."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.errors import UsageError
from bench.record.codec import encode
from bench.record.index import entries, groups, listing, query
from bench.record.index.entries import index_folder
from bench.record.index.listing import list_results
from bench.record.index.query import rows_of
from bench.record.index.results import newest_each
from bench.record.schema import Faults, Metric, Warning_
from tests.support.records import XEON, Node, make_record, make_run

STAMPS = [f"2026010{day}T000000Z" for day in range(1, 8)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_INDEX", str(tmp_path / "cache"))
    monkeypatch.setattr(entries, "_FRESH_NS", 0)  # else nothing that a test has just written is kept
    return tmp_path / "cache"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The records that are read, by the name of their folder."""
    found: list[str] = []
    real = listing.read_bundle

    def noted(path: Path, called: str | None = None, *, explained: bool = True) -> object:
        found.append(path.name)
        return real(path, called, explained=explained)

    monkeypatch.setattr(listing, "read_bundle", noted)
    return found


def write(root: Path, *records: object) -> None:
    for record in records:
        folder = root / record.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "record.json").write_bytes(encode(record))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "results", *(make_record(stamp=stamp) for stamp in STAMPS[:3]))
    return tmp_path / "results"


def count(root: Path, table: str = "results") -> int:
    (row,) = rows_of(f"select count(*) from {table}", root)[1]
    return row[0]


def test_nothing_is_read_twice(root: Path, read: list[str]) -> None:
    assert count(root) == 3
    assert sorted(read) == STAMPS[:3]
    read.clear()
    assert count(root, "runs") == 3
    assert len(list_results(root).entries) == 3
    assert read == []


def test_one_more_is_read_alone(root: Path, read: list[str]) -> None:
    assert count(root) == 3
    read.clear()
    write(root, make_record(stamp=STAMPS[3]))
    assert count(root) == 4
    assert read == [STAMPS[3]]


def test_a_result_that_changed_is_read_again_even_with_its_old_time(root: Path, read: list[str]) -> None:
    assert rows_of("select max(wall_s) from runs", root)[1] == [(10.5,)]
    file = root / make_record(stamp=STAMPS[0]).id / "record.json"
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b'"wall_s": 10.5', b'"wall_s": 99.5'))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    read.clear()
    assert rows_of("select max(wall_s) from runs", root)[1] == [(99.5,)]
    assert read == [STAMPS[0]]


def test_one_that_was_removed_is_gone(root: Path) -> None:
    assert count(root) == 3
    shutil.rmtree(root / make_record(stamp=STAMPS[0]).id)
    assert count(root) == 2
    assert count(root, "tests") == 2


def test_the_index_may_be_removed_or_damaged(root: Path, read: list[str]) -> None:
    assert count(root) == 3
    folder = index_folder(root)
    for file in folder.iterdir():
        file.write_bytes(b"\x93no index" * 1000)
    assert count(root) == 3
    for file in folder.glob("tables-*"):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    assert count(root) == 3
    shutil.rmtree(folder)
    read.clear()
    assert count(root, "runs") == 3
    assert len(read) == 3


def test_a_cache_that_cannot_be_written_costs_time_only(root: Path, cache: Path) -> None:
    cache.write_text("no folder")
    assert count(root) == 3
    assert len(list_results(root).entries) == 3
    assert cache.read_text() == "no folder"


def test_several_commands_at_once_give_the_same_answer(root: Path) -> None:
    write(root, *(make_record(stamp=stamp, host=XEON) for stamp in STAMPS))
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: count(root), range(8))) == {10}
    assert [path.name for path in index_folder(root).iterdir() if path.name.startswith(".")] == []


def test_a_damaged_record_is_named_each_time_and_the_rest_answers(root: Path) -> None:
    bad = root / make_record(stamp=STAMPS[0]).id / "record.json"
    bad.write_text("{")
    (root / make_record(stamp=STAMPS[5]).id).mkdir()  # a folder that claims to be one
    for _ in range(2):
        found = list_results(root)
        assert len(found.entries) == 2
        assert [str(problem) for problem in found.problems if "is not JSON" in str(problem)]
        assert [str(problem) for problem in found.problems if "has no record.json" in str(problem)]
        assert count(root) == 2


def test_a_record_that_memory_has_no_room_for_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = listing.read_bundle

    def refuse(path: Path, called: str | None = None, *, explained: bool = True) -> object:
        if path.name == STAMPS[1]:
            raise MemoryError
        return real(path, called, explained=explained)

    monkeypatch.setattr(listing, "read_bundle", refuse)
    found = list_results(root)
    assert len(found.entries) == 2
    assert "no memory left" in str(found.problems[0])
    monkeypatch.setattr(listing, "read_bundle", real)
    assert len(list_results(root).entries) == 3  # it is not kept against it


def test_a_result_that_is_there_twice_counts_once(root: Path) -> None:
    record = make_record(stamp=STAMPS[0])
    shutil.copytree(root / record.id, root / "copies" / record.id)
    (root / "copies" / record.id / "more.txt").write_text("evidence")
    for _ in range(2):
        found = list_results(root)
        assert len(found.entries) == 3
        assert found.entries[0].path.startswith("copies/")
        assert "is a copy of" in str(found.twins[0])
        assert count(root) == 3
        assert count(root, "runs") == 3


@pytest.mark.parametrize("minor", [2**63, 2**64, 10**30, -1, -(2**63) - 1])
def test_a_count_beyond_all_of_them_breaks_no_query(root: Path, minor: int) -> None:
    write(root, make_record(stamp=STAMPS[4], runs=(make_run(faults=Faults(minor=minor), exit_code=minor),)))
    fits = -(2**63) <= minor < 2**63
    assert rows_of("select faults_minor from runs where stamp = '20260105T000000Z'", root)[1] == [
        (minor if fits else None,)
    ]
    assert count(root, "runs") == 4
    said = list_results(root).remarks
    assert len(said) == (0 if fits else 1)
    assert fits or "larger than a count can be" in said[0]


def test_a_number_of_a_test_or_a_warning_may_be_beyond_too(root: Path) -> None:
    tests = (Node("t.py::t", "passed", attempts=2**70),)
    run = make_run(
        tests=tests, metrics={"m": Metric(10.0**300, "s")}, warnings=(Warning_("c", "x", 2.0, None),), index=2**65
    )
    write(root, make_record(stamp=STAMPS[4], runs=(run,)))
    assert rows_of("select attempts from tests where node = 't.py::t'", root)[1] == [(None,)]
    assert rows_of("select run, metric, value from metrics", root)[1] == [(None, "m", 10.0**300)]
    assert count(root, "warnings") == 1


def test_a_text_without_end_does_not_bloat_it(root: Path) -> None:
    write(root, make_record(stamp=STAMPS[4], runs=(make_run(signature="x" * 5_000_000),)))
    assert rows_of("select max(length(signature)) from runs", root)[1][0][0] < 20_000


def test_a_statement_reaches_no_file_and_changes_nothing(root: Path) -> None:
    for sql in (
        f"copy runs to '{root}/o.csv'",
        f"select * from read_text('{root}/*')",
        "delete from kept.runs",
        "set enable_external_access = true",
    ):
        with pytest.raises(UsageError):
            rows_of(sql, root)
    assert count(root, "runs") == 3


@pytest.mark.parametrize("sql", ["", "  ", ";", "-- nothing", "/* */ ;;"])
def test_no_statement_is_a_usage_error(root: Path, sql: str) -> None:
    with pytest.raises(UsageError, match="no statement"):
        rows_of(sql, root)


def test_the_last_of_several_statements_answers(root: Path) -> None:
    assert rows_of("create table t as select 1 as a; select a + 1 as b from t", root) == (["b"], [(2,)])


def test_the_index_of_another_folder_is_another(root: Path, tmp_path: Path) -> None:
    assert count(root) == 3
    write(tmp_path / "other", make_record(stamp=STAMPS[0]))
    assert count(tmp_path / "other") == 1
    assert count(root) == 3
    assert count(tmp_path / "missing") == 0


def test_the_newest_of_each_diagnostic(root: Path) -> None:
    write(root, make_record(stamp=STAMPS[6], name="other_cpu"))
    found = newest_each(list_results(root).entries)
    assert {name: entry.stamp for name, entry in found.items()} == {"grad_cpu": STAMPS[2], "other_cpu": STAMPS[6]}


def test_the_samples_of_a_metric_are_a_list_and_a_late_text_is_one(root: Path) -> None:
    runs = tuple(make_run(at, signature="it failed" if at == 3000 else None) for at in range(3001))
    metrics = {"m": Metric(2.0, "s", values=(1.0, 2.0, 2.5e-7)), "n": Metric(1.0, "s")}
    write(root, make_record(stamp=STAMPS[4], runs=(*runs, make_run(3001, metrics=metrics))))
    assert rows_of("select metric, samples from metrics order by metric", root)[1] == [
        ("m", [1.0, 2.0, 2.5e-7]),
        ("n", None),
    ]
    assert rows_of("select count(signature) from runs", root)[1] == [(1,)]


def test_what_has_not_changed_is_not_looked_into(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, *(make_record(stamp=stamp, host=XEON) for stamp in STAMPS))
    assert count(root) == 10

    def looked_into(*_: object) -> None:
        raise AssertionError("nothing changed")

    for of, name in ((query, "held"), (query, "held_but"), (groups, "_ENTRIES")):
        monkeypatch.setattr(of, name, looked_into)
    assert count(root) == 10
    assert {entry.stamp for entry in list_results(root).newest()} == {STAMPS[2], STAMPS[6]}


def test_of_a_folder_that_changed_the_others_stay_as_they_are(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, *(make_record(stamp=stamp, host=XEON) for stamp in STAMPS))
    assert len(list_results(root).entries) == 10
    opened: list[int] = []
    real = groups._ENTRIES.decode
    monkeypatch.setattr(groups, "_ENTRIES", SimpleNamespace(decode=lambda data: opened.append(1) or real(data)))
    write(root, make_record(stamp=STAMPS[3]))
    found = list_results(root)
    assert found.read == 1
    assert opened == [1]
    assert len(found.of(hosts={make_record().host.id})) == 4
    assert len(found.below(make_record(host=XEON).host.id).entries) == 7


def test_another_file_of_tables_is_not_taken_for_the_one_that_has_all(root: Path, tmp_path: Path) -> None:
    assert count(root) == 3
    (file,) = index_folder(root).glob("tables-*.duckdb")
    shutil.copy(file, tmp_path / "old")
    write(root, make_record(stamp=STAMPS[3]))
    assert count(root) == 4
    shutil.copy(tmp_path / "old", file)  # as another command may that began before
    assert count(root) == 4


def test_a_name_that_is_no_text_is_listed_each_time(root: Path, read: list[str]) -> None:
    strange = Path(os.fsdecode(os.fsencode(root) + b"/\xff/d"))
    shutil.copytree(root / make_record(stamp=STAMPS[0]).id, strange / STAMPS[5])
    for _ in range(2):
        read.clear()
        found = list_results(root)
        assert len(found.entries) + len(found.twins) == 4
    assert STAMPS[5] in read
