"""An experiment from its plans to both bundles: sessions, arms and pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from bench import units
from bench.cli.output import notify
from bench.cli.paired.again import decided_otherwise, otherwise_text
from bench.cli.paired.asked import Asked, more_pairs
from bench.cli.paired.prepare import Prepared
from bench.cli.progress import Progress
from bench.cli.session import open_beside, open_session
from bench.cli.verbs.measure.whatif import engine_for, sessions_for
from bench.compare.experiment import Trial
from bench.compare.measures import CALL, WALL
from bench.compare.reasons import bounds_clause
from bench.compare.stats.pairs import EFFECT
from bench.engine.absent import AbsentEngine
from bench.engine.protocol import Engine, Notify
from bench.errors import UsageError
from bench.record.schema import Experiment
from bench.run.ab import pairs
from bench.run.ab.duet import halves_of
from bench.run.ab.experiment import Arm, Done, new_sides, run_pairs
from bench.run.ab.plans import Question
from bench.run.ab.resume import Earlier, require_all
from bench.run.ab.sides import parse_side
from bench.run.ab.words import Words, keep_words
from bench.run.plan import Plan
from bench.run.session import Session
from bench.units import counted

_LARGEST_SEED = 2**53 - 1
"""What every reader of JSON keeps whole."""


def report(trial: Trial, most: int | None = None) -> None:
    """Report on the line of progress where an experiment stands.

    Args:
        trial: what its pairs show so far.
        most: the pair that it ends at in any case, named if more may be needed.
    """
    figure = trial.decides
    left = "" if figure.to_go is None else f", about {counted(figure.to_go, 'pair')} to go"
    if figure.to_go is not None and most is not None and trial.made + figure.to_go > most:
        left += f", but it stops at pair {most}"
    notify(f"pair {trial.made}: {figure.name} {bounds_clause(figure, told=figure.to_go is not None)}{left}")
    other = decided_otherwise(trial)
    if other is not None:
        notify(f"{otherwise_text(trial, other)} (Ctrl-C, then the same command with that)")


def experiment(
    prepared: Prepared,
    asked: Asked,
    earlier: Earlier | None,
    find: Callable[[Notify], Engine],
    follow: Callable[[Trial], None] | None = None,
) -> Done:
    """Run the pairs of both sides, write their bundles, and return what they show.

    Args:
        prepared: both sides.
        asked: how it is decided.
        earlier: what there is of it, if it goes on.
        find: finds the engine.
        follow: told where it stands after each pair.

    Raises:
        UsageError: a choice that makes no sense.
        NotComparable: it is to go on, and a side is not what it was.
        NotMeasured: it is to go on, and pairs of a killed command have just come to light.
    """
    words, plans = prepared.words, prepared.plans
    follow = follow or partial(report, most=asked.rules.max_pairs)
    told = _experiments(words, asked, earlier, prepared.question)
    with ExitStack() as stack:
        results = Path(words.results)
        usual = stack.enter_context(
            open_session(find, words.host, results, asked.if_busy, plan=plans[0], calibration=asked.calibration)
        )
        if earlier is not None:
            require_all(earlier, results)
        shared = sessions_for(usual, [plan.variant for plan in plans], words.host, stack)
        sessions = [shared[engine_for(plan.variant, usual.engine)] for plan in plans]
        _require_images(prepared, sessions)
        if words.duet and not isinstance(usual.engine, AbsentEngine):
            halves = halves_of(usual.engine, words.cpuset)
            told = (msgspec.structs.replace(told[0], duet=halves), msgspec.structs.replace(told[1], duet=halves))
            if sessions[0] is sessions[1]:  # two runs at once keep their evidence in two stores
                sessions[1] = stack.enter_context(open_beside(usual, find, words.host))
        keep_words(told[0].id, words)
        _follow_pairs(sessions, {id(plans[0]): "base", id(plans[1]): "head"})
        arms = [_arm(plans[at], sessions[at], told[at], earlier) for at in (0, 1)]
        return run_pairs(arms[0], arms[1], asked.rules, earlier.first if earlier else 0, follow, asked.work)


def _require_images(prepared: Prepared, sessions: Sequence[Session]) -> None:
    """Refuse an image of a side in an engine that has none: both sides would be alike, and nobody would be told."""
    words = prepared.words
    for option, text, session in zip(("--base", "--head"), (words.base, words.head), sessions, strict=True):
        if text and session.engine.name == "local" and parse_side(option, text).image is not None:
            what = f"{option} '{text}' names an image, and the local engine has none"
            raise UsageError(what, fix="use a Docker engine, or leave image= away")


def _experiments(
    words: Words, asked: Asked, earlier: Earlier | None, question: Question
) -> tuple[Experiment, Experiment]:
    """Both sides as records tell of them; an experiment that goes on keeps its seed, its figure and its effect."""
    if asked.seed is not None and not 0 <= asked.seed <= _LARGEST_SEED:
        raise UsageError(f"--seed {asked.seed} is no seed", fix=f"give 0 to {_LARGEST_SEED}")
    single = "::" in (question.diagnostic.node or "")
    if earlier is None:
        spoken = (words.base, words.head)
        return new_sides(asked.seed, asked.metric or (CALL if single else WALL), asked.effect or EFFECT, spoken)
    told = earlier.experiment
    if asked.seed not in (None, told.seed) or asked.metric not in (None, told.metric):
        fix = "leave --seed and --metric away: another choice would be made in sight of the pairs"
        raise UsageError(f"{told.id} has the seed {told.seed} and is decided by {told.metric}", fix=fix)
    if asked.effect not in (None, told.effect):
        what = f"to {told.id} changes below {units.percent(told.effect)} are the same"
        raise UsageError(what, fix="leave --effect away: another choice would be made in sight of the pairs")
    if bool(told.duet) != words.duet:
        how = "both sides at once" if told.duet else "one side after the other"
        raise UsageError(f"{told.id} runs {how}", fix=f"{'add' if told.duet else 'leave away'} --duet")
    judged = earlier.first - sum(one.reading.run.warmup is True for _, one in earlier.runs["base"])
    if judged >= asked.rules.max_pairs:
        what = f"{told.id} has {counted(judged, 'pair')} already"
        more = more_pairs(judged)
        raise UsageError(what, fix=f"give more, as in {more}" if more else "begin a new experiment, without --resume")
    base = msgspec.structs.replace(told, side="base", words=words.base, resumes=earlier.resumes)
    return base, msgspec.structs.replace(base, side="head", words=words.head)


def _arm(plan: Plan, session: Session, told: Experiment, earlier: Earlier | None) -> Arm:
    if earlier is None:
        return Arm(plan, session, told)
    runs = earlier.runs[told.side]
    so_far = pairs.of_pairs(told, [pair for pair, _ in runs])
    return Arm(plan, session, so_far, [run for _, run in runs], earlier.newest.get(told.side))


def _follow_pairs(sessions: list[Session], names: Mapping[int, str]) -> None:
    """Let each run be called by its side, and be reported with its pair."""
    for session in sessions:
        if isinstance(session.observer, Progress):
            session.observer.terse = True
            session.observer.title_of = lambda plan, index: (
                f"{plan.diagnostic.name} [{names.get(id(plan), 'both')}] pair {index + 1}"
            )
