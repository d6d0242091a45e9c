"""Two results, or a result and its history, compared: differences, numbers, status (pure)."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from bench.compare.beside.figures import compare_figures, deciding, noise_of
from bench.compare.experiment import CONFIDENCE, STATUS, Trial, are_sides, sides_of, trial_of, under_test
from bench.compare.likeness.differences import ORDER, Difference, differences, forced_status
from bench.compare.likeness.what_ran import tells
from bench.compare.measures import WALL, label
from bench.compare.reasons import (
    Asked,
    decision_reasons,
    difference_reason,
    imported_reasons,
    prediction_reason,
    trial_reason,
    worse_reasons,
)
from bench.compare.reference import aa_noise, reference_sessions, require_comparable
from bench.compare.sample import Result, Sample, common_places, sample_of, took_turns
from bench.compare.stats import decision as rule
from bench.compare.stats import prediction
from bench.compare.stats.values import Interval
from bench.compare.status_rules import (
    LOST,
    by_ceiling,
    doubts,
    failure_reasons,
    over_reason,
    undisturbed,
    withheld,
)
from bench.compare.work.difference import WorkDifference, compare_work
from bench.compare.work.wording import with_sentence
from bench.errors import ExitCode
from bench.record.schema import Better, Compared, Record, Status

_STATUS: dict[rule.Outcome, Status] = {
    "slower": "code_regressed",
    "faster": "code_improved",
    "none": "same",
    "insufficient": "insufficient_runs",
    "noisy": "host_noisy",
}
_EXIT: dict[Status, ExitCode] = {
    "over_ceiling": ExitCode.REGRESSED,
    "code_regressed": ExitCode.REGRESSED,
    **dict.fromkeys(ORDER, ExitCode.NOT_COMPARABLE),
    "insufficient_runs": ExitCode.NOT_MEASURED,
    "host_noisy": ExitCode.NOT_MEASURED,
    "not_measured": ExitCode.NOT_MEASURED,
}


class Side(msgspec.Struct, frozen=True):
    """One side of a comparison. ``runs`` counts those that passed; ``median_s`` is their median wall time.

    ``not_passed`` counts the others by outcome.
    """

    id: str
    stamp: str
    host: str
    runs: int
    median_s: float | None
    median_cpu_s: float | None
    variant: str | None = None
    not_passed: dict[str, int] = {}


class Expected(msgspec.Struct, frozen=True):
    """Where one more run of a history was expected, in seconds, and whether the run belongs."""

    low_s: float
    high_s: float
    belongs: bool
    runs: int
    set_aside_s: tuple[float, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """Two results side by side: first what differs, then the numbers, then the status.

    Ratios are ``b / a`` of the figure that decides: the wall time, above 1 is slower, or the ``metric`` that a reader
    named, whose direction is ``better``. ``least_effect`` and ``smallest_detectable`` are ratios minus 1. ``None`` is a
    number that these runs cannot give; ``reasons`` has why, in plain sentences. ``figures`` are all others, which
    inform. Of the two sides of an ``experiment`` the ratios are of the figure that decides it, and the status is what
    its pairs show.
    """

    diagnostic: str
    a: Side
    b: Side
    status: Status
    differences: tuple[Difference, ...]
    reasons: tuple[str, ...]
    confidence: float = rule.CONFIDENCE
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    deviation: float | None = None
    least_effect: float = rule.LEAST_EFFECT
    aa_noise: float | None = None
    smallest_detectable: float | None = None
    runs_needed: int | None = None
    expected: Expected | None = None
    experiment: Trial | None = None
    metric: str = WALL
    better: Better = "lower"
    figures: tuple[Compared, ...] = ()
    work: WorkDifference | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of ``bench compare``: 1 regressed, 6 not to be decided, 7 not comparable, else 0."""
        return _EXIT.get(self.status, ExitCode.OK)


