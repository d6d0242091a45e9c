"""Tables: their columns, and each library's own form of them where it is installed."""

import sys

import pytest

import bench
from bench.api.tables import columns_of
from bench.errors import NotMeasured, UsageError
from bench.record.schema import Memory, Metric
from tests.support.records import make_record, make_run, replace

BIG = 2**53 + 1
"""A whole number that no 64-bit real one is."""


@pytest.fixture
def results():
    known = replace(make_run(0), memory=Memory(max_rss_bytes=BIG), metrics={"rate": Metric(2.5, "1/s", "higher")})
    unknown = replace(make_run(1), wall_s=None, memory=Memory())
    warm = replace(make_run(2), warmup=True)
    return bench.Results([bench.Result(make_record(runs=(known, unknown, warm)))])


def column(records, table, name):
    return next(one.values for one in columns_of(records, table) if one.name == name)


def test_a_row_a_run_a_test_and_a_metric(results):
    records = [results[0].record]
    assert column(records, "runs", "memory_max_rss_bytes") == [BIG, None]
    assert column(records, "runs", "wall_s") == [10.5, None]
    assert column(records, "tests", "call_s") == [9.5, 9.5]
    assert [column(records, "metrics", name) for name in ("metric", "value", "unit")] == [["rate"], [2.5], ["1/s"]]
    assert {len(one.values) for one in columns_of(records, "metrics")} == {1}
    assert {len(one.values) for one in columns_of([], "runs")} == {0}
    with pytest.raises(UsageError, match="no table 'rows'; there are runs, tests, metrics"):
        results.to_arrow("rows")


@pytest.mark.parametrize(
    ("method", "library", "extra"),
    [("to_arrow", "pyarrow", "arrow"), ("to_pandas", "pandas", "pandas"), ("to_polars", "polars", "polars")],
)
def test_a_library_that_is_missing_is_one_clear_line(results, monkeypatch, method, library, extra):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(NotMeasured, match=rf"{library} is needed .* pip install 'bench-reproducer\[{extra}\]'"):
        getattr(results, method)()


def test_pyarrow_s_table(results):
    pytest.importorskip("pyarrow", reason="not installed: nox -s frames has it")
    table = results.to_arrow()
    assert table["memory_max_rss_bytes"].to_pylist() == [BIG, None]
    assert str(table.schema.field("memory_max_rss_bytes").type) == "int64"
    assert bench.Results().to_arrow("metrics").num_rows == 0


def test_pandas_frame(results):
    pandas = pytest.importorskip("pandas", reason="not installed: nox -s frames has it")
    frame = results.to_pandas()
    assert frame["memory_max_rss_bytes"][0] == BIG
    assert frame["wall_s"][1] is pandas.NA
    assert str(frame.dtypes["memory_max_rss_bytes"]) == "Int64"
    assert len(bench.Results().to_pandas("tests")) == 0


def test_polars_frame(results):
    pytest.importorskip("polars", reason="not installed: nox -s frames has it")
    frame = results.to_polars()
    assert frame["memory_max_rss_bytes"].to_list() == [BIG, None]
    assert frame["wall_s"].to_list() == [10.5, None]
    assert bench.Results().to_polars("tests").height == 0
