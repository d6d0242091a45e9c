"""A text of Go's in which other tools wrote too: its own results come in, and what is not read is said."""

import json

import pytest

from bench.importer.tools.fields import Unreadable
from tests.support.tool_files import DATA_JS, parsed, read_file

GO = "goos: linux\npkg: example.org/x\nBenchmarkA-2\t100\t3.5 ns/op\n"
PERF = "0.52,msec,task-clock,518961,100.00,0.197,CPUs utilized\n50,,page-faults,518961,100.00,,\n"


def told(text):
    found = parsed(text)
    assert [benchmark.name for benchmark in found.benchmarks] == ["example.org/x.BenchmarkA"]
    return [(problem.line, problem.reason.split(",")[0]) for problem in found.problems]


def test_a_text_of_go_s_alone_has_no_problem():
    assert told(f"{GO}1,2,3,4,5\n{{not json\n[x]\nPASS\n") == []


def test_lines_of_perf_are_named():
    assert told(GO + PERF) == [(4, "the first of 2 lines of perf stat among Go's")]
    assert told(GO + PERF.splitlines()[0]) == [(4, "a line of perf stat among Go's")]
    assert told(GO + next(line for line in read_file("perf-6.1.json").splitlines() if "counter-value" in line)) == [
        (4, "a line of perf stat among Go's")
    ]


def test_lines_of_perf_among_the_events_of_go_test_json_are_named():
    events = "".join(
        json.dumps({"Action": "output", "Package": "example.org/x", "Output": line}) + "\n"
        for line in GO.splitlines(keepends=True)
    )
    assert told(events) == []
    assert told(events + PERF) == [(4, "the first of 2 lines of perf stat among Go's")]


@pytest.mark.parametrize(
    "other", [read_file("hyperfine-1.15.0.json"), read_file("benchexec-3.35.xml"), DATA_JS, '[{"primaryMetric": 1}]']
)
def test_another_tool_s_document_is_named(other):
    assert told(f"{GO}\n{other}\n") == [(5, "a document of another tool among Go's")]


def test_a_line_that_is_cut_off_or_no_result_costs_the_others_nothing():
    assert told(f"{GO}BenchmarkB-2\t100\t3.5 ns/op\t7\n") == [(4, "cut off: a figure without its unit")]
    assert told(f"{GO}BenchmarkB-2\t100\t9e999 ns/op\n") == [(4, "9e999 is too large for a figure")]
    with pytest.raises(Unreadable, match="cut off"):
        parsed("goos: linux\nBenchmarkA-2 \t 100 \t 3.5 ns/op\t 7\n")


def test_figures_behind_what_the_benchmark_printed_have_no_name():
    text = f"{GO}BenchmarkB-2\thello\n     100\t  3.5 ns/op\n"
    assert told(text) == [(5, "figures without a name: the benchmark printed something after it")]
