"""The runs of an experiment: pair after pair in the order that the seed gives, decided after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from bench.compare.comparison import Comparison, compare
from bench.compare.experiment import PairedChange, Trial, head_goes_first, place, trial_of
from bench.compare.likeness.differences import ORDER
from bench.compare.sample import FAILURES
from bench.compare.stats.pairs import ALPHA
from bench.record.schema import Experiment
from bench.run.measurement import Measurement
from bench.run.schedule import Repeated, Turn

_LOOK_ROUND = 10
"""After every so many pairs those who follow are told of the other figures too."""
Ended = Literal["decided", "max_pairs", "budget", "failed", "lost", "unlike", "no_figure", "interrupted"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When an experiment ends. ``budget_s`` is of this command alone; ``max_pairs`` counts those before it too.

    ``otherwise`` decides if the first pair does not have the figure that was to; ``None`` if that was asked for.
    ``alpha`` is the chance of a wrong decision, and ``settled`` returns whether what is decided needs no more pairs.
    ``counts`` returns by what the pairs show whether the work is counted at the end; ``None``: whatever they show.
    """

    max_pairs: int = 60
    min_pairs: int = 1
    budget_s: float | None = None
    otherwise: str | None = None
    alpha: float = ALPHA
    settled: Callable[[PairedChange], bool] = lambda figure: figure.decided_after is not None
    counts: Callable[[PairedChange], bool] | None = None


class Pairs(Repeated):
    """Both sides in pairs, until the answer is certain, or something ends them.

    Args:
        base: what is compared with, and
        head: what is judged: measurements that have begun, with their experiment.
        rules: when to end.
        first: the number of the first pair.
        follow: told where it stands after each pair.
    """

    def __init__(
        self,
        base: Measurement,
        head: Measurement,
        rules: Rules,
        first: int = 0,
        follow: Callable[[Trial], object] = lambda _: None,
    ) -> None:
        super().__init__((base, head))
        self.base, self.head = base, head
        self.ended_by: Ended = "interrupted"
        self.first, self._rules, self._follow = first, rules, follow
        self._began = now()

    def turns(self) -> Iterator[Turn]:
        """Return both runs of each pair, until there is nothing more to ask."""
        pair = self.first
        while (ended := self.over(pair)) is None:
            for side in self.in_order(pair):
                yield Turn(side, side.plan)
                if side.over:
                    self.ended_by = "lost"
                    return
            pair += 1
        self.ended_by = ended

    def in_order(self, pair: int) -> tuple[Measurement, Measurement]:
        """Return the sides as the coin of a pair has them."""
        head_first = head_goes_first(told(self.head).seed, pair)
        return (self.head, self.base) if head_first else (self.base, self.head)

    def over(self, pair: int) -> Ended | None:
        """Return why the pair is not begun; what the pairs before it show is reported first."""
        if pair == self.first == 0:
            return None
        if any(one.reading.run.outcome in FAILURES for side in self.results for one in side.runs):
            return "failed"
        if pair == max(self.first, self._warmup) + 1 and compared(self.base, self.head).status in ORDER:
            return "unlike"
        if pair <= self._warmup:
            return "budget" if self._is_spent(pair - self.first) else None
        trial = self._trial(pair)
        if trial.decides.why is not None and trial.compared:
            return "no_figure"
        settled = trial.compared > 0 and self._rules.settled(trial.decides)
        if pair > self.first:
            self._follow(trial if settled or pair % _LOOK_ROUND else self._with_others())
        if settled and trial.made >= self._rules.min_pairs:
            return "decided"
        if pair >= self._rules.max_pairs + self._warmup:
            return "max_pairs"
        return "budget" if self._is_spent(pair - self.first) else None

    def are_counted(self) -> bool:
        """Return whether the work of both sides is to be counted after what their pairs show."""
        return self._rules.counts is None or self._rules.counts(self._shown().decides)

    @property
    def _warmup(self) -> int:
        """How many pairs come before those that are judged."""
        return self.base.plan.warmup

    def _shown(self) -> Trial:
        return trial_of(self.base.record(), self.head.record(), informs=False, alpha=self._rules.alpha)

    def _trial(self, pair: int) -> Trial:
        trial = self._shown()
        if pair != self._warmup + 1 or trial.decides.why is None or not trial.compared or self._rules.otherwise is None:
            return trial
        for side in (self.base, self.head):
            side.experiment = msgspec.structs.replace(told(side), metric=self._rules.otherwise)
        return self._shown()

    def _with_others(self) -> Trial:
        """Where the other figures stand too."""
        return trial_of(self.base.record(), self.head.record(), alpha=self._rules.alpha)

    def _is_spent(self, made: int) -> bool:
        """Whether one more pair, as long as those so far, would take more time than there is."""
        if self._rules.budget_s is None or not made:
            return False
        spent = now() - self._began
        return spent + spent / made > self._rules.budget_s


def now() -> float:
    """Return seconds of a clock that nobody sets, for the budget."""
    return time.monotonic()


def told(side: Measurement) -> Experiment:
    """Return the experiment that a measurement is a side of."""
    assert isinstance(side.experiment, Experiment)  # noqa: S101, this room makes no other
    return side.experiment


def compared(base: Measurement, head: Measurement) -> Comparison:
    """Return the comparison of both sides as their records stand, as ``bench compare`` would make it of them."""
    return compare(base.record(), head.record())


def planned(experiment: Experiment, first: int, last: int) -> Experiment:
    """Return the experiment with the pairs from ``first`` up to ``last`` after those that it has.

    Args:
        experiment: of one side.
        first: the number of the next pair.
        last: the number after the last one.
    """
    return of_pairs(experiment, (*experiment.pair, *range(first, last)))


def of_pairs(experiment: Experiment, numbers: Sequence[int]) -> Experiment:
    """Return the experiment with these pairs, and the places in them that its seed gives."""
    order = tuple(place(experiment.side, experiment.seed, pair) for pair in numbers)
    return msgspec.structs.replace(experiment, pair=tuple(numbers), order=order)
