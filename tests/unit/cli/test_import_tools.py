"""``bench import`` of other tools' files, as a person meets it: a table, one document, one line for what is wrong."""

import bz2
import gzip
import io
import json
import os
import shutil
import sys

import pytest

from bench.importer.tools import load
from bench.record.consistency import contradictions
from bench.record.storage.bundle import read_bundle
from tests.support.legacy_fixtures import LOG
from tests.support.tool_files import CRITERION, DATA_JS, FILES, JMH, read_file

ALL = [
    FILES / name
    for name in (
        "pyperf-2.11.0.json",
        "pytest-benchmark-5.3.1.json",
        "hyperfine-1.15.0.json",
        "hyperfine-1.15.0-shell.json",
        "hyperfine-2.0.0.json",
        "google-benchmark-1.9.5.json",
        "go-1.19.8-json.txt",
        "reframe-4.10.4.json",
        "perf-6.1.json",
        "perf-6.1.csv",
    )
]


def rows_of(out):
    return json.loads(out)["folders"]


def records(results):
    return [read_bundle(path.parent).record for path in sorted(results.glob("*/*/*/record.json"))]


@pytest.mark.parametrize("name", ["hyperfine-1.15.0.json", "hyperfine-2.0.0.json", "pyperf-2.11.0.json"])
def test_a_file_imports_whatever_it_is_called(bench_, tmp_path, name):
    (tmp_path / "notes.dat").write_text(read_file(name))
    code, out, _ = bench_("import", tmp_path / "notes.dat", "--results", tmp_path / "r")
    assert (code, out.splitlines()[0]) == (0, "2 imported")
    assert bench_("verify", tmp_path / "r")[0] == 0


def test_every_tool_in_one_call_each_sample_kept(bench_, tmp_path):
    (tmp_path / "jmh").write_text(json.dumps(JMH))
    (tmp_path / "data.js").write_text(DATA_JS)
    (tmp_path / "packed").write_bytes(bz2.compress((FILES / "benchexec-3.35.xml").read_bytes()))
    sources = [*ALL, FILES / "asv-0.6.6", CRITERION, *(tmp_path / name for name in ("jmh", "data.js", "packed"))]
    code, out, _ = bench_("import", *sources, "--results", tmp_path / "r", "--json")
    assert code == 0
    found = {row["result"] for row in rows_of(out)}
    assert found == {"imported", "skipped"}
    assert bench_("verify", tmp_path / "r")[0] == 0
    made = records(tmp_path / "r")
    assert {record.diagnostic.params["tool"] for record in made} == {
        "pyperf", "pytest-benchmark", "asv", "hyperfine", "Google Benchmark", "Go", "JMH", "criterion", "BenchExec",
        "ReFrame", "github-action-benchmark", "perf stat",
    }  # fmt: skip
    for record in made:
        assert contradictions(record) == []
        assert "runs[0].cpu.periods" in record.unavailable
        assert "nothing said it" not in record.unavailable.values()
        text = json.dumps([*record.unavailable.values(), record.environ])
        assert "[redacted" not in text
    names = {record.diagnostic.name for record in made}
    assert len({name for name in names if name.startswith("test_b.py-test_par-a-b-")}) == 2
    code, out, _ = bench_(
        "query",
        "select sum(len(samples)) as n from metrics where metric = 'time_s'",
        "--results",
        tmp_path / "r",
        "--json",
    )
    assert (code, json.loads(out)[0]["n"] > 100) == (0, True)
    assert (
        bench_(
            "report",
            tmp_path / "r",
            "--markdown",
            tmp_path / "r.md",
            "--pyperf",
            tmp_path / "p.json",
        )[0]
        == 0
    )
    code, out, _ = bench_("import", *sources, "--results", tmp_path / "r", "--json")
    assert (code, {row["result"] for row in rows_of(out)}) == (0, {"present", "skipped"})
    assert len(records(tmp_path / "r")) == len(made)


