"""What each tool writes otherwise than one would think: the right figure of it, or null with the reason."""

import copy
import json
from datetime import UTC, datetime

import pytest

from bench.importer.tools.convert import wall_of
from bench.importer.tools.fields import Unreadable
from bench.importer.tools.known import recognise
from bench.importer.tools.model import TIME, Content
from tests.support.tool_files import DATA_JS, HISTORY, JMH, parsed, parsed_file, read_file


def times(benchmark):
    return [run.metrics[TIME].values for run in benchmark.runs]


def by_name(found):
    return {benchmark.name: benchmark for benchmark in found.benchmarks}


class TestPyperf:
    """pyperf 2.11.0."""

    def test_a_process_is_a_run_and_a_calibration_is_none(self):
        found = by_name(parsed_file("pyperf-2.11.0.json"))
        document = json.loads(read_file("pyperf-2.11.0.json"))
        for made, given in zip(found.values(), document["benchmarks"], strict=True):
            assert len(given["runs"]) == 4
            assert "values" not in given["runs"][0]
            assert times(made) == [tuple(run["values"]) for run in given["runs"][1:]]

    def test_metadata_of_three_levels(self):
        found = by_name(parsed_file("pyperf-2.11.0.json"))
        host = found["sort (100)"].host
        assert (host.class_.cpu_model, host.class_.threads, host.class_.kernel) == (
            "Imaginary 9 Processor",
            2,
            "6.1.0-9-amd64",
        )
        assert host.state.load == 3.15
        # Of one benchmark all processes had as much memory: pyperf moved it from the runs to the benchmark.
        assert [run.max_rss_bytes for run in found["sort [100]"].runs] == [21737472] * 3
        assert [run.facts["loops"] for run in found["sort [100]"].runs] == [16384] * 3
        assert found["sort (100)"].made == datetime(2026, 11, 30, 15, 51, 43, 52870)

    def test_memory_of_a_command_is_pyperf_s_own(self):
        (made,) = parsed_file("pyperf-2.11.0-command.json").benchmarks
        assert [run.max_rss_bytes for run in made.runs] == [None, None]
        assert "its own process" in made.runs[0].missing["memory.max_rss_bytes"]

    def test_the_machine_s_name_is_left_out_at_every_level(self):
        document = json.loads(read_file("pyperf-2.11.0-one.json"))
        document["benchmarks"][0]["metadata"] = {"hostname": "mine", "name": "one"}
        document["benchmarks"][0]["runs"][1]["metadata"]["hostname"] = "mine"
        (made,) = parsed(json.dumps(document)).benchmarks
        assert "mine" not in made.original
        assert "values" in made.original

    def test_memory_is_no_time(self):
        (made,) = parsed_file("pyperf-2.11.0-memory.json").benchmarks
        assert [run.metrics["memory_bytes"].values for run in made.runs] == [(12574720.0,), (12554240.0,)]
        assert [wall_of(run) for run in made.runs] == [None, None]


class TestPytestBenchmark:
    """pytest-benchmark 5.3.1."""

    def test_rounds_are_samples_of_one_process(self):
        found = by_name(parsed_file("pytest-benchmark-5.3.1.json"))
        (run,) = found["test_b.py::test_ok"].runs
        assert len(run.metrics[TIME].values) == 4
        assert run.facts == {"rounds": 4, "iterations": 5}
        # `total` is the sum over rounds of the time of one iteration: short by the iterations. Nothing is taken from it.
        document = json.loads(read_file("pytest-benchmark-5.3.1.json"))
        assert document["benchmarks"][0]["stats"]["total"] == pytest.approx(sum(run.metrics[TIME].values))

    def test_a_failed_test_is_listed_without_a_mark_and_that_is_said(self):
        (run,) = by_name(parsed_file("pytest-benchmark-5.3.1.json"))["test_b.py::test_fails_after"].runs
        assert run.outcome == "passed"
        assert run.inferred is not None
        assert "without a mark" in run.inferred

    def test_a_report_without_data_keeps_the_median_and_says_so(self):
        (made,) = parsed_file("pytest-benchmark-5.3.1-no-data.json").benchmarks
        series = made.runs[0].metrics[TIME]
        assert (series.value, series.values) == (7.570999514427967e-07, ())
        assert "--benchmark-save-data" in made.runs[0].facts["samples"]


