"""A search for the commit that made a test slower: each step an experiment against the good end, and a log of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bench import units
from bench.cli.output import complain, complain_of, notify
from bench.cli.paired.asked import Asked, more_pairs
from bench.cli.paired.experiments import experiment, report
from bench.cli.paired.prepare import Prepared, prepare
from bench.compare.bisection import (
    Step,
    answer_of,
    decisions_made,
    ends_are_settled,
    share,
    threshold_of,
)
from bench.compare.experiment import PairedChange, Trial, trial_of
from bench.compare.reasons import change_with_bounds, trial_reason
from bench.engine.protocol import Engine, Notify
from bench.errors import BenchError, ExitCode, UsageError
from bench.record.storage.temporary import temporary_folder
from bench.report.terminal.bisection import SHORT
from bench.run.ab import pairs
from bench.run.ab.experiment import Done
from bench.run.ab.pairs import Rules
from bench.run.ab.words import Words
from bench.run.bisect.commits import Commits
from bench.run.bisect.log import Search, log_text, write_log
from bench.run.bisect.outcome import tried_of, why_skipped, with_figures, work_text
from bench.run.bisect.search import Found, Tried, search


class EndsAlike(BenchError):
    """There is nothing to find, or nobody knows whether there is."""

    def __init__(self, what: str, code: ExitCode, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.exit_code = code


@dataclass(slots=True)
class Bisection:
    """One search. ``words`` are of both sides of each experiment, but for their revisions.

    ``budget_s`` is of the whole search; ``steps`` holds what is known from a log, and then what was tried too.
    """

    words: Words
    asked: Asked
    commits: Commits
    what: Search
    find: Callable[[Notify], Engine]
    log: Path
    steps: list[Step] = field(default_factory=list)
    budget_s: float | None = None
    _began: float = field(default_factory=lambda: pairs.now())  # noqa: PLW0108, looked up when it is asked

    def run(self) -> Found:
        """Try the ends, unless that was done before, and then commits until the first bad one is known.

        Raises:
            EndsAlike: the bad end is not slower than the good one, or that is undecided.
            BenchError: what keeps the ends from being tried, or the log from being written.
        """
        try:
            if any(step.answer == "bad" for step in self.steps) or self._ends():
                found = search(self.commits, self.what.good, self.steps, self.what.planned, self._try)
                self._keep(found.steps, found.first)
                return found
        except KeyboardInterrupt:
            pass
        bad = next((step.commit for step in reversed(self.steps) if step.answer == "bad"), self.what.bad)
        good = [step.commit for step in self.steps if step.answer == "good"]
        return Found(self.commits.left(bad, (self.what.good, *good)), tuple(self.steps), "interrupted")

    def _ends(self) -> bool:
        """Hold the bad end against the good one; ``False`` if somebody did not wait for it."""
        commit, most = self.what.bad, self.asked.rules.max_pairs
        notify(f"the ends: {commit[:SHORT]} against {self.what.good[:SHORT]}")
        rules = self._rules(share(decisions_made(self.steps), self.what.planned), ends_are_settled)
        rules = replace(rules, counts=lambda figure: threshold_of(figure) is not None)
        with temporary_folder("bisect") as folder:
            prepared = prepare(self._sides(commit), rules, folder)
            done, trial = self._pairs(prepared, replace(self.asked, rules=rules))
        self.what = msgspec.structs.replace(self.what, metric=trial.metric)
        threshold = threshold_of(trial.decides)
        step = Step(commit=commit, subject=self.commits.subject(commit), answer="bad" if threshold else "undecided")
        step = msgspec.structs.replace(with_figures(step, trial), threshold=threshold, alpha=rules.alpha)
        step = msgspec.structs.replace(step, work=work_text(done) if threshold else "")
        self._keep([*self.steps, step])
        if done.exit_code == ExitCode.INTERRUPTED:
            return False
        if done.ended_by in ("failed", "unlike", "no_figure", "lost"):
            code = done.exit_code if done.exit_code > ExitCode.REGRESSED else ExitCode.NOT_MEASURED
            why = why_skipped(done, trial) or done.head.failure or done.base.failure or trial_reason(trial)
            raise EndsAlike(f"the bad end cannot be held against the good one: {why}", code)
        if trial.decides.outcome in ("same", "faster"):
            fix = "name other ends, or a smaller --effect"
            raise EndsAlike(f"the bad end is not slower than the good one: {trial_reason(trial)}", ExitCode.USAGE, fix)
        if threshold is None:
            more = more_pairs(most)
            fix = f"give {more}, or another --budget" if more else "give another --budget, or name other ends"
            what = f"whether the bad end is slower than the good one is {trial_reason(trial)}"
            raise EndsAlike(what, ExitCode.NOT_MEASURED, fix)
        return True

    def _try(self, commit: str, alpha: float) -> Tried:
        """Hold a commit against the good end, and keep what came of it."""
        tried = self._tried(commit, alpha)
        step = tried.step
        self._keep([*self.steps, step])
        shown = step.why or f"{self.what.metric} {change_with_bounds(step.change, step.low, step.high)}"
        notify(f"{commit[:SHORT]} {step.subject}: {step.answer}, {shown}")
        return tried

    def _tried(self, commit: str, alpha: float) -> Tried:
        threshold = next(step.threshold for step in self.steps if step.answer == "bad")
        assert threshold is not None  # noqa: S101, a bad end has one
        step = Step(commit=commit, subject=self.commits.subject(commit), answer="undecided", threshold=threshold)
        if self._left_s() == 0:
            return Tried(msgspec.structs.replace(step, why="the budget was spent"), "budget")
        rules = self._rules(alpha, lambda figure: answer_of(figure, threshold) != "undecided")
        # Every commit is held against the good end by the same figure; one that is bad may be the one that is found.
        rules = replace(rules, otherwise=None, counts=lambda figure: answer_of(figure, threshold) == "bad")
        asked = replace(self.asked, rules=rules, metric=self.what.metric)
        with temporary_folder("bisect") as folder:
            try:
                prepared = prepare(self._sides(commit), rules, folder)
            except UsageError as error:  # the ends had none: it is the commit's own
                return Tried(msgspec.structs.replace(step, answer="skipped", why=str(error)))
            except BenchError as error:
                complain(str(error))
                return Tried(msgspec.structs.replace(step, why=str(error)), "lost")
            try:
                done, trial = self._pairs(prepared, asked)
            except BenchError as error:
                complain(str(error))
                return Tried(msgspec.structs.replace(step, why=str(error), alpha=alpha), "lost")
        return tried_of(msgspec.structs.replace(step, alpha=alpha), done, trial)

    def _sides(self, commit: str) -> Words:
        return msgspec.structs.replace(self.words, base=f"rev={self.what.good}", head=f"rev={commit}")

    def _rules(self, alpha: float, settled: Callable[[PairedChange], bool]) -> Rules:
        """When a step ends: what is undecided after the most pairs gets as many more."""
        most, left = self.asked.rules.max_pairs, self._left_s()
        return replace(self.asked.rules, max_pairs=2 * most, budget_s=left, alpha=alpha, settled=settled)

    def _pairs(self, prepared: Prepared, asked: Asked) -> tuple[Done, Trial]:
        """Run the pairs of a step."""
        most, rules = self.asked.rules.max_pairs, asked.rules

        def follow(trial: Trial) -> None:
            report(trial)
            if trial.made == most and not rules.settled(trial.decides):
                notify(f"undecided after {units.counted(most, 'pair')}: up to {most} more")

        done = experiment(prepared, asked, None, self.find, follow)
        complain_of(dict.fromkeys(side.problem for side in (done.base, done.head)))
        return done, trial_of(done.base.record, done.head.record, informs=False, alpha=rules.alpha)

    def _left_s(self) -> float | None:
        spent = pairs.now() - self._began
        return None if self.budget_s is None else max(0.0, self.budget_s - spent)

    def _keep(self, steps: Sequence[Step], first: Step | None = None) -> None:
        self.steps = list(steps)
        write_log(self.log, log_text(self.what, self.steps, first))