def compare(
    a: Result,
    b: Result,
    *,
    accept: Collection[str] = (),
    history: Sequence[Record] = (),
    metric: str = WALL,
    ceiling: bool = True,
) -> Comparison:
    """Return the comparison of a result, or of several of a kind, with a reference.

    Args:
        a: the reference; of several records the runs are pooled.
        b: the result, likewise.
        accept: differences that are the thing under test (:func:`bench.compare.likeness.differences.differences`).
        history: more results; those that are like the reference, and are not the result, give with it the A/A noise.
        metric: the figure that decides (:func:`bench.compare.measures.measures`); the others inform.
        ceiling: whether a result that is like its reference is also held against its own ceiling: ``over_ceiling`` if
            it did not regress.

    Raises:
        NotComparable: other diagnostics, or a run under the profiler.
        DamagedData: a wall time that is none.
    """
    one, two = sample_of(a), sample_of(b)
    for member in (*one.records, *two.records):
        require_comparable(one.newest, member)
    if are_sides(one.newest, two.newest):
        return _of_experiment(sample_of(one.newest), sample_of(two.newest), accept)
    found = _differences(one.records, two.records, accept)
    sessions = reference_sessions(one, two, history)
    forced = forced_status(found)
    naming = (*(difference_reason(difference) for difference in found), *failure_reasons(one, two))
    name, sides = one.newest.diagnostic.name, (_side(one), _side(two))
    over = over_reason(two) if ceiling and forced is None else None
    chosen = _chosen(metric, one, two, sessions)
    noise, values = chosen.noise, chosen.values
    least = rule.least_effect(noise)
    work = compare_work(one, two)
    if not all(values):
        work = with_sentence(work, "not_measured")
        missing = "the result has no" if values[0] else "the reference has no"
        if not any(values):
            missing = "neither the reference nor the result has a"
        what = "a wall time" if metric == WALL else f"a value above 0 of {label(metric)} in each"
        sentences = (
            *naming,
            f"{missing} run that passed with {what}",
            *_said(work),
            *imported_reasons(one, two),
        )
        ending = by_ceiling("not_measured", sentences, over)
        return Comparison(name, *sides, ending[0], found, ending[1], least_effect=least, metric=metric, work=work)
    places = common_places(one, two)
    decision = rule.decide(*values, least, rule.EFFECT, places if chosen.placed else None)
    expected, outcome, needed = None, decision.outcome, decision.runs_needed
    if metric == WALL:
        expected, outcome, needed = _single(one, two, decision, least)
    if any(difference.name.startswith(_ELSEWHERE) for difference in found):
        expected = None  # a history predicts runs of its own test on its own host, and no other
    turns = took_turns(places)
    status = forced or undisturbed(chosen.status(outcome), one, two, turns=turns)
    lost = withheld(status, one, two)
    if lost:
        status, needed = "insufficient_runs", None
    asked = Asked((len(values[0]), len(values[1])), rule.EFFECT, label(metric))
    figures = compare_figures(one, two, sessions, places)
    reasons = [*naming, *decision_reasons(decision, outcome, needed, status, asked), *worse_reasons(figures, metric)]
    if expected is not None:
        reasons.append(prediction_reason(Interval(expected.low_s, expected.high_s), expected.belongs, values))
    work = with_sentence(work, status)
    reasons += [*[LOST] * lost, *_said(work)]
    reasons += doubts(status, one, two, turns=turns) + imported_reasons(one, two)
    status, sentences = by_ceiling(status, tuple(reasons), over)
    interval = decision.interval
    return Comparison(
        name,
        *sides,
        status,
        found,
        sentences,
        ratio=math.exp(decision.estimate),
        ratio_low=None if interval is None else math.exp(interval.low),
        ratio_high=None if interval is None else math.exp(interval.high),
        deviation=decision.deviation,
        least_effect=least,
        aa_noise=noise,
        smallest_detectable=None if decision.smallest_detectable is None else math.expm1(decision.smallest_detectable),
        runs_needed=needed,
        expected=expected,
        metric=metric,
        better=chosen.better,
        figures=figures,
        work=work,
    )


def _of_experiment(one: Sample, two: Sample, accept: Collection[str]) -> Comparison:
    """Both sides of an experiment: what its pairs show, unless something else than what it asks about differs."""
    a, b = one.newest, two.newest
    found = _differences(one.records, two.records, {*accept, *under_test(a, b)})
    trial = trial_of(a, b)
    # What is compared needs no word that it was accepted, unless somebody asked for that.
    named = [one if accept else msgspec.structs.replace(one, accepted=False) for one in found]
    decides, naming = trial.decides, [difference_reason(one) for one in named]
    status = forced_status(found) or STATUS[decides.outcome]
    lost = withheld(status, one, two)
    work = with_sentence(compare_work(one, two), status, sides_of(a, b))
    reasons = [trial_reason(trial), *trial.left_out, *failure_reasons(one, two), *[LOST] * lost, *naming, *_said(work)]
    return Comparison(
        a.diagnostic.name,
        _side(one),
        _side(two),
        "insufficient_runs" if lost else status,
        found,
        tuple(reasons),
        confidence=CONFIDENCE,
        ratio=None if decides.change is None else 1 + decides.change,
        ratio_low=None if decides.low is None else 1 + decides.low,
        ratio_high=None if decides.high is None else 1 + decides.high,
        least_effect=trial.effect,
        experiment=trial,
        metric=trial.metric,
        better=decides.better,
        work=work,
    )