class TestHyperfine:
    """hyperfine 1.15.0 and 2.0.0."""

    def test_each_execution_of_version_1_is_a_run(self):
        found = by_name(parsed_file("hyperfine-1.15.0.json"))
        assert times(found["second"]) == [(0.011483927000000001,), (0.026969618,), (0.011394223,)]
        assert [run.exit_code for run in found["second"].runs] == [0, 0, 0]
        assert found["second"].runs[0].user_s is None
        assert "mean" in found["second"].runs[0].missing["cpu"]

    def test_a_zero_beside_a_shell_is_no_time(self):
        (made,) = parsed_file("hyperfine-1.15.0-shell.json").benchmarks
        assert len(made.runs) == 5
        for run in made.runs:
            assert run.metrics[TIME].value is None
            assert wall_of(run) is None
            assert "cuts at 0" in run.missing["wall_s"]
            assert run.outcome == "passed"

    def test_what_failed_failed(self):
        (made,) = parsed_file("hyperfine-1.15.0-failed.json").benchmarks
        assert {(run.outcome, run.exit_code) for run in made.runs} == {("failed", 3)}

    def test_parameters_make_another_measurement(self):
        found = by_name(parsed_file("hyperfine-1.15.0-parameters.json"))
        assert found["sleep 0.01"].params == {"parameters": {"n": "0.01"}}

    def test_version_2_has_measurements_with_units(self):
        found = parsed_file("hyperfine-2.0.0.json")
        assert found.version == "2.0.0"
        made = by_name(found)["sleep 0.01"]
        assert times(made) == [(0.011468158,), (0.012131519,), (0.017637633,)]
        run = made.runs[0]
        assert (run.cpu_s, run.user_s, run.system_s, run.max_rss_bytes) == (0.001243, 0.001243, 0.0, 2977792)
        assert made.made == datetime(2026, 11, 30, 15, 51, 53, tzinfo=UTC)

    def test_version_2_in_another_unit(self):
        text = read_file("hyperfine-2.0.0.json").replace(
            '"value": 0.011468158, "unit": "second"', '"value": 11.468158, "unit": "millisecond"'
        )
        assert times(parsed(text).benchmarks[0])[0] == pytest.approx((0.011468158,))

    def test_version_2_killed(self):
        (made,) = parsed_file("hyperfine-2.0.0-killed.json").benchmarks
        assert [(run.outcome, run.exit_code) for run in made.runs] == [("failed", 137)]

    def test_no_exit_codes_is_not_zero(self):
        document = json.loads(read_file("hyperfine-1.15.0.json"))
        del document["results"][0]["exit_codes"]
        run = parsed(json.dumps(document)).benchmarks[0].runs[0]
        assert (run.outcome, run.exit_code) == ("passed", None)
        assert run.inferred is not None


