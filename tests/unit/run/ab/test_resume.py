"""An experiment that goes on: its bundles, the runs that they hold, and what must still be as it was."""

import pytest

from bench.errors import NotComparable, NotMeasured, UsageError
from bench.record.schema import Limits, Source, Warning_
from bench.record.storage.bundle import write_bundle
from bench.run.ab.resume import find_sides, read_earlier, require_alike, require_all
from tests.support.paired import told
from tests.support.records import changed, make_record, make_run, replace

FIRST, SECOND, THIRD = ("20260102T030405Z", "20260102T040405Z", "20260102T050405Z")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def written(results, side, pairs, stamp=FIRST, runs=None, files=None, **changes):
    """A side's bundle with those pairs; ``changes`` are those of its experiment."""
    runs = tuple(make_run(index, wall_s=10.0 + pair) for index, pair in enumerate(pairs)) if runs is None else runs
    record = make_record(stamp=stamp, runs=runs, runs_asked=len(runs) or None)
    return write_bundle(results, replace(record, experiment=told(side, pairs, **changes)), files or {}, secrets=())


def both(results, pairs, stamps=(FIRST, "20260102T030406Z"), **changes):
    return [
        written(results, side, pairs, stamp, **changes) for side, stamp in zip(("base", "head"), stamps, strict=True)
    ]


def ids(bundles):
    return [bundle.record.experiment.id for bundle in bundles]


def test_the_newest_experiment_goes_on_unless_one_is_named(results, tmp_path):
    both(results, (0, 1))
    both(results, (0,), (SECOND, "20260102T040406Z"), id="ab-2")
    write_bundle(results, make_record(stamp=THIRD), {}, secrets=())  # a plain run is none
    assert ids(find_sides(None, results)) == ids(find_sides("ab-2", results)) == ["ab-2", "ab-2"]
    sides = find_sides("ab-1", results)
    assert [bundle.record.experiment.side for bundle in sides] == ["base", "head"]
    assert ids(find_sides("grad_cpu", results)) == ["ab-2", "ab-2"]
    assert ids(find_sides(str(sides[1].path), results)) == ["ab-1", "ab-1"]


def test_a_bundle_that_lies_elsewhere_is_one_of_its_sides(results, tmp_path):
    written(results, "base", (0,))
    away = written(tmp_path / "away", "head", (0,), SECOND)
    assert [bundle.path for bundle in find_sides(str(away), results)][1:] == [away]


def test_what_is_no_experiment(results):
    with pytest.raises(UsageError, match="no experiment lies in"):
        find_sides(None, results)
    plain = write_bundle(results, make_record(stamp=THIRD), {}, secrets=())
    with pytest.raises(UsageError, match="is no side of an experiment"):
        find_sides(str(plain), results)
    with pytest.raises(UsageError, match="no experiment 'ab-9' lies in"):
        find_sides("ab-9", results)


def test_each_pair_counts_once_and_the_next_comes_after_all_that_were_begun(results, tmp_path):
    both(results, (0, 1))
    ended = make_run(0, wall_s=12.0), make_run(1, wall_s=None, outcome="interrupted")
    written(results, "base", (2, 4), SECOND, ended)
    written(results, "head", (1, 2), "20260102T040406Z")
    earlier = read_earlier(find_sides(None, results), tmp_path / "earlier")
    walls = {side: [(pair, run.reading.run.wall_s) for pair, run in runs] for side, runs in earlier.runs.items()}
    assert walls == {"base": [(0, 10.0), (1, 11.0), (2, 12.0)], "head": [(0, 10.0), (1, 11.0), (2, 12.0)]}
    assert [run.reading.run.index for _, run in earlier.runs["head"]] == [0, 1, 2]
    assert (earlier.first, earlier.name, len(earlier.resumes)) == (5, "grad_cpu", 4)
    assert {side: record.stamp for side, record in earlier.newest.items()} == {
        "base": SECOND,
        "head": "20260102T040406Z",
    }


def test_one_that_has_no_run_yet_begins_with_its_first_pair(results, tmp_path):
    both(results, ())
    earlier = read_earlier(find_sides(None, results), tmp_path / "earlier")
    assert (earlier.first, earlier.runs) == (0, {"base": [], "head": []})


def test_a_newer_side_without_a_run_knows_less_than_an_older_one_with_runs(results, tmp_path):
    both(results, (0,))
    both(results, (), (SECOND, "20260102T040406Z"))
    earlier = read_earlier(find_sides(None, results), tmp_path / "earlier")
    assert {len(record.runs) for record in earlier.newest.values()} == {1}


def test_a_run_goes_on_with_its_evidence_and_without_the_warnings_of_the_old_result(results, tmp_path):
    kept, old = Warning_("cpu_steal", "a neighbour"), Warning_("runs_missing", "1 of 2 runs were made")
    runs = make_run(0), make_run(1, warnings=(kept, old), memory=replace(make_run().memory, peak_bytes=None))
    files = {
        "logs/pytest_run_2.log": b"1 passed\n",
        "artifacts/commands.txt": b"# what was run\npython -m pytest\n",
    }
    record = make_record(stamp=FIRST, runs=runs, runs_asked=2, unavailable={"runs[1].memory.peak_bytes": "not kept"})
    write_bundle(results, replace(record, experiment=told("base", (0, 1))), files, secrets=())
    earlier = read_earlier(find_sides(None, results), tmp_path / "earlier")
    one = earlier.runs["base"][1][1]
    assert one.reading.run.warnings == (kept,)
    assert one.reading.unavailable == {"memory.peak_bytes": "not kept"}
    assert one.ending.commands == ("python -m pytest",)
    assert one.out == tmp_path / "earlier" / "base-0001"


@pytest.mark.parametrize("changes", [{"seed": 4}, {"metric": "cpu"}, {"effect": 0.1}, {"duet": ("0", "1")}])
def test_bundles_that_do_not_belong_together_are_refused(results, tmp_path, changes):
    written(results, "base", (0,))
    written(results, "head", (0,), SECOND, **changes)
    with pytest.raises(NotComparable, match="the bundles of experiment ab-1 do not belong together"):
        read_earlier(find_sides(None, results), tmp_path / "earlier")


def test_pairs_that_came_to_light_since_are_not_made_anew(results, tmp_path):
    both(results, (0, 1))
    earlier = read_earlier(find_sides(None, results), tmp_path / "earlier")
    require_all(earlier, results)
    written(results, "base", (2,), THIRD)
    with pytest.raises(NotMeasured, match="ab-1 has more pairs than were read"):
        require_all(earlier, results)


def test_a_side_must_be_what_it_was():
    was = make_record(source=Source("project", sha256="0" * 64), **{"engine.limits": Limits(cpus=1.0)})
    require_alike(was, was, "base")
    with pytest.raises(NotComparable, match="the code of the base is not what"):
        require_alike(was, changed(was, source=Source("project", sha256="1" * 64)), "base")
    other = changed(was, cpus=2.0)
    with pytest.raises(NotComparable, match=r"the head is not what .*limits\.cpus: 1.* then, 2.* now") as refused:
        require_alike(was, other, "head")
    assert refused.value.fix == "begin a new experiment, without --resume"
    require_alike(replace(was, runs=()), other, "base")  # it ran nowhere yet
