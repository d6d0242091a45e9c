"""A host's folder that is a link to one elsewhere: every verb reads it like any other, and none removes a thing there."""

import json
import shutil

import pytest

from bench.record.storage.archive import import_archive
from bench.record.storage.find import bundle_folders, find_bundles
from bench.record.storage.partial import mark
from ci.baseline import add, bundles

LEVELS = {"host": 1, "diagnostic": 2, "bundle": 3}


@pytest.fixture(params=LEVELS)
def linked(request, engine, bench_, tmp_path):
    """A results folder with one result, which is kept elsewhere from that level on, and its place below the results."""
    engine.walls = [10.0]
    assert bench_("run", "grad_cpu", "--results", tmp_path / "results", "--quiet")[0] == 0
    (bundle,) = find_bundles(tmp_path / "results")
    place = bundle.path.relative_to(tmp_path / "results").parts
    here = tmp_path.joinpath("results", *place[: LEVELS[request.param]])
    here.rename(tmp_path / "elsewhere")
    here.symlink_to(tmp_path / "elsewhere")
    return tmp_path / "results", place


def read(bench_, *words):
    code, out, err = bench_(*words)
    assert (code, "passed over" in err) == (0, False), err
    return json.loads(out)


def test_every_verb_sees_it(linked, bench_, tmp_path):
    results, place = linked
    host, name, stamp = place
    result = "/".join(place)
    more = ("--results", results, "--json")
    rows = {row["name"]: row["last"] for row in read(bench_, "list", *more)}
    assert rows[name]["id"] == result
    assert result in json.dumps(read(bench_, "history", name, *more))
    assert read(bench_, "query", "select id from results", *more) == [{"id": result}]
    for word in (results, host, f"{host}/{name}", result):
        if word != results:
            assert result in json.dumps(read(bench_, "report", word, *more))
        found = read(bench_, "export", word, "-o", tmp_path / "x.tar.gz", *more)["bundles"]
        assert [path.rpartition("/")[2] for path in found] == [stamp]
    for path in (results, results / host, results / result):
        assert len(read(bench_, "verify", path, "--json")["bundles"]) == 1
    assert import_archive(tmp_path / "x.tar.gz", tmp_path / "other").imported
    code, out, _ = bench_("compare", host, tmp_path / "other", *more)
    assert (code, json.loads(out)["comparisons"][0]["status"]) == (6, "insufficient_runs")
    assert read(bench_, "explain", result, *more)
    code, _, err = bench_("reproduce", result, "--results", results, "--quiet")
    assert code == 0, err
    assert len(find_bundles(results)) == 2


def test_a_run_takes_it_as_its_baseline(linked, engine, bench_):
    results, place = linked
    engine.walls = [10.0]
    (record,) = [read(bench_, "run", place[1], "--results", results, "--json", "--quiet")["record"]]
    assert record["verdict"]["baseline"] is not None
    engine.walls = [10.0]
    code, _, err = bench_("run", place[1], "--baseline", place[0], "--results", results, "--quiet")
    assert code == 0, err


def test_the_matrix_sees_it(linked, tmp_path):
    results, place = linked
    assert [bundle.name for bundle in bundles(results)] == [place[2]]
    said = add(results, tmp_path / "baseline", {"leg": "a", "settings": "b"})
    assert said == "1 added, 1 kept"


def test_nothing_is_removed_behind_it(linked, bench_, tmp_path):
    results, place = linked
    dead = results.joinpath(*place[:-1], "20260102T030405Z.partial")
    dead.mkdir()
    mark(dead)
    real = dead.resolve().is_relative_to(results)
    bench_("run", "dtype_cpu", "--results", results, "--quiet")
    assert dead.exists() != real
    assert (tmp_path / "elsewhere").is_dir()


def test_a_result_that_a_link_names_too_counts_once_by_its_own_path(engine, bench_, tmp_path):
    bench_("run", "grad_cpu", "--results", tmp_path / "results", "--quiet")
    (bundle,) = find_bundles(tmp_path / "results")
    host = bundle.path.parents[1]
    (tmp_path / "results" / "a-link").symlink_to(host.name)
    (host / "up").symlink_to("..")
    (tmp_path / "results" / "self").symlink_to(".")
    (tmp_path / "results" / "nowhere").symlink_to("none")
    assert bundle_folders(tmp_path / "results") == [bundle.path]
    assert bench_("verify", tmp_path / "results")[0] == 0


def test_a_link_to_a_whole_disk_is_not_searched(engine, bench_, tmp_path):
    bench_("run", "grad_cpu", "--results", tmp_path / "far/a/b/results", "--quiet")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "disk").symlink_to(tmp_path / "far")
    assert bundle_folders(tmp_path / "results") == []
    (tmp_path / "results" / "reference").symlink_to(tmp_path / "far/a/b/results")
    assert len(bundle_folders(tmp_path / "results")) == 1


def test_the_baseline_drops_only_bundles_of_its_own(linked, tmp_path):
    results, place = linked
    add(results, tmp_path / "base", {"leg": "a", "settings": "b"})
    (folder,) = {bundle.parent for bundle in bundles(tmp_path / "base")}
    for number in range(25):
        shutil.copytree(folder / place[2], folder / f"20270101T0000{number:02}Z")
        (folder / f"0-mine-{number}").mkdir()
    add(results, tmp_path / "base", {"leg": "a", "settings": "b"})
    assert len(bundles(tmp_path / "base")) == 20
    assert len(list(folder.glob("0-mine-*"))) == 25