class TestAsv:
    """asv 0.6.6."""

    def test_values_units_and_machine(self):
        found = parsed_file("asv-0.6.6/host/a7c50185-existing-py.json")
        names = by_name(found)
        assert len(times(names["bench.T.time_it(1, 'a')"])[0]) == 10
        assert names["bench.time_plain"].runs[0].facts == {"stats_number": 10, "stats_repeat": 8}
        assert names["bench.mem_list"].runs[0].metrics["memory_bytes"].value == 856
        assert names["bench.peakmem_x"].runs[0].metrics["peak_memory_bytes"].unit == "bytes"
        assert names["bench.track_n"].runs[0].metrics["value"].unit == "things"
        assert wall_of(names["bench.track_n"].runs[0]) is None
        host = names["bench.time_plain"].host.class_
        assert (host.cpu_model, host.threads, host.memory_bytes, host.kernel) == (
            "Imaginary 9 Processor",
            2,
            2**34,
            "6.1.0-9-amd64",
        )
        assert names["bench.time_plain"].commit == "a7c501852b7b65ed021b985a77b87efbfb682fd5"
        assert names["bench.time_plain"].python is None  # a path, not a version

    def test_skipped_is_nan_and_failed_is_null(self):
        found = parsed_file("asv-0.6.6/host/a7c50185-existing-py.json")
        assert [name for name, _ in found.skipped] == ["bench.T.time_it(2, 'a')", "bench.T.time_it(2, 'b')"]
        names = by_name(found)
        for name in ("bench.T.time_it(3, 'b')", "bench.time_fails", "bench.time_trail(2)"):
            (run,) = names[name].runs
            assert (run.outcome, run.metrics[TIME].value) == ("failed", None)
            assert "null" in run.metrics[TIME].why

    def test_a_row_that_is_cut_off_behind_lacks_its_last_columns(self):
        document = json.loads(read_file("asv-0.6.6/host/a7c50185-existing-py.json"))
        assert len(document["results"]["bench.mem_list"]) < len(document["result_columns"])
        document["result_columns"] = [{"stats_number": "number"}.get(name, name) for name in document["result_columns"]]
        found = by_name(parsed(json.dumps(document)))
        assert "stats_number" not in found["bench.time_plain"].runs[0].facts

    def test_a_quick_run_is_one_call_and_says_so(self):
        (made,) = parsed_file("asv-0.6.6-quick.json").benchmarks
        series = made.runs[0].metrics[TIME]
        assert (series.value, series.values) == (2.363998646615073e-06, ())
        assert "--quick" in made.runs[0].facts["quick"]


class TestGoogleBenchmark:
    """Google Benchmark 1.7.1 and 1.9.5."""

    def test_rows_are_samples_and_aggregates_are_not(self):
        found = by_name(parsed_file("google-benchmark-1.7.1.json"))
        assert set(found) == {"BM_a/iterations:1000/repeats:3", "BM_ms/8/iterations:100", "BM_err"}
        (values,) = times(found["BM_a/iterations:1000/repeats:3"])
        assert values == pytest.approx((3.1740000849822536e-09, 1.3219996617408469e-09, 1.2220007192809135e-09))
        metrics = found["BM_a/iterations:1000/repeats:3"].runs[0].metrics
        assert (metrics["items_per_second"].unit, metrics["items_per_second"].better) == ("1/s", "higher")

    def test_each_row_has_its_own_unit(self):
        found = by_name(parsed_file("google-benchmark-1.7.1.json"))
        assert times(found["BM_ms/8/iterations:100"]) == [pytest.approx((1.3320004654815421e-08,))]
        newer = by_name(parsed_file("google-benchmark-1.9.5.json"))
        assert times(newer["loops/iterations:100/repeats:2"]) == [pytest.approx((6.67572021e-07, 6.15119934e-07))]

    @pytest.mark.parametrize(
        ("file", "name"), [("google-benchmark-1.7.1", "BM_err"), ("google-benchmark-1.9.5", "errs")]
    )
    def test_an_errored_row_has_no_time(self, file, name):
        (run,) = by_name(parsed_file(f"{file}.json"))[name].runs
        assert (run.outcome, run.signature, run.metrics[TIME].value) == ("failed", "no device", None)

    def test_aggregates_alone_give_the_median_and_cv_is_no_time(self):
        found = by_name(parsed_file("google-benchmark-1.7.1-aggregates.json"))
        series = found["BM_a/iterations:1000/repeats:3"].runs[0].metrics[TIME]
        assert (series.value, series.values) == (pytest.approx(1.3019998732488603e-09), ())
        rows = json.loads(read_file("google-benchmark-1.7.1-aggregates.json"))["benchmarks"]
        (cv,) = [row for row in rows if row.get("aggregate_name") == "cv" and row["run_name"].startswith("BM_a/")]
        assert (cv["aggregate_unit"], cv["time_unit"]) == ("percentage", "ns")
        of_all = found["BM_a/iterations:1000/repeats:3"].runs[0].metrics.values()
        assert not any(abs(metric.value - scale * cv["real_time"]) < 1e-15 for metric in of_all for scale in (1, 1e-9))

    @pytest.mark.parametrize("file", ["google-benchmark-1.7.1-aggregates.json", "google-benchmark-1.9.5.json"])
    def test_the_curve_through_several_benchmarks_is_no_measurement(self, file):
        document = json.loads(read_file(file))
        known = set(by_name(parsed_file(file)))
        curve = {"run_name": "BM_c", "run_type": "aggregate", "time_unit": "ns", "cpu_coefficient": 4.8, "big_o": "N"}
        document["benchmarks"] += [
            {**curve, "name": "BM_c_BigO", "aggregate_name": "BigO", "real_coefficient": 4.8},
            {"name": "BM_c_RMS", "run_name": "BM_c", "run_type": "aggregate", "aggregate_name": "RMS", "rms": 0.05},
        ]
        found = parsed(json.dumps(document))
        assert (set(by_name(found)), found.problems) == (known, ())
        assert found.skipped[-1] == ("BM_c", "the curve through several benchmarks, no measurement")

    def test_a_counter_is_no_time_whatever_it_is_called(self):
        document = json.loads(read_file("google-benchmark-1.7.1-aggregates.json"))
        for row in document["benchmarks"]:
            row |= {"time_s": 100.0, "perf_x": 7.0, "items_per_second": 5.0}
        metrics = by_name(parsed(json.dumps(document)))["BM_a/iterations:1000/repeats:3"].runs[0].metrics
        assert metrics[TIME].value == pytest.approx(1.3019998732488603e-09)
        assert (metrics["perf_x"].value, metrics["items_per_second"].better) == (7.0, "higher")
        for row in document["benchmarks"]:
            row["run_type"] = "iteration"
        metrics = by_name(parsed(json.dumps(document)))["BM_a/iterations:1000/repeats:3"].runs[0].metrics
        assert max(metrics[TIME].values) < 1e-3


