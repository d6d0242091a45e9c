"""What all rounds of a whatif agree on."""

from __future__ import annotations

from bench.catalog.load import builtin
from bench.compare.advice import advice
from bench.compare.beside.rounds import agreed
from bench.compare.comparison import compare
from bench.record.schema import Cpu, Faults, Record
from tests.support.records import record, replace

KNOWN = builtin().variants


def rounds(walls: list[float], faults: list[int], system: float, **changes: object) -> Record:
    made = record(walls, **changes)
    runs = tuple(
        replace(run, cpu=Cpu(user_s=1.0, system_s=system, total_s=1.0 + system), faults=Faults(minor=count))
        for run, count in zip(made.runs, faults, strict=True)
    )
    return replace(made, runs=runs)


BUSY = [9.0, 14.0, 7.0, 12.0, 10.0]
GLIBC = rounds(BUSY, [1_570_000] * 5, 3.3, id="a")
KEEP = rounds([11.0, 8.0, 13.0, 7.0, 9.0], [300_000] * 5, 1.0, id="b")


def test_a_figure_that_is_less_in_every_round_is_agreed_on_whatever_the_wall_time_does():
    said = {one.figure: one for one in agreed(GLIBC, KEEP)}
    assert set(said) == {"CPU time", "time in the kernel", "minor faults"}
    assert said["minor faults"].text == "5.23x fewer minor faults"
    assert said["CPU time"].text == "2.15x less CPU time"
    assert {one.rounds for one in said.values()} == {5}


def test_a_round_that_says_otherwise_a_lost_one_and_too_few_are_no_agreement():
    worse = rounds([11.0] * 5, [300_000] * 4 + [1_600_000], 3.3)
    assert agreed(GLIBC, worse) == ()
    two = replace(KEEP, runs=KEEP.runs[:2])
    assert agreed(GLIBC, two) == ()
    lost = replace(KEEP, runs=(replace(KEEP.runs[0], outcome="failed"), *KEEP.runs[1:]))
    assert {one.rounds for one in agreed(GLIBC, lost)} == {4}


def test_the_one_that_all_rounds_agree_on_is_named_beside_a_verdict_that_there_is_not():
    comparison = compare(GLIBC, KEEP, accept=("variant",), ceiling=False)
    said = advice({"glibc-keep": comparison}, KNOWN, rounds={"glibc-keep": agreed(GLIBC, KEEP)})
    assert said.startswith("No verdict for glibc-keep with 5 rounds; ")
    assert "all 5 rounds agree on glibc-keep (MALLOC_MMAP_MAX_=0" in said
    assert "5.23x fewer minor faults" in said


def test_what_costs_more_of_anything_is_no_winner():
    costly = rounds([11.0, 8.0, 13.0, 7.0, 9.0], [300_000] * 5, 6.0, id="c")
    comparison = compare(GLIBC, costly, accept=("variant",), ceiling=False)
    said = advice({"thp": comparison}, KNOWN, rounds={"thp": agreed(GLIBC, costly)})
    assert "agree" not in said
