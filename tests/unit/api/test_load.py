"""What `bench.load` reads, what it refuses, and what becomes of it in a notebook."""

import msgspec
import pytest

import bench
from bench.errors import DamagedData, UsageError
from bench.record.schema import Warning_
from bench.record.storage.archive import export
from bench.record.storage.bundle import write_bundle
from tests.support.records import make_record, make_run, replace

EVIL = "<script>alert('x')</script>\x1b[31m"


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for name, stamp in (
        ("grad_cpu", "20260102T030405Z"),
        ("grad_cpu", "20260102T030406Z"),
        ("dtype_cpu", "20260102T030405Z"),
    ):
        write_bundle(folder, make_record(name=name, stamp=stamp), {})
    return folder


def test_a_folder_of_bundles_is_a_sequence_in_order(results):
    found = bench.load(results)
    assert [(one.name, one.stamp) for one in found] == [
        ("dtype_cpu", "20260102T030405Z"),
        ("grad_cpu", "20260102T030405Z"),
        ("grad_cpu", "20260102T030406Z"),
    ]
    assert found.names == ("dtype_cpu", "grad_cpu")
    assert [one.path for one in found[1:]] == [results / one.id for one in found.of("grad_cpu")]
    assert isinstance(found[1:], bench.Results)
    assert repr(found) == "<3 results of dtype_cpu, grad_cpu>"


def test_a_bundle_and_its_record_are_one_result(results):
    (one,) = bench.load(results).of("dtype_cpu")
    assert bench.load(one.path)[0] == bench.load(str(one.path / "record.json"))[0] == one
    assert one.outcome == "passed"
    assert one.wall_s == tuple(run.wall_s for run in one.record.runs)


def test_warm_ups_and_failed_runs_give_no_time():
    runs = [
        replace(make_run(0, wall_s=9.0), warmup=True),
        make_run(1, wall_s=2.0),
        replace(make_run(2, wall_s=3.0), outcome="failed"),
    ]
    assert bench.Result(make_record(runs=tuple(runs))).wall_s == (2.0,)


def test_an_archive_is_read_and_left_as_it_is(results, tmp_path):
    archive = tmp_path / "all.tar.gz"
    export([one.path for one in bench.load(results)], archive)
    before = archive.read_bytes(), sorted(tmp_path.iterdir())
    found = bench.load(archive)
    assert [one.record for one in found] == [one.record for one in bench.load(results)]
    assert {one.path for one in found} == {None}
    assert (archive.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_what_is_damaged_is_refused_or_named(results):
    (one,) = bench.load(results).of("dtype_cpu")
    (one.path / "record.json").write_text("{")
    with pytest.raises(DamagedData, match=r"record\.json"):
        bench.load(results)
    found = bench.load(results, skip_damaged=True)
    assert found.names == ("grad_cpu",)
    assert [type(problem) for problem in found.problems] == [DamagedData]


def test_what_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(UsageError, match=r"nothing at .*; give a bundle"):
        bench.load(tmp_path / "none")
    with pytest.raises(DamagedData, match="no bundle in"):
        bench.load(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises((UsageError, DamagedData)):
        bench.load(tmp_path / "a.txt")
    with pytest.raises(UsageError, match="no result of 'x'; there are none at all"):
        bench.Results().of("x")


def test_a_notebook_gets_a_table_without_anything_that_acts():
    record = make_record()
    record = msgspec.structs.replace(record, diagnostic=replace(record.diagnostic, name=EVIL))
    shown = bench.Results([bench.Result(record)] * 201)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "\x1b" not in shown
    assert shown.count("<tr>") == 201
    assert "and 1 more" in shown
    assert bench.Result(record)._repr_html_().startswith("<table>")


def test_a_name_that_there_is_not_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        bench.lode  # noqa: B018
    assert set(bench.__all__) <= set(dir(bench))


def test_what_a_run_warns_of_stays_in_the_record():
    run = replace(make_run(0), warnings=(Warning_("host_loaded", "others worked"),))
    assert bench.Result(make_record(runs=(run,))).record.runs[0].warnings[0].code == "host_loaded"