class TestGo:
    """Go 1.19.8."""

    def test_lines_are_samples_and_a_figure_is_known_by_its_unit(self):
        found = by_name(parsed_file("go-1.19.8.txt"))
        made = found["example.org/x.BenchmarkA"]
        assert times(made) == [pytest.approx((3.5e-09, 2.5e-09))]
        assert made.params == {"gomaxprocs": 2}
        assert made.runs[0].metrics["allocs_per_op"].better == "lower"
        assert made.host.class_.cpu_model == "Imaginary 9 Processor"
        assert found["example.org/x.BenchmarkSub/x=1"].runs[0].metrics["MB/s"].values == (5704.10e6, 10474.63e6)

    def test_a_benchmark_may_report_its_own_time_or_none(self):
        found = by_name(parsed_file("go-1.19.8.txt"))
        assert times(found["example.org/x.BenchmarkOwnNs"]) == [pytest.approx((123.5e-9, 123.5e-9))]
        (run,) = found["example.org/x.BenchmarkOwn"].runs
        assert TIME not in run.metrics
        assert run.metrics["widgets/op"].values == (42.0, 42.0)
        assert run.missing["wall_s"] == "the benchmark reports no ns/op"
        text = "pkg: example.org/x\nBenchmarkZ-8\t100\t7.0 a/op\t 12.5 ns/op\n"
        assert times(parsed(text).benchmarks[0]) == [pytest.approx((12.5e-9,))]

    def test_what_failed_failed(self):
        (run,) = by_name(parsed_file("go-1.19.8.txt"))["example.org/x.BenchmarkFail"].runs
        assert run.outcome == "failed"

    def test_two_outputs_in_one_file_are_two_processes(self):
        text = read_file("go-1.19.8.txt")
        found = by_name(parsed(text + text))
        assert len(found["example.org/x.BenchmarkA"].runs) == 2

    def test_events_of_go_test_json(self):
        (made,) = parsed_file("go-1.19.8-json.txt").benchmarks
        assert (made.name, times(made)) == ("example.org/x.BenchmarkA", [pytest.approx((3.7e-09,))])

    def test_a_line_that_is_cut_off_is_named(self):
        with pytest.raises(Unreadable) as caught:
            parsed("goos: linux\nBenchmarkA-2 \t 100 \t 3.5 ns/op\t 7\n")
        assert (caught.value.line, caught.value.reason) == (2, "cut off: a figure without its unit")


