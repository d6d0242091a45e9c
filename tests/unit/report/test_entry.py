from __future__ import annotations

import math

import msgspec
import pytest

from bench.record.schema import Outcome, Status
from bench.report.entry import Entry, by_group, newest_per_key, timeline_entries, worst_first
from bench.report.status import STATES, state_of, state_of_run
from tests.support.entries import bad_entries, limited, make_entries, make_entry, stamps, synthetic_record


def test_every_word_of_the_schema_has_a_state() -> None:
    for status in Status.__args__:  # type: ignore[attr-defined]
        assert STATES[status].code == status
    for outcome in Outcome.__args__:  # type: ignore[attr-defined]
        assert state_of_run(outcome).label


def test_not_measured_is_neither_good_nor_bad() -> None:
    assert STATES["not_measured"].level == "none"


def test_an_outcome_that_did_not_pass_comes_before_the_verdict() -> None:
    record = synthetic_record(outcome="timed_out")
    assert state_of(record).code == "timed_out"
    assert state_of(synthetic_record()).code == "ok"


def test_signs_differ_so_that_colour_is_not_needed() -> None:
    assert len({state.glyph for state in STATES.values()}) == 4


def test_worst_first_then_newest() -> None:
    old, new = (make_entry(stamp=stamp, sampled=False) for stamp in stamps(2))
    bad = bad_entries()[0]
    assert worst_first([old, bad, new]) == [bad, new, old]


def test_newest_per_key_keeps_one_of_each_host() -> None:
    newest = newest_per_key(make_entries(3, sampled=False))
    assert len(newest) == 13
    assert len({entry.key for entry in newest}) == 13
    assert all(entry.record.stamp >= stamps(3)[-1] for entry in newest)


def test_profiles_and_variants_are_not_mixed() -> None:
    record = synthetic_record()
    smoke = msgspec.structs.replace(record, diagnostic=msgspec.structs.replace(record.diagnostic, profile="smoke"))
    jemalloc = msgspec.structs.replace(record, variant="jemalloc")
    groups = by_group([Entry(record), Entry(smoke), Entry(jemalloc)])
    assert sorted(groups) == ["grad_cpu", "grad_cpu (jemalloc)", "grad_cpu (smoke)"]


GIB = 1024**3


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"pids": 5}, ""),
        ({"cpus": 1.0, "threads": 1}, " (1 CPU)"),
        ({"cpus": 2.5, "threads": 3}, " (2.5 CPUs)"),
        ({"cpus": 4.0}, " (4 CPUs, threads not set)"),
        ({"cpus": 4.0, "threads": 2}, " (4 CPUs, 2 threads)"),
        ({"cpuset": "0-3", "threads": 1}, " (on CPUs 0-3, 1 thread)"),
        ({"memory_bytes": 12 * GIB}, " (12 GiB)"),
        ({"memory_bytes": 512 * 1024**2}, " (512 MiB)"),
        ({"cpus": math.inf, "threads": 4}, " (inf CPUs, 4 threads)"),
    ],
)
def test_results_under_other_limits_are_other_groups(limits: dict[str, object], said: str) -> None:
    """Like only with like: one host with --cpus 4 and with --cpus 1 has two medians, and two lines of history."""
    record = synthetic_record()
    assert Entry(limited(record, **limits)).group == f"grad_cpu{said}"
    assert Entry(limited(record, **limits)).key == (f"grad_cpu{said}", record.host.id)


def test_limits_that_differ_by_a_byte_are_two_groups() -> None:
    record = synthetic_record()
    assert (
        Entry(limited(record, memory_bytes=12 * GIB)).group != Entry(limited(record, memory_bytes=12 * GIB + 1)).group
    )


def test_engines_are_other_groups_and_are_named_last() -> None:
    record = limited(synthetic_record(variant="jemalloc"), cpus=1.0, threads=1)
    local = msgspec.structs.replace(record, engine=msgspec.structs.replace(record.engine, name="local"))
    assert Entry(local).group == "grad_cpu (jemalloc, 1 CPU, local engine)"
    assert len(newest_per_key([Entry(record), Entry(local), Entry(synthetic_record())])) == 3


def test_older_evidence_without_a_profile_is_of_the_usual_group() -> None:
    record = synthetic_record()
    old = msgspec.structs.replace(record, diagnostic=msgspec.structs.replace(record.diagnostic, profile=None))
    assert Entry(old).group == "grad_cpu"


@pytest.mark.parametrize("wall", [math.nan, math.inf, -1.0, 0.0, None])
def test_what_is_no_time_is_left_out(wall: float | None) -> None:
    record = synthetic_record(runs=2)
    broken = msgspec.structs.replace(record.runs[0], wall_s=wall)
    entry = Entry(msgspec.structs.replace(record, runs=(broken, record.runs[1])))
    assert entry.walls == (record.runs[1].wall_s,)


def test_typical_run_is_the_one_nearest_the_median() -> None:
    entry = make_entry(runs=5, sampled=False)
    assert entry.typical is not None
    assert entry.typical.wall_s == entry.wall_s


def test_typical_run_of_a_result_without_a_passed_run_is_the_last() -> None:
    killed = bad_entries()[1]
    assert killed.wall_s is None
    assert killed.typical == killed.record.runs[-1]
    assert bad_entries()[3].typical is None


def test_timeline_entries_are_bounded_and_worst_first() -> None:
    entries = make_entries(2, sampled=False)
    assert len(timeline_entries(entries, most=3)) == 3
    assert timeline_entries(entries, most=3)[0].state.level == "bad"
