"""What the runs of a record have a figure of."""

from bench.compare.measures import measures
from bench.record.schema import Cpu, Faults, Metric, Run
from bench.record.schema import TestResult as Node
from tests.support.records import make_record, replace

RUNS = (
    Run(
        0,
        "passed",
        wall_s=2.0,
        cpu=Cpu(total_s=1.5),
        faults=Faults(minor=7),
        tests=(Node("a", "passed", call_s=0.5), Node("b", "passed", call_s=0.25), Node("c", "skipped")),
        metrics={"rate": Metric(3.0, "GB/s", "higher"), "wall": Metric(1.0, "m", "none")},
    ),
    Run(1, "passed", wall_s=2.5, metrics={"rate": Metric(None, "GB/s", "higher")}),
)


def test_each_figure_has_a_value_a_run_its_unit_and_its_direction():
    found = measures(replace(make_record(), runs=RUNS))
    shown = {name: (one.values, one.unit, one.better) for name, one in found.items()}
    assert shown == {
        "call": ((0.75, None), "s", "lower"),
        "wall": ((2.0, 2.5), "s", "lower"),
        "cpu": ((1.5, None), "s", "lower"),
        "minor_faults": ((7, None), "", "lower"),
        "rate": ((3.0, None), "GB/s", "higher"),
        "metric:wall": ((1.0, None), "m", "none"),
    }


def test_what_no_run_has_is_no_measure():
    assert measures(replace(make_record(), runs=())) == {}


def test_a_value_in_another_unit_than_the_last_run_s_is_none():
    turned = (replace(RUNS[0], metrics={"rate": Metric(3000.0, "MB/s", "higher")}), RUNS[0])
    rate = measures(replace(make_record(), runs=turned))["rate"]
    assert (rate.values, rate.unit) == ((None, 3.0), "GB/s")
