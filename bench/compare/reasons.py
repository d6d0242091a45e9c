"""Plain sentences for what a comparison found (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from bench import units
from bench.compare.experiment import PairedChange, Trial
from bench.compare.likeness.differences import ORDER, Difference
from bench.compare.measures import LABELS, WALL_TIME, label
from bench.compare.sample import Sample
from bench.compare.stats import decision as rule
from bench.compare.stats.values import Interval
from bench.record.schema import Compared, HostClass, Metric, Run, Status

TOOL = "tool"
"""Key of ``diagnostic.params`` that names the tool which measured an imported result."""
_SHOWN = 4
"""So many metrics are shown."""
ONE_PROCESS = (
    "samples of one process are not runs: what differs from one process to the next is not in them; "
    "import results of several processes"
)
NO_HOST = "the files do not describe the machine, so it cannot be shown to be the same"


def worse_reasons(figures: Sequence[Compared], decides: str) -> list[str]:
    """Return a sentence for each of the tests' own figures that got clearly worse, and for the time in their calls.

    Args:
        figures: what was compared beside the one that decides.
        decides: the figure that decides.
    """
    own = [one for one in figures if one.word == "worse" and (one.name == "call" or one.name not in LABELS)]
    return [
        f"{label(one.name)} got worse: {figure_change(one)} ({label(decides)} decides; --metric {one.name} asks for it)"
        for one in own
        if one.name != decides
    ]


def figure_change(one: Compared) -> str:
    """Return a figure's medians and its change: ``100 GB/s to 50 GB/s, -50.0 %``."""
    change = "" if one.ratio is None else f", {units.change(one.ratio - 1)}"
    return f"{units.figure(one.reference, one.unit)} to {units.figure(one.value, one.unit)}{change}"


_VERSIONS = {"image.python": "Python", "image.torch": "torch"}
"""Differences that need no more words than the two versions."""


def difference_reason(difference: Difference) -> str:
    """Return one difference as a sentence."""
    if difference.name in _VERSIONS:
        first, second = (_value(value).partition(" ")[0] for value in (difference.a, difference.b))
        if first != second:
            shown = f"{_VERSIONS[difference.name]}: {first} -> {second}"
            return f"{shown} (accepted)" if difference.accepted else shown
    shown = f"{difference.name}: {_value(difference.a)} against {_value(difference.b)}, {difference.meaning}"
    return f"{shown} (accepted)" if difference.accepted else shown


@dataclass(frozen=True, slots=True)
class Asked:
    """What a comparison was asked: the runs of reference and result that have the figure, the change that must be
    visible before "same" is reported (a ratio minus 1), and what the figure is called.
    """

    runs: tuple[int, int]
    effect: float = rule.EFFECT
    figure: str = WALL_TIME


def decision_reasons(
    decision: rule.Decision, outcome: rule.Outcome, needed: int | None, status: Status, asked: Asked
) -> list[str]:
    """Return what the runs show, in sentences: the figures first, then what follows from them.

    Args:
        decision: what the arithmetic found.
        outcome: its outcome, or that of one run held against a history.
        needed: runs on each side that would do, if more are needed and a practical number is enough.
        status: the status of the comparison.
        asked: what was asked.
    """
    runs = asked.runs
    change = math.expm1(decision.estimate)
    count = f"{runs[0]} against {runs[1]} {'run' if runs == (1, 1) else 'runs'}"
    if decision.interval is None:
        first = f"{asked.figure} {units.change(change)} ({count}; too few for an interval)"
    else:
        ends = math.expm1(decision.interval.low), math.expm1(decision.interval.high)
        within = units.with_interval(change, *ends, f"{count}; {rule.CONFIDENCE:.0%} interval {{}} to {{}}")
        first = f"{asked.figure} {within}"
    reasons = [first]
    if decision.smallest_detectable is not None:
        reasons.append(_smallest(math.expm1(decision.smallest_detectable)))
    if status in ORDER:
        reasons.append("not comparable: the conditions above differ, so this says nothing about the code")
        return reasons
    return reasons + _consequence(decision, outcome, needed, status, asked)