class TestJmh:
    """JMH 1.37, by hand after its published reports."""

    def test_a_fork_is_a_run(self):
        found = by_name(parsed(json.dumps(JMH)))
        assert times(found["org.example.Lists.add.avgt(size=10)"]) == [
            pytest.approx((2e-6, 2.5e-6)),
            pytest.approx((2.25e-6, 4e-6)),
        ]
        assert set(found) >= {"org.example.Lists.add.avgt(size=20)", "org.example.Lists.add.thrpt(size=10)"}

    def test_a_rate_is_no_time(self):
        run = by_name(parsed(json.dumps(JMH)))["org.example.Lists.add.thrpt(size=10)"].runs[0]
        assert (run.metrics["rate"].values, run.metrics["rate"].better) == (pytest.approx((0.5e6, 0.4e6)), "higher")
        assert wall_of(run) is None

    def test_a_histogram_is_its_samples_if_they_are_few(self):
        one, two = by_name(parsed(json.dumps(JMH)))["org.example.Lists.add.sample(size=10)"].runs
        assert one.metrics[TIME].values == pytest.approx((2e-6, 2e-6, 2e-6, 9e-6, 2.5e-6, 2.5e-6))
        assert (two.metrics[TIME].value, two.metrics[TIME].values) == (pytest.approx(6e-6), ())
        assert "histogram" in two.facts["samples"]

    def test_what_is_measured_beside_may_have_no_figure_in_a_fork(self):
        one, two = by_name(parsed(json.dumps(JMH)))["org.example.Lists.add.avgt(size=10)"].runs
        assert one.metrics["gc.alloc.rate.norm"].values == (24.0, 26.0)
        assert one.metrics["gc.time"].values == (0.003,)
        for name in ("gc.alloc.rate.norm", "gc.time"):
            assert (two.metrics[name].value, two.metrics[name].why) == (None, "JMH has no figure of this fork")


class TestCriterion:
    """criterion 0.3.6 and critcmp 0.1.8."""

    def test_times_are_of_batches(self):
        (made,) = parsed_file("criterion-0.3.6/group one/f/20/new/sample.json").benchmarks
        (values,) = times(made)
        assert (made.name, len(values)) == ("group one/f/20", 10)
        assert values[:2] == pytest.approx((595294 / 146610 * 1e-9, 1190538 / 293220 * 1e-9))
        assert made.runs[0].facts == {
            "iterations": [146_610 * batch for batch in range(1, 11)],
            "sampling_mode": "Linear",
        }
        flat = parsed_file("criterion-0.3.6/flat/sleep/new/sample.json").benchmarks[0]
        assert wall_of(flat.runs[0]) == pytest.approx(1.0756695625e-3)

    def test_without_its_neighbour_the_folders_name_it(self):
        sample = read_file("criterion-0.3.6/flat/sleep/new/sample.json")
        assert parsed(sample, "target/criterion/g/f/new/sample.json").benchmarks[0].name == "g/f"

    def test_critcmp_exports_estimates_alone(self):
        made = by_name(parsed_file("critcmp-0.1.8.json"))["group one/f/20"]
        series = made.runs[0].metrics[TIME]
        assert (series.value, series.values) == (pytest.approx(8.899128451144001e-09), ())
        assert "samples" in made.runs[0].facts

    def test_the_baseline_s_name_that_critcmp_puts_before_each_is_no_part_of_it(self):
        text = read_file("critcmp-0.1.8.json")
        assert '"fullname": "base/flat/sleep"' in text
        assert set(by_name(parsed(text))) == {"flat/sleep", "group one/f/20"}
        document = json.loads(text)
        for benchmark in document["benchmarks"].values():
            del benchmark["criterion_benchmark_v1"]
        assert set(by_name(parsed(json.dumps(document)))) == {"flat/sleep", "group one/f/20"}