def test_a_copy_of_a_file_that_does_not_say_when_it_ran_is_no_twin(bench_, tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(read_file("hyperfine-1.15.0.json"))
    assert bench_("import", tmp_path / "a.json", "--results", tmp_path / "r")[0] == 0
    code, out, _ = bench_("import", tmp_path / "b.json", "--results", tmp_path / "r")
    assert (code, out.splitlines()[0]) == (0, "2 here already")


def test_criterion_s_baseline_and_pages_are_no_results_of_their_own(bench_, tmp_path):
    shutil.copytree(CRITERION, tmp_path / "criterion")
    for new in list((tmp_path / "criterion").rglob("new")):
        shutil.copytree(new, new.with_name("base"))
        (new.with_name("base") / "raw.csv").write_text("group,function\n")
        (new.parent / "report").mkdir()
        (new.parent / "report/index.html").write_text("<html></html>")
    code, out, _ = bench_("import", tmp_path / "criterion", "--results", tmp_path / "r", "--json")
    assert (code, sorted(row["result"] for row in rows_of(out))) == (0, ["imported"] * 2 + ["present"] * 2)


def test_a_history_that_has_grown_adds_what_is_new(bench_, tmp_path):
    (tmp_path / "data.js").write_text(DATA_JS)
    bench_("import", tmp_path / "data.js", "--results", tmp_path / "r")
    grown = DATA_JS.replace(
        '"Own": [',
        '"Own": [{"commit": {"id": "c"}, "date": 1715200000000, "tool": "go", "benches": [{"name": "x", "value": 1, "unit": "ns/op"}]},',
    )
    (tmp_path / "data.js").write_text(grown)
    code, out, _ = bench_("import", tmp_path / "data.js", "--results", tmp_path / "r")
    assert (code, out.splitlines()[0]) == (0, "1 imported, 5 here already")


def test_a_bad_file_is_one_line_and_the_rest_comes_in(bench_, tmp_path):
    (tmp_path / "good.json").write_text(read_file("hyperfine-1.15.0.json"))
    (tmp_path / "cut.json").write_text(read_file("hyperfine-1.15.0.json")[:300])
    document = json.loads(read_file("pyperf-2.11.0.json"))
    document["benchmarks"][1]["runs"][2]["values"][0] = "fast"
    (tmp_path / "bad.json").write_text(json.dumps(document))
    (tmp_path / "readme.md").write_text("not measured")
    for sources in ([tmp_path], [tmp_path / name for name in ("good.json", "cut.json", "bad.json", "readme.md")]):
        code, out, err = bench_("import", *sources, "--results", tmp_path / "r", "--json")
        assert code == 8
        damaged = [row["reason"] for row in rows_of(out) if row["result"] == "damaged"]
        assert any("cut.json, line 1: cut off or not JSON" in reason for reason in damaged), damaged
        assert any(
            "bad.json: benchmarks[1].runs[2].values[0]: a number is expected, not a text" in reason
            for reason in damaged
        ), damaged
        assert "Traceback" not in err
    assert len(records(tmp_path / "r")) == 3
    assert bench_("import", tmp_path / "cut.json", "--results", tmp_path / "r")[0] == 8


def test_a_large_document_of_another_kind_is_no_tool_s(bench_, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "MAX_FILE_BYTES", 100_000)
    (tmp_path / "old").mkdir()
    (tmp_path / "old/pytest.log").write_text(LOG)
    (tmp_path / "old/profiler.json").write_text(json.dumps({"traceEvents": ["x"] * 50_000}))
    assert bench_("import", tmp_path / "old", "--results", tmp_path / "r")[0] == 0
    large = {"commit_hash": "x", "results": {}, "rest": ["x"] * 50_000}
    (tmp_path / "old/asv.json").write_text(json.dumps(large))
    code, out, _ = bench_("import", tmp_path / "old", "--results", tmp_path / "r", "--json")
    assert (code, [row["reason"] for row in rows_of(out) if row["result"] == "damaged"]) == (
        8,
        ["asv.json: not read: larger than 100000 bytes"],
    )


@pytest.mark.parametrize("data", [b"\0" * 200_000, b'{"times": [' + b"1," * 100_000])
def test_what_unpacks_to_too_much_is_not_read(bench_, tmp_path, monkeypatch, data):
    monkeypatch.setattr(load, "MAX_FILE_BYTES", 100_000)
    for name, pack in (("x.gz", gzip.compress), ("x.bz2", bz2.compress)):
        (tmp_path / name).write_bytes(pack(data))
        code, _, err = bench_("import", tmp_path / name, "--results", tmp_path / "r")
        assert code == 8
        assert len(err.splitlines()) <= 3
    assert not (tmp_path / "r").exists()


def test_one_process_a_side_is_too_few_and_the_medians_are_shown(bench_, tmp_path):
    document = json.loads(read_file("pytest-benchmark-5.3.1.json"))
    for name, stamp in (("a", "2026-11-30T10:00:00+00:00"), ("b", "2026-11-30T11:00:00+00:00")):
        document["datetime"] = stamp
        (tmp_path / name).write_text(json.dumps(document))
        assert bench_("import", tmp_path / name, "--results", tmp_path / f"r{name}")[0] == 0
    sides = [next((tmp_path / f"r{name}").glob("*/test_b.py-test_ok-*")) for name in "ab"]
    code, out, _ = bench_("compare", *sides, "--json")
    comparison = json.loads(out)
    assert code == 6
    comparison = comparison if "status" in comparison else comparison["comparisons"][0]
    assert comparison["status"] == "insufficient_runs"
    assert "time_s: median 0.757 µs against 0.757 µs (4 against 4 samples)" in comparison["reasons"]
    assert any("samples of one process are not runs" in reason for reason in comparison["reasons"])


def test_secrets_of_a_command_do_not_come_along(bench_, tmp_path):
    document = json.loads(read_file("hyperfine-1.15.0.json"))
    document["results"][0]["command"] = "fetch --password hunter2hunter2 https://me:sesame99@example.org/x"
    (tmp_path / "x").write_text(json.dumps(document))
    assert bench_("import", tmp_path / "x", "--results", tmp_path / "r")[0] == 0
    for path in (tmp_path / "r").rglob("*"):
        assert "hunter2" not in str(path)
        assert path.is_dir() or "hunter2" not in path.read_text()


def test_what_the_file_does_not_say_is_given(bench_, tmp_path):
    path = FILES / "perf-6.1.json"
    code, out, _ = bench_(
        "import",
        path,
        "--name",
        "sort_cpu",
        "--stamp",
        "20260101T000000Z",
        "--ceiling",
        "1",
        "--results",
        tmp_path / "r",
    )
    assert (code, out.strip()) == (0, str(tmp_path / "r/unknown-44136f/sort_cpu/20260101T000000Z"))
    assert bench_("import", FILES / "hyperfine-2.0.0.json", "--name", "x", "--results", tmp_path / "r")[0] == 2
    assert bench_("import", path, tmp_path / "nothing", "--results", tmp_path / "r")[0] == 2
    stamped = bench_("import", path, path, "--stamp", "20260101T000000Z", "--results", tmp_path / "r")
    assert stamped[0] == 2


def test_beside_older_evidence_what_is_given_is_for_that(bench_, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old/pytest.log").write_text(LOG)
    (tmp_path / "old/bench.json").write_text(read_file("pytest-benchmark-5.3.1.json"))
    (tmp_path / "old/events.json").write_text('{"benchmarks": 1, "runs": 2}\n{"benchmarks": 1, "runs": 2}\n')
    (tmp_path / "old/other.json").write_text('{"command": "x", "cut": [')
    code, out, _ = bench_("import", tmp_path / "old", "--ceiling", "905", "--results", tmp_path / "r", "--json")
    assert (code, [row["result"] for row in rows_of(out)]) == (0, ["imported"] * 5)
    ceilings = {record.diagnostic.name: record.diagnostic.ceiling_s for record in records(tmp_path / "r")}
    assert sorted(ceilings.values(), key=str) == [905.0, None, None, None, None]


class Piped:
    """Standard input with something in it."""

    def __init__(self, data, tty=False):
        self.buffer, self._tty = io.BytesIO(data), tty

    def isatty(self):
        return self._tty


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_standard_input_is_a_file_like_any_other(bench_, tmp_path, monkeypatch, pack):
    monkeypatch.setattr(sys, "stdin", Piped(pack((FILES / "hyperfine-2.0.0.json").read_bytes())))
    code, out, _ = bench_("import", "-", FILES / "perf-6.1.json", "--results", tmp_path / "r", "--json")
    assert (code, [row["source"] for row in rows_of(out)][:2]) == (0, ["stdin: sleep 0.01", "stdin: true"])
    assert len(records(tmp_path / "r")) == 3
    assert not list(tmp_path.glob("bench-stdin-*"))


@pytest.mark.parametrize(
    ("data", "tty", "words", "code", "said"),
    [
        (b"", False, ["-"], 8, "standard input is empty"),
        (b"no result", False, ["-"], 8, "standard input is no evidence of a run"),
        (b"", True, ["-"], 2, "nothing is piped in"),
        (b"", False, ["-", "-"], 2, "given twice"),
    ],
)
def test_standard_input_without_results_is_one_line(bench_, tmp_path, monkeypatch, data, tty, words, code, said):
    monkeypatch.setattr(sys, "stdin", Piped(data, tty))
    found, _, err = bench_("import", *words, "--results", tmp_path / "r")
    assert (found, said in err, len(err.splitlines())) == (code, True, 1), err


@pytest.mark.parametrize("kind", ["tar.zst", "tar.gz"])
def test_a_bundle_s_archive_comes_through_a_pipe_too(bench_, tmp_path, monkeypatch, kind):
    assert bench_("import", FILES / "perf-6.1.json", "--results", tmp_path / "r")[0] == 0
    (bundle,) = (path.parent for path in (tmp_path / "r").glob("*/*/*/record.json"))
    assert bench_("export", bundle, "-o", tmp_path / f"all.{kind}")[0] == 0
    monkeypatch.setattr(sys, "stdin", Piped((tmp_path / f"all.{kind}").read_bytes()))
    assert bench_("import", "-", "--results", tmp_path / "back")[0] == 0
    assert bench_("verify", tmp_path / "back")[0] == 0


def test_two_documents_in_one_file_are_refused_and_not_passed_over(bench_, tmp_path):
    (tmp_path / "two.json").write_text(read_file("hyperfine-1.15.0.json") + read_file("pyperf-2.11.0.json"))
    code, out, _ = bench_("import", tmp_path / "two.json", "--results", tmp_path / "r", "--json")
    assert (code, "another document follows" in rows_of(out)[0]["reason"]) == (8, True)


@pytest.mark.parametrize("kind", ["pipe", "folder", "large"])
def test_what_lies_in_the_place_of_an_earlier_record_is_not_waited_for(bench_, tmp_path, kind):
    name = FILES / "hyperfine-1.15.0.json"
    assert bench_("import", name, "--results", tmp_path / "r")[0] == 0
    for diagnostic in {path.parent.parent for path in (tmp_path / "r").glob("*/*/*/record.json")}:
        place = diagnostic / "mine"
        place.mkdir()
        if kind == "pipe":
            os.mkfifo(place / "record.json")
        elif kind == "folder":
            (place / "record.json").mkdir()
        else:
            with (place / "record.json").open("wb") as file:
                file.truncate(1 << 40)
    code, out, _ = bench_("import", name, "--results", tmp_path / "r", "--json")
    assert (code, {row["result"] for row in rows_of(out)}) == (0, {"present"})