def _said(work: WorkDifference | None) -> tuple[str, ...]:
    return () if work is None else (work.said,)


_ELSEWHERE = ("host", "node")
"""Differences with which one more run of a history says nothing, accepted or not."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The figure that decides: the values of both sides, its A/A noise, its direction, and whether each run has one."""

    values: tuple[tuple[float, ...], tuple[float, ...]]
    noise: float | None
    better: Better = "lower"
    placed: bool = True

    def status(self, outcome: rule.Outcome) -> Status:
        """What an outcome means: more of what is better is an improvement."""
        flipped: dict[rule.Outcome, rule.Outcome] = {"slower": "faster", "faster": "slower"}
        return _STATUS[flipped.get(outcome, outcome) if self.better == "higher" else outcome]


def _chosen(metric: str, a: Sample, b: Sample, sessions: Sequence[Record]) -> _Chosen:
    if metric == WALL:
        return _Chosen((a.walls, b.walls), aa_noise(sessions))
    first, second, measure = deciding(metric, a, b)
    placed = (len(first), len(second)) == (len(a.runs), len(b.runs))
    values = (first, second) if min((*first, *second), default=0) > 0 else ((), ())
    return _Chosen(values, noise_of(metric, sessions), measure.better, placed)


def _side(sample: Sample) -> Side:
    newest = sample.newest
    return Side(
        newest.id,
        newest.stamp,
        newest.host.id,
        len(sample.walls),
        float(np.median(sample.walls)) if sample.walls else None,
        float(np.median(sample.cpu_s)) if sample.cpu_s else None,
        newest.variant,
        sample.not_passed,
    )


def _differences(a: Sequence[Record], b: Sequence[Record], accept: Collection[str]) -> tuple[Difference, ...]:
    """The differences between the newest of each side, and those that hide within a side.

    A result that tells nothing of its tests is like any: those that do are held against one another beside it.
    """
    told = [[record for record in side if tells(record)] for side in (a, b)]
    pairs = [(a[-1], b[-1]), *([(told[0][-1], told[1][-1])] if all(told) else [])]
    pairs += [(member, group[-1]) for group in (a, b, *told) for member in group[:-1]]
    found: dict[str, Difference] = {}
    for first, second in {(id(one), id(two)): (one, two) for one, two in pairs}.values():
        for difference in differences(first, second, accept):
            found.setdefault(difference.name, difference)
    return tuple(sorted(found.values(), key=lambda one: one.forces is None or one.accepted))


def _single(
    a: Sample, b: Sample, decision: rule.Decision, least: float
) -> tuple[Expected | None, rule.Outcome, int | None]:
    """One run against a history: the prediction interval stands in for the interval that one run cannot have.

    A run inside is "none" if a run that is ``EFFECT`` off the history lies outside: neither the history's own scatter
    nor the least effect may be too large for that. One outside is a change or a disturbed run, and no single
    run can show which: it asks for the runs that can, as does one beside a history that anything belongs to.
    """
    first, second = a.walls, b.walls
    if min(len(first), len(second)) != 1:
        return None, decision.outcome, decision.runs_needed
    history, value = (first, second[0]) if len(second) == 1 else (second, first[0])
    predicted = prediction.predict(history)
    if predicted is None:
        return None, "insufficient", decision.runs_needed
    near = abs(math.log(value / predicted.centre)) < math.log1p(least)
    belongs, within = predicted.holds(value) or near, predicted.interval
    expected = Expected(within.low, within.high, belongs, predicted.runs, predicted.set_aside)
    if belongs and least <= rule.EFFECT and predicted.reach <= rule.EFFECT:
        return expected, "none", None
    return expected, "insufficient", decision.runs_needed
