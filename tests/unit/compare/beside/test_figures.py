"""Every figure of two results, each by its own direction; the one that was named decides."""

from __future__ import annotations

import pytest

from bench.compare.beside.figures import compare_figures
from bench.compare.comparison import Comparison, compare
from bench.compare.sample import sample_of
from bench.errors import ExitCode, NotComparable, UsageError
from bench.record.schema import Compared, Cpu, Faults, Metric, Record
from bench.record.schema import TestResult as Node
from tests.support.records import record, replace
from tests.support.sides import noisy

WALLS = noisy(count=8, seed=1, deviation=0.003)


def with_metric(
    values: list[float | None], better: str = "higher", name: str = "rate", unit: str = "GB/s", **changes: object
) -> Record:
    """A result whose runs took all the same time and have such a number."""
    made = record(WALLS[: len(values)], **changes)
    runs = tuple(
        replace(run, metrics={name: Metric(value, unit, better)}) for run, value in zip(made.runs, values, strict=True)
    )
    return replace(made, runs=runs)


def figure(a: Record, b: Record, name: str) -> Compared:
    (found,) = (one for one in compare_figures(sample_of(a), sample_of(b)) if one.name == name)
    return found


def rate(first: list[float | None], second: list[float | None], better: str = "higher") -> Compared:
    return figure(with_metric(first, better), with_metric(second, better), "rate")


@pytest.mark.parametrize(
    ("better", "halved", "doubled"),
    [("higher", "worse", "better"), ("lower", "better", "worse"), ("none", "less", "more")],
)
def test_a_number_is_judged_by_its_own_direction(better, halved, doubled):
    high, low = noisy(100, 8, 2), noisy(50, 8, 3)
    down, up = rate(high, low, better), rate(low, high, better)
    assert (down.word, up.word) == (halved, doubled)
    assert down.ratio_low < down.ratio < down.ratio_high < 0.55
    assert (down.unit, round(down.reference), round(down.value)) == ("GB/s", 100, 50)


def test_a_number_that_never_scatters_needs_no_more_runs():
    assert rate([100.0] * 5, [50.0] * 5).word == "worse"
    assert rate([100.0] * 5, [100.0] * 5).word == "same"


def test_few_runs_scatter_and_what_one_side_lacks_say_nothing():
    assert rate([100.0] * 4, [50.0] * 4).word == "cannot_be_said"
    assert rate(noisy(100, 5, 4, 0.3), noisy(105, 5, 5, 0.3)).word == "cannot_be_said"
    missing = rate([None] * 5, [50.0] * 5)
    assert (missing.word, missing.reference, missing.value, missing.ratio) == ("cannot_be_said", None, 50.0, None)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ([0.0] * 5, [0.0] * 5, "same"),
        ([0.0] * 5, [3.0] * 5, "worse"),
        ([-3.0, -2.0, -4.0, -5.0, -2.5], [1.0, 2.0, 1.5, 3.0, 2.5], "worse"),
        ([0.0, 1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0, 1.0], "cannot_be_said"),
        ([0.0] * 3, [3.0] * 3, "cannot_be_said"),
    ],
)
def test_what_has_no_ratio_is_judged_by_its_order(first, second, word):
    found = rate(first, second, "lower")
    assert (found.word, found.ratio, found.ratio_low) == (word, None, None)


def test_our_own_figures_stand_beside_the_wall_time_which_is_none_of_them():
    def made(scale):
        runs = tuple(
            replace(
                run,
                cpu=Cpu(total_s=scale),
                faults=Faults(minor=round(1000 * scale)),
                tests=(Node("t", "passed", call_s=1.0),),
            )
            for run in record(WALLS).runs
        )
        return replace(record(WALLS), runs=runs)

    words = {one.name: one.word for one in compare_figures(sample_of(made(1.0)), sample_of(made(2.0)))}
    assert words == {"call": "same", "cpu": "worse", "minor_faults": "worse"}


def halved(**asked: str) -> Comparison:
    return compare(with_metric([100.0] * 8, id="a"), with_metric([50.0] * 8, id="b"), **asked)


def test_wall_time_decides_and_a_worse_number_is_told():
    found = halved()
    assert (found.status, found.metric, found.exit_code) == ("same", "wall", ExitCode.OK)
    assert (
        "rate got worse: 100 GB/s to 50 GB/s, -50.0 % (wall time decides; --metric rate asks for it)" in found.reasons
    )


def test_the_number_that_was_named_decides():
    found = halved(metric="rate")
    assert (found.status, found.exit_code, found.ratio) == ("code_regressed", ExitCode.REGRESSED, pytest.approx(0.5))
    assert (found.better, found.expected) == ("higher", None)
    assert not any("got worse" in reason for reason in found.reasons)
    better = compare(with_metric([50.0] * 8), with_metric([100.0] * 8), metric="rate")
    assert (better.status, better.exit_code) == ("code_improved", ExitCode.OK)
    assert compare(with_metric([50.0] * 3), with_metric([100.0] * 3), metric="rate").status == "insufficient_runs"
    assert compare(with_metric([0.0] * 8), with_metric([1.0] * 8), metric="rate").status == "not_measured"


@pytest.mark.parametrize(("name", "better", "said"), [("speed", "higher", "rate"), ("rate", "none", "more or less")])
def test_a_number_that_nobody_has_or_whose_direction_nobody_told_cannot_decide(name, better, said):
    with pytest.raises(UsageError, match=said):
        compare(with_metric([1.0] * 5, better), with_metric([1.0] * 5, better), metric=name)


def test_numbers_in_two_units_are_not_held_against_each_other() -> None:
    a, b = with_metric([0.1] * 8, "lower", id="a", unit="s"), with_metric([100.0] * 8, "lower", id="b", unit="ms")
    beside = figure(a, b, "rate")
    assert (beside.word, beside.reference, beside.value, beside.unit) == ("cannot_be_said", None, 100.0, "ms")
    assert compare(a, b).status == "same"
    with pytest.raises(NotComparable, match="one side has it in 's', the other in 'ms'"):
        compare(a, b, metric="rate")