def prediction_reason(within: Interval, belongs: bool, samples: tuple[Sequence[float], Sequence[float]]) -> str:
    """Return a sentence on whether the single run belongs to the other side's runs.

    Args:
        within: what those runs predict, in seconds.
        belongs: whether the run counts as one of them.
        samples: wall times of the reference and of the result in seconds; one of them is the single run's.
    """
    value = samples[1][0] if len(samples[1]) == 1 else samples[0][0]
    wide = units.too_wide(within.low, within.high)
    if belongs and wide:
        return f"the history scatters too much to predict one more run, so {units.seconds(value)} shows nothing"
    expected = units.between(within.low, within.high)
    if wide:
        high = value > within.high
        expected = f"at {'most' if high else 'least'} {units.seconds(within.high if high else within.low)}"
    if belongs:
        return f"{units.seconds(value)} belongs to the history, which predicts {expected}"
    return (
        f"{units.seconds(value)} does not belong to the history, which predicts {expected}: "
        "a change, or one disturbed run, and a single run cannot tell which"
    )


def outcome_word(figure: PairedChange) -> str:
    """Return what a figure's pairs show, in a word: ``slower`` of a time, ``worse`` of what has a direction."""
    if figure.outcome not in ("slower", "faster"):
        return figure.outcome
    words = ("larger", "smaller") if figure.better == "none" else ("worse", "better")
    if figure.unit == "s" and figure.better == "lower":
        words = ("slower", "faster")
    return words[figure.outcome == "faster"]


def bounds(figure: PairedChange) -> str:
    """Return between what a figure's change lies, as far as its pairs bound it, as a table has it."""
    return units.interval(figure.low, figure.high) or NO_INTERVAL


NO_INTERVAL = "no interval yet"
_FIRST = 9
"""Pairs of equal sign after which an end of the interval is bounded at the earliest, or about so many."""


def bounds_of(least: float | None, most: float | None) -> str:
    """Return between what a change lies, as the end of a sentence; ``None`` for an end that nothing bounds."""
    return units.interval(least, most, _SPOKEN) or NO_INTERVAL


_SPOKEN = "between {} and {}"


def change_with_bounds(change: float | None, least: float | None, most: float | None) -> str:
    """Return a change, and between what it lies, all in one form: ``+9.8 % (between +5.1 % and +14.2 %)``.

    Args:
        change: a ratio minus 1; ``None`` if it is not known.
        least: its lower end, likewise; ``None`` if nothing bounds it.
        most: its upper end, likewise.
    """
    if change is None:
        return f"{units.NOT_KNOWN} ({bounds_of(least, most)})"
    return units.with_interval(change, least, most, _SPOKEN, NO_INTERVAL)


def bounds_clause(figure: PairedChange, *, told: bool = False) -> str:
    """Return the same as the rest of a sentence that begins with the figure's name.

    Args:
        figure: the figure.
        told: whether the sentence goes on with how many more pairs it takes.
    """
    if figure.low is None and figure.high is None:
        return f"has {NO_INTERVAL}" + (
            f", the first takes about {_FIRST} pairs" if figure.pairs < _FIRST and not told else ""
        )
    return f"is {bounds_of(figure.low, figure.high)}"


def trial_reason(trial: Trial) -> str:
    """Return what an experiment shows as one sentence, by the figure that decides."""
    figure = trial.decides
    if not trial.compared:
        return "nothing can be decided: no pair has two runs that count"
    if figure.why is not None:
        return f"nothing can be decided by {figure.name}: {figure.why}"
    after = f"after {units.counted(figure.pairs, 'pair')}"
    if figure.outcome == "undecided":
        return f"undecided {after}: {figure.name} {bounds_clause(figure)}"
    shown = f"{figure.name} {change_with_bounds(figure.change, figure.low, figure.high)}"
    first = "" if figure.decided_after == figure.pairs else f"{figure.decided_after} of "
    sure = f"decided after {first}{units.counted(figure.pairs, 'pair')}"
    if figure.outcome == "same":
        return f"the same within {units.percent(trial.effect)}: {shown}, {sure}"
    return f"{outcome_word(figure)}: {shown}, {sure}"


def _smallest(change: float) -> str:
    if change > 1:
        return f"these runs can only show changes above about {units.times(1 + change)}"
    return f"these runs can only show changes above {units.percent(change)}"


def _much(change: float) -> str:
    """A change as an amount: in percent, or beyond 100 % as a factor."""
    return units.percent(change) if change <= 1 else f"a factor of {units.times(1 + change).removesuffix('x')}"


