"""The verbs that look at many results: what they read, what they leave out, and how they end."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from bench.cli import main, named
from bench.cli.verbs.look.history import shown_of
from bench.record.codec import encode
from bench.record.index import entries, listing
from bench.record.index.listing import list_results
from bench.record.index.results import newest_of_kinds
from bench.record.storage import bundle
from bench.report.terminal.history import NEEDED
from tests.support.records import XEON, make_record, make_run

ENDLESS = "select count(*) from range(100000000) a, range(100000) b where a.range * b.range % 7 = 3"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_INDEX", str(tmp_path / "cache"))
    monkeypatch.setattr(entries, "_FRESH_NS", 0)


def write(root: Path, *records: object) -> None:
    for record in records:
        (root / record.id).mkdir(parents=True)
        (root / record.id / "record.json").write_bytes(encode(record))


def stamp(minute: int) -> str:
    return f"20260101T{minute // 60:02}{minute % 60:02}00Z"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = [make_record(stamp=stamp(at), runs=(make_run(wall_s=10 + at % 7 / 100),)) for at in range(NEEDED + 15)]
    write(tmp_path / "results", *made, *(make_record(stamp=stamp(at), host=XEON) for at in range(5)))
    return tmp_path / "results"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[str]:
    """The records that are read once the index is there."""
    list_results(root)
    found: list[str] = []
    real = bundle.codec.decode

    def noted(data: bytes, origin: str, *, explained: bool = True) -> object:
        found.append(origin)
        return real(data, origin, explained=explained)

    monkeypatch.setattr(bundle.codec, "decode", noted)
    return found


def test_a_history_reads_what_it_shows(root: Path, read: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "grad_cpu", "--results", str(root)]) == 0
    out = capsys.readouterr().out
    assert len(read) == NEEDED + 5
    assert f"{NEEDED + 15 - 30} older results are not shown" in out
    assert "expected" in out


def test_a_history_as_json_has_all(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "grad_cpu", "--json", "--results", str(root)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == NEEDED + 20


def test_a_history_of_few_leaves_none_out(root: Path) -> None:
    newest, older = shown_of(list_results(root).below(make_record(host=XEON).host.id).entries)
    assert (len(newest), older) == (5, {})


def test_the_list_reads_one_of_each_diagnostic(root: Path, read: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json", "--results", str(root)]) == 0
    rows = {row["name"]: row["last"] for row in json.loads(capsys.readouterr().out)}
    assert rows["grad_cpu"]["id"] == make_record(stamp=stamp(NEEDED + 14)).id
    assert len(read) == 1


def test_a_comparison_of_a_host_reads_its_newest(
    root: Path, read: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named, "newest_of_kinds", lambda entries, most=20: newest_of_kinds(entries, min(most, 20)))
    monkeypatch.chdir(root.parent)
    host = make_record().host.id
    main(["compare", host, str(root / make_record(stamp=stamp(3)).id), "--json", "--results", str(root)])
    said = capsys.readouterr()
    (row,) = json.loads(said.out)["comparisons"]
    assert (row["a"]["runs"], row["b"]["runs"]) == (20, 1)
    assert f"{NEEDED - 5} older results of grad_cpu are left out" in said.err
    assert len(read) < 60


def test_a_damaged_record_is_named_by_all_of_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / make_record(stamp=stamp(2)).id / "record.json").write_text("[]")
    for words in (["query", "select count(*) from runs"], ["list"], ["history", "grad_cpu"]):
        for _ in range(2):
            assert main([*words, "--results", str(root)]) == 0
            assert "passed over" in capsys.readouterr().err


def test_an_empty_statement_ends_with_2(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sql in ("", " ; "):
        assert main(["query", sql, "--results", str(root)]) == 2
    assert "there is no statement" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_query_is_interrupted(root: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import bench.record.index.query as module

    real = module._interruptible

    def interrupted(connection: object, sql: str) -> object:
        threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        return real(connection, sql)

    monkeypatch.setattr(module, "_interruptible", interrupted)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    assert main(["query", ENDLESS, "--results", str(root)]) == 130
    assert time.monotonic() - began < 30
    assert listing.list_results(root).entries
