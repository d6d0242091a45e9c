"""What was compared beside the figure that decides, in words: own numbers, CPU time, memory, faults (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from bench import units
from bench.compare.measures import CALL, CPU, LABELS, WALL, WORDS, label, measures
from bench.record.schema import Compared
from bench.report.entry import Entry
from bench.report.presentation import decided_by, less_one, medians_text

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison
    from bench.compare.experiment import PairedChange, Trial

HEADS = ("figure", "better", ">reference", ">result", ">ratio", "99 % interval", "word")
"""The columns of :func:`figure_cells`."""


def figure_cells(one: Compared) -> tuple[str, ...]:
    """Return a figure as the cells of a table, in the order of :data:`HEADS`."""
    return (
        label(one.name),
        "" if one.better == "none" else one.better,
        units.figure(one.reference, one.unit),
        units.figure(one.value, one.unit),
        units.NOT_KNOWN if one.ratio is None else f"{one.ratio:.3f}",
        interval_text(one),
        WORDS[one.word],
    )


def interval_text(one: Compared) -> str:
    """Return the 99 % interval of a figure's ratio, or that there were too few runs for one."""
    if one.ratio_low is None or one.ratio_high is None:
        return units.NOT_KNOWN if one.ratio is None else "too few runs"
    return f"{one.ratio_low:.3f} to {one.ratio_high:.3f}"


def figures_line(comparison: Comparison) -> str:
    """Return what became of the figures that inform in one line, those that changed first; empty without any.

    The tests' own, the time in their calls and the CPU time are always named, the others if they changed; beside an
    experiment also the wall time.
    """
    from bench.compare.reasons import figure_change  # it brings the statistics, which a single result does without

    if comparison.experiment is not None:
        return _trial_line(comparison.experiment)
    return "; ".join(
        f"{label(one.name)} {figure_change(one)}{_interval(one)}: {WORDS[one.word]}" for one in told(comparison.figures)
    )


def told(figures: Sequence[Compared]) -> list[Compared]:
    """Return the figures that are named wherever there is little room, those that changed first."""
    always = [one for one in figures if _own(one) or one.name in (CALL, CPU)]
    others = [one for one in figures if one not in always and one.word not in ("same", "cannot_be_said")]
    return sorted((*always, *others), key=lambda one: _ORDER.index(one.word))


_ORDER = ("worse", "better", "more", "less", "same", "cannot_be_said")


def _trial_line(trial: Trial) -> str:
    from bench.compare.reasons import outcome_word

    kept = [
        one
        for one in trial.informs
        if one.name not in LABELS or one.name in (CALL, CPU, WALL) or one.outcome in ("slower", "faster")
    ]
    kept.sort(key=lambda one: _OUTCOMES.index(one.outcome))
    return "; ".join(f"{label(one.name)} {paired_text(one)}: {one.why or outcome_word(one)}" for one in kept)


_OUTCOMES = ("slower", "faster", "same", "undecided")


def paired_text(one: PairedChange) -> str:
    """Return both medians of a figure and its change: ``1.20 s → 1.40 s, +16.2 % (+10.1 % to +21.8 %)``."""
    change = "" if one.change is None else f", {units.with_interval(one.change, one.low, one.high)}"
    return f"{medians_text(one)}{change}"


def _interval(one: Compared) -> str:
    within = units.interval(less_one(one.ratio_low), less_one(one.ratio_high))
    return f" ({within})" if within else ""


def own_first(figures: Sequence[Compared]) -> list[Compared]:
    """Return figures for a table: the tests' own, then ours, each as they were recorded."""
    return sorted(figures, key=lambda one: not _own(one))


def contradiction(comparison: Comparison) -> str | None:
    """Return why the medians and the ratio point to different sides; ``None`` if they do not."""
    first, second, ratio = comparison.a.median_s, comparison.b.median_s, comparison.ratio
    if comparison.metric != WALL or not first or not second or ratio is None:
        return None
    if (second - first) * (ratio - 1) >= 0 or min(abs(second / first - 1), abs(ratio - 1)) < _SIDES:
        return None
    side = "above" if second > first else "below"
    return (
        f"the median {units.seconds(second)} is {side} the reference's {units.seconds(first)} and the ratio is "
        f"{ratio:.3f}: a median is one run, the ratio is of all runs, and they scatter by more than they differ"
    )


_SIDES = 0.005
"""Medians and a ratio that are that near to no change contradict nothing."""


def own_numbers(entry: Entry) -> list[tuple[str, str]]:
    """Return the tests' own numbers of a result: name, and the median over its passed runs with its unit.

    Of an experiment both medians and the change, but for the number that decides, which stands by itself.
    """
    trial = decided_by(entry)
    if trial is not None:
        return [(label(one.name), paired_text(one)) for one in trial.informs if one.name not in LABELS]
    known = measures(msgspec.structs.replace(entry.record, runs=entry.passed))
    found = []
    for name, one in known.items():
        values = [value for value in one.values if value is not None]
        if name not in LABELS and values:
            found.append((label(name), units.figure(median(values), one.unit)))
    return found


def _own(one: Compared) -> bool:
    return one.name not in LABELS