def _consequence(
    decision: rule.Decision, outcome: rule.Outcome, needed: int | None, status: Status, asked: Asked
) -> list[str]:
    runs, effect = asked.runs, asked.effect
    least = _much(math.expm1(decision.least))
    if outcome in ("slower", "faster") and status == "host_noisy":
        return ["only the slower side ran on a disturbed host: repeat it on a quiet one"]
    if outcome in ("slower", "faster"):
        return [f"the interval leaves out no change, and the change is at least the least effect of {least}"]
    if decision.drift is not None and decision.drift.explains and not decision.drift.seen:
        more = "" if needed is None else f", or make {needed} on each side"
        advice = f"interleave the runs, or let the host rest between the sessions{more}"
        return [f"measured back to back, a drift of the host cannot be excluded: {advice}"]
    if outcome == "noisy" and decision.drift is not None and decision.drift.explains:
        step = units.change(math.expm1(decision.drift.slope), 2)
        return [
            f"the runs drift by {step} a run, and that alone could make the difference: repeat, interleaved or rested"
        ]
    if outcome == "noisy" and decision.least > math.log1p(effect):
        return [
            f"two results of the same code differ by up to {least} on this host: it cannot show {units.percent(effect)}"
        ]
    if outcome == "noisy":
        return [f"more runs will not help on this host: it is too noisy to show {units.percent(effect)}"]
    if outcome == "none":
        return []
    if needed is None and min(runs) == 1:
        return [f"one run shows no change of {units.percent(effect)} beside runs that scatter so much"]
    if needed is None:
        return ["too few runs to say"]
    return [f"too few runs to say: a change of {units.percent(effect)} needs {_more(decision, needed, runs)}"]


def _more(decision: rule.Decision, needed: int, runs: tuple[int, int]) -> str:
    """How many on each side, and how many of which are still to be made."""
    if decision.deviation is None:
        return f"at least {needed} on each side"
    missing = [max(0, needed - count) for count in runs]
    if missing[0] == missing[1]:
        return f"{needed} on each side, {missing[0]} more of each"
    named = zip(missing, ("reference", "result"), strict=True)
    return f"{needed} on each side, {' and '.join(f'{count} more of the {name}' for count, name in named if count)}"


def _value(text: str | None) -> str:
    return "none" if text is None else text


def imported_reasons(a: Sample, b: Sample) -> list[str]:
    """Return sentences on results of other tools: their own figures, and what one process cannot show.

    Args:
        a: the reference.
        b: the result.

    Returns:
        None if one of the two was measured by this tool.
    """
    if any(TOOL not in side.newest.diagnostic.params for side in (a, b)):
        return []
    reasons = list(_figures(a, b))
    if any(len(side.runs) == 1 and _samples(side.runs[0]) > 1 for side in (a, b)):
        reasons.append(ONE_PROCESS)
    if all(side.newest.host.class_ == HostClass() for side in (a, b)):
        reasons.append(NO_HOST)
    return reasons


def _figures(a: Sample, b: Sample) -> Iterator[str]:
    one, two = _metrics(a), _metrics(b)
    shared = [name for name in one if name in two and one[name][0].unit == two[name][0].unit]
    for name in shared[:_SHOWN]:
        first, second = (_middle(side[name]) for side in (one, two))
        if first is not None and second is not None:
            unit = one[name][0].unit
            counts = [sum(_count(metric) for metric in side[name]) for side in (one, two)]
            of = f" ({counts[0]} against {counts[1]} samples)" if min(counts) else ""
            yield f"{name}: median {_shown(first, unit)} against {_shown(second, unit)}{of}"


def _metrics(side: Sample) -> dict[str, list[Metric]]:
    found: dict[str, list[Metric]] = {}
    for run in (run for record in side.records for run in record.runs if run.outcome == "passed"):
        for name, metric in run.metrics.items():
            found.setdefault(name, []).append(metric)
    return found


def _middle(metrics: list[Metric]) -> float | None:
    values = [metric.value for metric in metrics if metric.value is not None]
    return median(values) if values else None


def _count(metric: Metric) -> int:
    return 0 if metric.values is msgspec.UNSET else len(metric.values)


def _samples(run: Run) -> int:
    return max((_count(metric) for metric in run.metrics.values()), default=0)


def _shown(value: float, unit: str) -> str:
    known = {"s": units.seconds, "bytes": units.size}.get(unit)
    return known(value) if known is not None else f"{value:.6g} {unit}".rstrip()
