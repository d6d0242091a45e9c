"""What other tools' benchmarks are called here, in what units they come, and what cannot be true of their samples."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.importer.tools.naming import name_of_benchmark
from bench.importer.tools.units import to_si
from bench.names import is_diagnostic_name
from bench.record.consistency import contradictions
from bench.record.schema import Metric
from tests.support.records import make_record, make_run


@given(st.text(max_size=300))
def test_any_name_can_be_a_folder_s(name):
    assert is_diagnostic_name(name_of_benchmark(name))


@pytest.mark.parametrize("name", ["telco", "bench.time_plain", "org.example.Lists.add.avgt", "BM_err"])
def test_a_name_that_can_be_a_folder_s_stays(name):
    assert name_of_benchmark(name) == name


@pytest.mark.parametrize(
    ("one", "two"),
    [("t[a b]", "t[a/b]"), ("a b", "a-b"), ("x" * 200, "x" * 201), ("é", "è"), ("", " "), ("20260101T000000Z", "x")],
)
def test_two_names_that_are_spelled_alike_stay_apart(one, two):
    assert name_of_benchmark(one) != name_of_benchmark(two)


def test_a_password_in_a_command_is_in_no_name():
    assert "sesame99" not in name_of_benchmark("curl https://me:sesame99@example.org/x")


@pytest.mark.parametrize(
    ("value", "unit", "si"),
    [
        (2.0, "ns/op", (2e-9, "s")),
        (2.0, "ns/iter", (2e-9, "s")),
        (3.0, "us", (3e-6, "s")),
        (3.0, "µs", (3e-6, "s")),
        (3.0, "msec", (3e-3, "s")),
        (2.0, "KiB", (2048.0, "bytes")),
        (2.0, "kB/op", (2000.0, "bytes")),
        (2.0, "MB/s", (2e6, "bytes/s")),
        (2.0, "ops/us", (2e6, "1/s")),
        (2.0, "iter/sec", (2.0, "1/s")),
        (2.0, "widgets/op", (2.0, "widgets/op")),
        (2.0, "", (2.0, "")),
    ],
)
def test_units_become_si(value, unit, si):
    found, name = to_si(value, unit)
    assert (found, name) == (pytest.approx(si[0]), si[1])


def with_metric(metric):
    run = msgspec.structs.replace(make_run(0), metrics={"time_s": metric})
    return msgspec.structs.replace(make_record(), runs=(run,))


def test_a_value_lies_among_its_samples():
    assert contradictions(with_metric(Metric(2.0, "s", "lower", (1.0, 2.0, 4.0)))) == []
    (said,) = contradictions(with_metric(Metric(9.0, "s", "lower", (1.0, 2.0, 4.0))))
    assert said.startswith("runs[0].metrics.time_s.value: not between")


def test_a_metric_without_samples_has_no_such_key():
    assert msgspec.to_builtins(Metric(2.0, "s")) == {"value": 2.0, "unit": "s", "better": "none"}
