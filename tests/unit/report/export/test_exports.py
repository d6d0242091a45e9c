from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import msgspec
import pyperf
import pytest

from bench.compare.comparison import compare
from bench.record.codec import decode
from bench.record.schema import Verdict
from bench.report.entry import Entry
from bench.report.export.action_benchmark import bigger_is_better, smaller_is_better
from bench.report.export.json_document import report_document
from bench.report.export.junit import render_junit
from bench.report.export.pyperf import pyperf_document
from tests.support.entries import bad_entries, limited, make_entries, make_entry, stamps, synthetic_record

NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)


def suite_of(entries: list[Entry]) -> pyperf.BenchmarkSuite:
    return pyperf.BenchmarkSuite.loads(json.dumps(pyperf_document(entries)))


def test_pyperf_reads_every_wall_time() -> None:
    entry = make_entry(runs=4, sampled=False)
    suite = suite_of([entry])
    (benchmark,) = suite.get_benchmarks()
    assert benchmark.get_name() == "grad_cpu"
    assert benchmark.get_values() == entry.walls
    assert benchmark.get_unit() == "second"
    assert benchmark.get_metadata()["cpu_model_name"].startswith("AMD Ryzen")
    assert benchmark.get_dates()[0] == datetime(2026, 11, 2, 8, 0)


def test_pyperf_names_are_unique_across_hosts_and_stamps() -> None:
    entries = make_entries(2, sampled=False)
    names = suite_of(entries).get_benchmark_names()
    assert len(set(names)) == len(names) == sum(1 for entry in entries if entry.passed)


def test_pyperf_leaves_out_what_did_not_pass() -> None:
    assert pyperf_document(bad_entries())["benchmarks"] == []
    with pytest.raises(ValueError, match="empty"):
        suite_of(bad_entries())


def test_pyperf_takes_a_start_that_is_no_time() -> None:
    record = synthetic_record(runs=1)
    run = msgspec.structs.replace(record.runs[0], started_at="yesterday")
    assert len(suite_of([Entry(msgspec.structs.replace(record, runs=(run,)))]).get_benchmarks()) == 1


def test_action_benchmark_has_the_keys_that_it_reads() -> None:
    entries = make_entries(2, sampled=False)
    for line in [*smaller_is_better(entries), *bigger_is_better(entries)]:
        assert isinstance(line["name"], str)
        assert isinstance(line["unit"], str)
        assert isinstance(line["value"], float)
        assert set(line) <= {"name", "unit", "value", "range", "extra"}
        assert all(isinstance(line[key], str) for key in ("range", "extra") if key in line)


GRAD = "grad_cpu on ryzen9-5950x-1f3a"


def test_action_benchmark_sorts_metrics_by_their_direction() -> None:
    entry = make_entry(runs=3, sampled=False)
    down, up = smaller_is_better([entry]), bigger_is_better([entry])
    assert [line["name"] for line in down] == [f"{GRAD}: wall time", f"{GRAD}: max_gradient_error"]
    assert [line["name"] for line in up] == [f"{GRAD}: rate"]
    assert down[0]["value"] == entry.wall_s


def test_action_benchmark_names_stay_the_same_over_time() -> None:
    first, second = (make_entry(stamp=stamp, runs=1, sampled=False) for stamp in stamps(2))
    assert [line["name"] for line in smaller_is_better([first])] == [
        line["name"] for line in smaller_is_better([second])
    ]
    assert "range" not in smaller_is_better([first])[0]


def test_action_benchmark_names_do_not_depend_on_what_else_is_there() -> None:
    one, limits = make_entry(runs=1, sampled=False), {"cpus": 2.0, "threads": 2}
    alone = {line["name"] for line in smaller_is_better([one])}
    other = make_entry(host="epyc-7763-a01c", runs=1, sampled=False)
    beside = [line["name"] for line in smaller_is_better([one, other, Entry(limited(one.record, **limits))])]
    assert alone < set(beside)
    assert len(set(beside)) == len(beside) == 3 * len(alone)
    assert "grad_cpu (2 CPUs) on ryzen9-5950x-1f3a: wall time" in beside


def test_junit_counts_and_kinds() -> None:
    entries = make_entries(2, sampled=False)
    root = ET.fromstring(render_junit(entries))
    cases = root.findall("./testsuite/testcase")
    assert root.get("tests") == str(len(cases)) == "13"
    assert root.get("failures") == str(len(root.findall(".//failure")))
    assert root.get("errors") == str(len(root.findall(".//error"))) == "2"
    (skipped,) = root.findall(".//skipped")
    assert "no GPU" in str(skipped.get("message"))
    for suite in root.findall("testsuite"):
        assert suite.get("tests") == str(len(suite.findall("testcase")))


@pytest.mark.parametrize(
    ("status", "child"),
    [
        ("ok", "system-out"),
        ("over_ceiling", "failure"),
        ("code_regressed", "failure"),
        ("host_differs", "system-out"),
        ("insufficient_runs", "system-out"),
        ("not_measured", "skipped"),
    ],
)
def test_junit_fails_only_what_regressed(status: str, child: str) -> None:
    record = msgspec.structs.replace(synthetic_record(), verdict=Verdict(status, ("why",)))  # type: ignore[arg-type]
    (case,) = ET.fromstring(render_junit([Entry(record)])).iter("testcase")
    assert [element.tag for element in case if element.tag != "properties"] == [child]


def test_junit_is_xml_whatever_a_record_says() -> None:
    bad = "]]>\x00\x1b[31m<&\"' \ufffe \ud800"
    record = msgspec.structs.replace(synthetic_record(), verdict=Verdict("over_ceiling", (bad,)), id=bad, stamp=bad)
    root = ET.fromstring(render_junit([Entry(record, bad)]))
    (failure,) = root.iter("failure")
    assert "<&\"'" in str(failure.text)


def test_document_holds_records_that_can_be_read_again() -> None:
    entries = make_entries(1, sampled=False)
    first, second = synthetic_record(), synthetic_record(stamp="20261103T080000Z")
    document = json.loads(json.dumps(report_document(entries, [compare(first, second)], now=NOW)))
    assert document["schema"] == "bench.report/1"
    assert document["made_at"] == "2026-11-04T12:00:00Z"
    assert sum(document["counts"].values()) == len(entries)
    assert document["results"][0]["state"] == "over_ceiling"
    again = decode(json.dumps(document["results"][0]["record"]))
    assert again in [entry.record for entry in entries]
    assert document["comparisons"][0]["diagnostic"] == "grad_cpu"