class TestBenchExec:
    """BenchExec 3.35; how a run ended otherwise was put into the file by hand, after the tool's table of columns."""

    def test_figures_of_a_run(self):
        found = by_name(parsed_file("benchexec-3.35.xml"))
        run = found["b: one.t: ../a.txt"].runs[0]
        assert (run.metrics[TIME].values, run.cpu_s, run.peak_bytes) == ((0.02918691099876014,), 0.002711959, 516096)
        assert (run.outcome, run.exit_code, run.read_bytes) == ("passed", 0, 0)
        host = found["b: one.t: ../a.txt"].host
        assert (host.class_.cores, host.class_.memory_bytes, host.class_.kernel) == (2, 2**34, "6.1.0-9-amd64")

    def test_of_the_environment_only_what_can_matter_comes_along(self):
        made = parsed_file("benchexec-3.35.xml").benchmarks[0]
        assert dict(made.environ) == {"OMP_NUM_THREADS": "2"}
        assert "SERVICE_API_KEY" not in made.original

    @pytest.mark.parametrize(
        ("put", "outcome", "code", "number"),
        [
            ("", "not_measured", None, None),
            (
                '<column title="terminationreason" value="walltime"/><column title="exitsignal" value="9"/>',
                "timed_out",
                None,
                9,
            ),
            (
                '<column title="terminationreason" value="memory"/><column title="exitsignal" value="9"/>',
                "oom_killed",
                None,
                9,
            ),
            ('<column title="terminationreason" value="killed"/>', "interrupted", None, None),
            ('<column title="exitsignal" value="11"/>', "failed", None, 11),
            ('<column title="returnvalue" value="2"/>', "failed", 2, None),
        ],
    )
    def test_how_a_run_ended(self, put, outcome, code, number):
        text = read_file("benchexec-3.35.xml").replace('<column title="returnvalue" value="0" hidden="true"/>', put)
        run = parsed(text).benchmarks[0].runs[0]
        assert (run.outcome, run.exit_code, run.signal) == (outcome, code, number)
        assert run.signature

    def test_a_bad_run_is_named_and_the_others_come_in(self):
        text = read_file("benchexec-3.35.xml").replace('value="0.002711959s"/>', 'value="fast"/>', 1)
        found = parsed(text)
        assert [str(problem) for problem in found.problems] == [
            "made.by: run[0]: cputime is 'fast', which is no figure"
        ]
        assert len(found.benchmarks) == 1


class TestReframe:
    """ReFrame 4.10.4."""

    def test_no_reference_is_written_as_0(self):
        found = by_name(parsed_file("reframe-4.10.4.json"))
        one = found["Echo %n=1 @generic:default:builtin"].runs[0]
        two = found["Echo %n=2 @generic:default:builtin"].runs[0]
        assert "references" not in one.facts
        assert two.facts["references"] == {"bw": {"reference": 12, "lower": -0.1, "upper": 0.1}}
        assert (one.metrics["bw"].value, one.metrics["bw"].unit) == (12.5e6, "bytes/s")
        assert wall_of(one) is None

    def test_what_failed_failed_and_what_was_skipped_is_left_out(self):
        found = by_name(parsed_file("reframe-4.10.4.json"))
        run = found["Bad @generic:default:builtin"].runs[0]
        assert (run.outcome, run.exit_code) == ("failed", 1)
        assert "sanity error" in run.signature
        document = json.loads(read_file("reframe-4.10.4.json"))
        document["runs"][0]["testcases"][0] |= {"result": "skip", "fail_reason": "not here"}
        assert parsed(json.dumps(document)).skipped == (("Echo %n=1", "not here"),)


class TestActionBenchmark:
    """github-action-benchmark, by hand after its published histories."""

    def test_plain_json_is_the_same_history(self):
        assert parsed(json.dumps(HISTORY)).benchmarks == parsed(DATA_JS).benchmarks

    def test_a_commit_that_is_not_as_it_should_be_costs_the_others_nothing(self):
        document = copy.deepcopy(HISTORY)
        document["entries"]["Rust"][0]["benches"] = None
        found = parsed(json.dumps(document))
        assert [problem.reason for problem in found.problems] == [
            "entries.Rust[0].benches: a list is expected, not null"
        ]
        assert len(found.benchmarks) == len(parsed(DATA_JS).benchmarks) - 1

    def test_a_commit_is_a_result(self):
        found = parsed(DATA_JS).benchmarks
        rust = [made for made in found if made.name == "Rust: fib"]
        assert [made.runs[0].metrics[TIME].value for made in rust] == pytest.approx([135e-9, 150e-9])
        assert [made.commit for made in rust] == ["a" * 40, "b" * 40]
        assert rust[0].made == datetime(2024, 5, 7, 16, 40, tzinfo=UTC)

    def test_the_tool_s_name_tells_which_way_is_better(self):
        found = by_name(parsed(DATA_JS))
        assert found["Python: t.py::test_x"].runs[0].metrics["value"].better == "higher"
        load = found["Own: load"].runs[0]
        assert (load.metrics["value"].value, load.metrics["value"].unit, load.metrics["value"].better) == (
            50,
            "Percent",
            "higher",
        )
        assert "no time" in load.missing["wall_s"]
        # The action takes less for better of any figure of JMH's, also of a rate.
        assert found["Java: add"].runs[0].metrics["value"].better == "higher"

    def test_who_wrote_a_commit_is_left_out(self):
        assert "someone@example.org" in DATA_JS
        assert not any("someone" in made.original for made in parsed(DATA_JS).benchmarks)

    def test_a_script_is_never_run(self):
        with pytest.raises(Unreadable, match="not JSON"):
            parsed("window.BENCHMARK_DATA = {lastUpdate: 1}")


