"""What an experiment means for a search: a commit that has an answer, one to skip, or nothing more to try (pure)."""

from __future__ import annotations

import msgspec

from bench.compare.bisection import Step, answer_of
from bench.compare.experiment import Trial
from bench.compare.reasons import difference_reason
from bench.compare.sample import FAILURES
from bench.compare.work.wording import with_sentence
from bench.errors import ExitCode
from bench.record.schema import Record
from bench.run.ab.experiment import Done
from bench.run.bisect.search import Ended, Tried
from bench.run.result import held

_HOW = {"failed": "its test failed", "timed_out": "its test timed out", "oom_killed": "it was killed for memory"}


def tried_of(step: Step, done: Done, trial: Trial) -> Tried:
    """Return a commit with its answer.

    Args:
        step: the commit, with the threshold that it was held against and what may be wrong.
        done: the experiment of the good end and the commit.
        trial: what its pairs show with that certainty.
    """
    made, threshold = with_figures(step, trial), step.threshold
    answer = "undecided" if threshold is None else answer_of(trial.decides, threshold)
    ends: Ended | None = "interrupted" if done.exit_code == ExitCode.INTERRUPTED else None
    why = why_skipped(done, trial)
    if why is not None and ends is None:
        return Tried(msgspec.structs.replace(made, answer="skipped", why=why, alpha=None))
    if answer != "undecided":
        work = work_text(done) if answer == "bad" else ""
        return Tried(msgspec.structs.replace(made, answer=answer, work=work), ends)
    if ends is None and done.ended_by in ("budget", "lost"):
        ends = "budget" if done.ended_by == "budget" else "lost"
    said = {"interrupted": "interrupted", "budget": "the budget was spent", "lost": _lost(done)}
    return Tried(msgspec.structs.replace(made, answer="undecided", why=said.get(ends or "", "")), ends)


def with_figures(step: Step, trial: Trial) -> Step:
    """Return a step with what its pairs show."""
    figure = trial.decides
    figures = {"change": figure.change, "low": figure.low, "high": figure.high, "pairs": figure.pairs}
    return msgspec.structs.replace(step, **figures, experiment=trial.id)


def work_text(done: Done) -> str:
    """Return how the work of a bad commit differs from the good end's, in a sentence; empty if it was not counted."""
    told = with_sentence(done.comparison.work, "code_regressed", ("good end", "commit"))
    return "" if told is None else told.said


def why_skipped(done: Done, trial: Trial) -> str | None:
    """Return why a commit cannot be tried: its test did not pass, or there is nothing to run it in; else ``None``."""
    if done.ended_by == "failed":
        outcomes = [_failure(one.record) for one in (done.head, done.base)]
        head, base = (_HOW.get(outcome or "") for outcome in outcomes)
        return head or f"of the good end, {base}"
    if done.ended_by == "unlike":
        return difference_reason(done.comparison.differences[0])  # what forces a status comes first
    if done.ended_by == "no_figure":
        return f"{trial.metric} cannot decide: {trial.decides.why}"
    if done.ended_by != "lost":
        return None
    if _has_place(done.base.record) and not _has_place(done.head.record):
        return f"it does not build: {done.head.failure}"
    refused, good_end = (_refusal(one.record) for one in (done.head, done.base))
    if refused is not None and good_end is None:
        return f"its test cannot be run: {refused}"
    return None


def _refusal(record: Record) -> str | None:
    """Why the newest run measured nothing although its command came to an end: pytest could not import the test."""
    last = record.runs[-1] if record.runs else None
    if last is None or last.outcome != "not_measured" or last.exit_code is None:
        return None
    if any(warning.code == held.CODE for warning in last.warnings):  # the engine's own fault, whatever the commit
        return None
    return last.signature or "no test ran"


def _failure(record: Record) -> str | None:
    return next((run.outcome for run in record.runs if run.outcome in FAILURES), None)


def _has_place(record: Record) -> bool:
    """Whether an image or an environment was prepared for it."""
    return record.image is not None or record.environment is not None


def _lost(done: Done) -> str:
    return done.head.failure or done.base.failure or "a run could not be made"
