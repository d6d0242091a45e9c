"""A comparison holds the result against its ceiling as its own verdict does."""

import pytest

from bench.compare.comparison import compare
from bench.compare.ranking import rank
from bench.compare.verdict import verdict_of
from bench.record.schema import Run
from tests.support.records import XEON, record, replace
from tests.support.sides import A, noisy, with_warnings

BELOW = record([900 + 0.1 * step for step in range(10)], id="a")
OVER = record([908 + 0.1 * step for step in range(10)], id="b")


def test_the_same_time_and_over_the_ceiling():
    said = compare(BELOW, OVER)
    assert (said.status, said.exit_code) == ("over_ceiling", 1)
    assert said.reasons[-1] == (
        "the result is over its ceiling: 10 of 10 runs took longer than the ceiling of 905.00 s, the slowest by 3.90 s"
    )
    assert 1.008 < said.ratio < 1.01
    assert verdict_of(OVER, [BELOW]).status == "over_ceiling"
    assert rank([BELOW, OVER]).exit_code == 1


def test_it_is_the_result_s_own_ceiling_that_counts():
    assert compare(OVER, BELOW).status == "same"
    raised = replace(OVER, diagnostic=replace(OVER.diagnostic, ceiling_s=920.0))
    assert compare(BELOW, raised).status == "same"
    assert compare(BELOW, OVER, ceiling=False).status == "same"


@pytest.mark.parametrize(
    ("level", "changes", "status"),
    [
        (1100, {}, "code_regressed"),
        (1100, {"host_class": XEON}, "host_differs"),
        (1100, {"cpus": 1.0}, "limit_bound"),
        (910, {"variant": "thp"}, "setup_differs"),
    ],
)
def test_what_is_unlike_or_regressed_stays_so(level, changes, status):
    assert compare(BELOW, record(noisy(level), id="c", **changes)).status == status


def test_noise_and_too_few_runs_do_not_hide_it():
    assert compare(BELOW, record([906.0], id="c")).status == "over_ceiling"
    assert compare(BELOW, with_warnings(record(noisy(1100), id="c"))).status == "over_ceiling"
    assert compare(record([1000.0] * 9, id="d"), OVER).status == "over_ceiling"


def test_a_timeout_beyond_the_ceiling_is_over_it_for_both():
    stopped = record(runs=tuple(Run(at, "timed_out", wall_s=1200.0) for at in range(3)), id="t", outcome="timed_out")
    mixed = replace(A, id="m", runs=(*A.runs, Run(10, "timed_out", wall_s=1200.0)))
    for made in (stopped, mixed):
        assert compare(A, made).status == verdict_of(made, [A]).status == "over_ceiling"


def test_the_baseline_of_a_verdict_says_what_the_times_say():
    assert verdict_of(OVER, [BELOW]).baseline.status == "same"