class TestPerf:
    """perf 6.1.187, of which ``-j`` and ``-x`` name no command and no elapsed time."""

    def test_decimal_commas_make_no_json(self):
        text = read_file("perf-6.1-comma.json")
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(text.splitlines()[2])
        run = parsed(text).benchmarks[0].runs[0]
        assert run.metrics["task-clock"].value == pytest.approx(0.000491971)
        assert run.cpu_s == pytest.approx(0.000491971)

    def test_not_counted_is_null_though_it_counted_all_the_time(self):
        text = read_file("perf-6.1.json")
        assert (
            '"<not counted>", "unit" : "ns", "event" : "system_time", "event-runtime" : 0, "pcnt-running" : 100.00'
            in text
        )
        run = parsed(text).benchmarks[0].runs[0]
        assert (run.metrics["system_time"].value, run.metrics["system_time"].why) == (None, "perf stat: not counted")
        assert (run.system_s, run.user_s) == (None, 0.001485)
        assert wall_of(run) == pytest.approx(0.003355764)

    def test_without_duration_time_there_is_no_elapsed_time(self):
        run = parsed_file("perf-6.1-plain.json").benchmarks[0].runs[0]
        assert wall_of(run) is None
        assert "duration_time" in run.missing["wall_s"]
        assert run.metrics["page-faults"].value == 76

    @pytest.mark.parametrize(
        ("file", "clock", "faults"), [("perf-6.1.csv", 0.00052, 50), ("perf-6.1-semicolon.csv", 0.00075, 47)]
    )
    def test_separated_values(self, file, clock, faults):
        run = parsed_file(file).benchmarks[0].runs[0]
        assert (run.metrics["task-clock"].value, run.metrics["page-faults"].value) == (pytest.approx(clock), faults)
        assert run.metrics["cycles"].value is None

    def test_a_decimal_comma_that_is_the_separator_too(self):
        run = (
            parsed("0,52,msec,task-clock,518961,100,00,0,197,CPUs utilized\n50,,page-faults,518961,100,00,,\n")
            .benchmarks[0]
            .runs[0]
        )
        assert (run.metrics["task-clock"].value, run.metrics["page-faults"].value) == (pytest.approx(0.00052), 50)

    def test_intervals_are_samples(self):
        run = parsed_file("perf-6.1-intervals.csv").benchmarks[0].runs[0]
        assert run.metrics["task-clock"].values == pytest.approx((0.00113, 0.00011))
        assert run.cpu_s is None  # one interval was not counted

    def test_a_mean_of_runs_is_no_sample(self):
        run = parsed_file("perf-6.1-repeat.json").benchmarks[0].runs[0]
        assert run.metrics["task-clock"].values == ()
        assert "mean of the runs" in run.facts["samples"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"results": []}',
        '{"benchmarks": []}',
        '{"benchmarks": {}, "name": "x"}',
        "Benchmarks of last year\n",
        "3 tests ran in 5 seconds\n",
        "1,2,3,4,5\n",
        "name;unit;value;x;y\n",
        "<result>no</result>",
        "<html></html>",
    ],
)
def test_what_no_tool_wrote_is_not_taken_for_one(text):
    assert recognise(Content("x", text)) is None
