"""A result is read once: what a sample holds."""

from fractions import Fraction

import pytest

from bench.compare.sample import sample_of
from bench.errors import DamagedData
from bench.record.schema import Cpu, Run
from tests.support.records import record, replace


def run(at, wall, **changes):
    return Run(at, changes.pop("outcome", "passed"), wall_s=wall, **changes)


def test_runs_are_in_the_order_in_which_they_ran_and_the_rest_is_counted():
    runs = (
        run(0, 3.0, started_at="2025-10-15T00:00:20Z"),
        run(1, 9.0, outcome="timed_out"),
        run(2, None),
        run(3, 1.0, started_at="2025-10-15T00:00:10Z"),
        run(4, 2.0, outcome="failed"),
        run(5, 4.0, outcome="interrupted"),
    )
    sample = sample_of(record(runs=runs))
    assert sample.walls == (1.0, 3.0)
    assert [one.index for one in sample.runs] == [3, 0]
    assert [end - start for start, end in sample.spans] == [1.0, 3.0]
    assert (sample.total, sample.not_passed) == (6, {"failed": 1, "timed_out": 1, "interrupted": 1})
    assert (sample.failures, sample.failed_share) == (2, Fraction(2, 5))
    assert sample.times_s == (3.0, 9.0, 1.0)


def test_a_start_that_is_not_known_leaves_no_spans():
    known = run(0, 1.0, started_at="2025-10-15T00:00:10Z")
    assert sample_of(record(runs=(known, run(1, 1.0)))).spans == ()
    assert sample_of(record(runs=(known, run(1, 1.0, started_at="soon")))).spans == ()


def test_cpu_time_is_that_of_all_runs_or_of_none():
    with_cpu = run(0, 1.0, cpu=Cpu(total_s=2.0))
    assert sample_of(record(runs=(with_cpu,))).cpu_s == (2.0,)
    assert sample_of(record(runs=(with_cpu, run(1, 1.0)))).cpu_s == ()


def test_several_results_are_one_sample_named_by_the_newest():
    new = record((3.0, 4.0), id="new", stamp="20260101T000000Z")
    old = record((1.0, 2.0), id="old", stamp="20250101T000000Z")
    sample = sample_of([new, old])
    assert (sample.newest.id, sample.walls) == ("new", (1.0, 2.0, 3.0, 4.0))
    assert sample_of(sample) is sample


def test_damage_is_named_by_the_record_that_has_it():
    bad = replace(record((1.0, -1.0), id="bad"), stamp="20200101T000000Z")
    with pytest.raises(DamagedData, match=r"runs\[1\]\.wall_s of bad"):
        sample_of([record(), bad])
