import pytest

from bench.catalog.load import builtin
from bench.catalog.model import Variant
from bench.compare.advice import advice, how_to_set
from bench.compare.comparison import Comparison, Side
from bench.errors import UsageError
from bench.run.whatif import DEFAULT, select

KNOWN = builtin().variants


def names(variants):
    return [variant.name for variant in variants]


@pytest.mark.parametrize(
    ("cpus", "counts"),
    [(2, [1, 2]), (4, [1, 2, 4]), (6, [1, 2, 4, 6]), (32, [1, 2, 4, 8, 16, 32]), (None, [1, 2, 4, 8])],
)
def test_threads_is_one_two_four_up_to_the_cpus_there_are(cpus, counts):
    chosen = select(KNOWN, ["threads"], cpus)
    assert [variant.threads for variant in chosen] == counts
    assert names(chosen) == [f"threads-{count}" for count in counts]


def test_the_usual_ones_are_allocators_and_huge_pages():
    assert names(select(KNOWN, [], 2)) == list(DEFAULT)
    assert names(select(KNOWN, ["docker", "native", "unconfined", "pinned"], 2)) == [
        "docker",
        "native",
        "unconfined",
        "pinned",
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["glibc", "tcmaloc"], "tcmalloc"),
        (["glibc", "threads-0"], "threads-0"),
        (["glibc", "glibc"], "twice"),
        (["threads", "threads-2"], "twice"),
        (["glibc"], "alone"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(asked, said):
    with pytest.raises(UsageError, match=said):
        select(KNOWN, asked, 4)


def test_one_cpu_has_nothing_to_compare_threads_with():
    with pytest.raises(UsageError, match="alone"):
        select(KNOWN, ["threads"], 1)


def compared(status, ratio=None, reference=None, lost=None, runs=5):
    a = Side("a", "s", "h", 5, 1.0, None, not_passed=reference or {})
    b = Side("b", "s", "h", runs, 1.0, None, not_passed=lost or {})
    return Comparison("grad_cpu", a, b, status, (), (), ratio=ratio)


def test_the_advice_is_the_fastest_of_those_that_are_surely_faster():
    comparisons = {
        "glibc-keep": compared("code_improved", 0.6),
        "jemalloc": compared("code_improved", 0.5),
        "tcmalloc": compared("insufficient_runs", 0.4),
    }
    assert advice(comparisons, KNOWN) == (
        "set MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1 and LD_PRELOAD to jemalloc's library: 50 % less wall time"
    )


@pytest.mark.parametrize(
    ("comparisons", "said"),
    [
        ({}, "no variant was measured"),
        ({"thp": compared("not_measured")}, "no variant was measured"),
        (
            {"thp": compared("insufficient_runs", 0.5), "glibc": compared("same", 1.0)},
            "No verdict for thp with 5 rounds",
        ),
        ({"thp": compared("same", 1.0), "tcmalloc": compared("code_regressed", 1.2)}, "no variant is faster"),
    ],
)
def test_nothing_is_advised_that_was_not_shown(comparisons, said):
    assert said in advice(comparisons, KNOWN)


def test_a_variant_whose_test_failed_is_named_and_never_advised():
    comparisons = {
        "thp": compared("code_improved", 0.5, lost={"failed": 3}, runs=9),
        "jemalloc": compared("insufficient_runs", 0.5, lost={"timed_out": 1, "failed": 1, "interrupted": 1}, runs=4),
        "tcmalloc": compared("code_improved", 0.8),
    }
    assert advice(comparisons, KNOWN) == (
        "set LD_PRELOAD to tcmalloc's library: 20 % less wall time; thp: its test failed in 3 of 12 runs; "
        "jemalloc: its test failed in 2 of 6 runs (1 failed, 1 timed out)"
    )
    del comparisons["tcmalloc"]
    assert advice(comparisons, KNOWN).startswith("no variant can be advised; thp: ")
    interrupted = {"thp": compared("code_improved", 0.5, lost={"interrupted": 1})}
    assert advice(interrupted, KNOWN) == "set THP_MEM_ALLOC_ENABLE=1: 50 % less wall time"


def test_beside_a_reference_that_fails_or_is_lost_nothing_is_advised():
    fails = {"thp": compared("insufficient_runs", 0.5, reference={"failed": 1})}
    assert advice(fails, KNOWN) == "nothing can be said: the reference fails: its test failed in 1 of 6 runs"
    faster = {"thp": compared("code_improved", 0.5)}
    assert advice(faster, KNOWN, "no disk") == "nothing can be said: the reference was lost: no disk"
    assert advice({}, KNOWN, "no disk") == "nothing can be said: the reference was lost: no disk"


def test_every_kind_of_variant_says_how_to_set_it():
    for variant in KNOWN:
        if variant.name != "glibc":
            assert how_to_set(variant) != variant.name
    assert how_to_set(Variant("x", "", threads=4, cpuset="0-3")) == "4 threads and CPUs 0-3"
