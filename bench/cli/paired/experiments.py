"""An experiment from its words to its sentence: what the verb ``ab`` does once its options are read."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from bench import units
from bench.catalog.command import Asked as Command
from bench.cli import options
from bench.cli.gates import Held, document_of, print_held
from bench.cli.misspelt import Misspelt, refused, wrong_with
from bench.cli.next_step import doctor_words, project_words, results_words, suggest
from bench.cli.output import Console, complain, complain_of, notify, print_json
from bench.cli.paired.again import again, decided_otherwise, otherwise_text
from bench.cli.paired.first import is_first
from bench.cli.progress import Progress
from bench.cli.session import open_beside, open_session
from bench.cli.verbs.measure.run import checkout_of, device_of, what_is_named
from bench.cli.verbs.measure.whatif import engine_for, sessions_for
from bench.compare.experiment import Trial
from bench.compare.measures import CALL, WALL
from bench.compare.reasons import bounds_clause, trial_reason
from bench.compare.stats.pairs import EFFECT
from bench.engine.absent import AbsentEngine
from bench.engine.assets import diagnostics_folder
from bench.engine.protocol import Engine, Notify
from bench.errors import UsageError
from bench.record.schema import Experiment
from bench.report.terminal.experiment import decision_view, experiment_view
from bench.run.ab import pairs
from bench.run.ab.duet import halves_of
from bench.run.ab.experiment import Arm, Done, new_sides, run_pairs
from bench.run.ab.pairs import Rules
from bench.run.ab.plans import Question, Sides
from bench.run.ab.resume import Earlier, require_all
from bench.run.ab.sides import Side, parse_side
from bench.run.ab.words import Words, keep_words, kept_words
from bench.run.plan import Options, Plan, parse_env
from bench.run.session import Session
from bench.run.source.git import read_names
from bench.run.work.counting import Wanted
from bench.units import clock, counted, parse_duration

_PERCENT = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*%", re.ASCII)
_MOST_PAIRS = 1000
_LARGEST_SEED = 2**53 - 1
"""What every reader of JSON keeps whole."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line sets of the experiment itself. ``metric``, ``effect``, ``seed``: ``None`` if not given."""

    rules: Rules
    metric: str | None
    effect: float | None
    seed: int | None
    calibration: bool = True
    if_busy: str = "wait"
    work: Wanted = "never"


def parse_effect(text: str | None) -> float | None:
    """Return the ratio minus 1 of ``5%``; ``None`` if nobody gave one.

    Raises:
        UsageError: it is no percentage above 0, or above 100.
    """
    if text is None:
        return None
    match = _PERCENT.fullmatch(text.strip())
    value = float(match["number"]) / 100 if match else math.nan
    if not 0 < value <= 1:
        raise UsageError(f"--effect '{text}' is no change", fix="give a percentage above 0 and up to 100%, as in 5%")
    return value


def rules_of(max_pairs: int, min_pairs: int, budget: str | None, metric: str | None) -> Rules:
    """Return when an experiment ends.

    Args:
        max_pairs: pairs at most.
        min_pairs: pairs at least.
        budget: a duration, or ``None``.
        metric: the figure that decides, if somebody chose it.

    Raises:
        UsageError: a number that makes no sense.
    """
    if not 1 <= max_pairs <= _MOST_PAIRS:
        raise UsageError(f"--max-pairs {max_pairs} is no number of pairs", fix=f"give 1 to {_MOST_PAIRS}")
    if not 1 <= min_pairs <= max_pairs:
        raise UsageError(f"--min-pairs {min_pairs} is none of 1 to {max_pairs}", fix="give --max-pairs at most")
    budget_s = parse_duration(budget) if budget is not None else None
    if budget_s is not None and not (math.isfinite(budget_s) and budget_s > 0):
        raise UsageError(f"--budget {budget} is no time", fix="give more than 0, as in 20min")
    return Rules(max_pairs, min_pairs, budget_s, WALL if metric is None else None)


def more_pairs(pairs: int) -> str:
    """Return the words that ask for more pairs than so many; none if nobody may ask for more."""
    return f"--max-pairs {min(2 * pairs, _MOST_PAIRS)}" if pairs < _MOST_PAIRS else ""


def absolute(path: Path | None) -> str | None:
    """Return a path as it is called from any folder, without the ``..`` in it that lead over no link."""
    if path is None:
        return None
    tidy = os.path.normpath(path.absolute())
    return tidy if os.path.realpath(tidy) == os.path.realpath(path) else str(path.absolute())


def words_of(given: Words | None, earlier: Earlier | None, results: Path) -> Words:
    """Return what is asked: the words that were given, else those that the experiment began with.

    Args:
        given: from the command line.
        earlier: the experiment that goes on.
        results: the results folder.

    Raises:
        UsageError: neither is there.
    """
    if given is not None:
        return given
    if earlier is not None:
        return msgspec.structs.replace(kept_words(earlier.experiment.id), results=str(results.absolute()))
    raise UsageError("no --base was given", fix="name what to compare with, as in --base main")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is asked, with the plans of both sides."""

    words: Words
    question: Question
    plans: tuple[Plan, Plan]


def prepare(words: Words, rules: Rules, folder: Path) -> Prepared:
    """Return both sides as plans, their code in a folder of its own.

    Args:
        words: what is asked.
        rules: when it ends.
        folder: takes the code of the sides; it must outlive the last run.

    Raises:
        UsageError: words that make no sense.
        NotMeasured: the code cannot be put into the folder.
    """
    sides = [_side(option, text, words) for option, text in (("--base", words.base), ("--head", words.head))]
    question = _question(words, rules, named=any(side.rev is not None for side in sides))
    made = Sides(question, folder)
    return Prepared(words, question, (made.plan(sides[0]), made.plan(sides[1])))


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


def show(done: Done, rules: Rules, words: Words, held: Held | None = None, *, json: bool) -> None:
    """Show what an experiment came to: a sentence, a figure a line, and where both bundles are.

    Args:
        done: the experiment.
        rules: when it was to end.
        words: what was asked.
        held: what it was held to, whatever its times show.
        json: whether one JSON document is shown instead.
    """
    comparison, sides = done.comparison, {"base": done.base, "head": done.head}
    trial = comparison.experiment
    assert trial is not None  # noqa: S101, both are sides of one experiment
    wrong = _misspelt(done, words)
    if wrong is not None:
        complain(wrong.said)
    closing = [_closing(done, rules)]
    other = decided_otherwise(trial) if done.ended_by in ("max_pairs", "budget") else None
    closing += [otherwise_text(trial, other)] if other is not None else []
    if json:
        written = {name: {"path": str(one.path), "record": one.record} for name, one in sides.items()}
        document = {"experiment": trial, "status": comparison.status, "sentence": trial_reason(trial)}
        said = {"ended_by": done.ended_by, "reasons": comparison.reasons, "work": comparison.work}
        print_json(document | said | document_of(held) | written)
    else:
        print_held(held)
        _print(done, trial)
    for line in filter(None, closing):
        notify(line)
    if not json:
        anew = again(words, rules, trial.effect, metric=other.name) if other is not None else None
        named = _next_of_name(words, rules, trial, wrong) if wrong is not None else None
        suggest(*(named or anew or _next(done, trial, rules, words.host)))
    if done.ended_by == "no_figure":
        known = ", ".join(figure.name for figure in trial.informs)
        complain(f"{trial.metric} cannot decide: {trial.decides.why}; there are {known}, choose one with --metric")
    complain_of(dict.fromkeys(said for one in sides.values() for said in one.complaints))


def _print(done: Done, trial: Trial) -> None:
    """Print what was decided; all figures too, unless this is the first that is there of the diagnostic."""
    head, comparison = done.head.path, done.comparison
    if done.ended_by == "decided" and comparison.status in _DECIDED and is_first(done):
        Console.out().print(decision_view(comparison, trial))
        return
    Console.out().print(experiment_view(comparison, trial))
    for name, path in (("base", done.base.path), ("head", head)):
        Console.out().print(f"  {name}: {path}", soft_wrap=True, markup=False, highlight=False)


_DECIDED = frozenset({"same", "code_improved", "code_regressed"})


def _closing(done: Done, rules: Rules) -> str:
    """Why there are no more pairs, if that is no decision."""
    said = {
        "budget": f"the budget of {clock(rules.budget_s)} is spent",
        "max_pairs": f"stopped at the limit of {counted(rules.max_pairs, 'pair')}",
        "interrupted": "interrupted",
        "failed": "a run did not pass, and its time means nothing",
        "unlike": "the sides are not alike in what is not asked about",
        "lost": "a run was not measured",
    }
    why = _signature(done) if done.ended_by in ("failed", "lost") else ""
    return said.get(done.ended_by, "") + why


def _signature(done: Done) -> str:
    """How the run ended that ended the experiment; nothing if its side tells that already."""
    for name, one in (("base", done.base), ("head", done.head)):
        last = one.record.runs[-1] if one.record.runs else None
        if last is not None and last.outcome not in ("passed", "interrupted") and last.signature:
            return "" if one.failure is not None else f"; of the {name}: {last.signature}"
    return ""


def _misspelt(done: Done, words: Words) -> Misspelt | None:
    """What is wrong with a test that pytest did not find, or what it lacks."""
    project = Path(words.project) if words.project is not None else None
    for side, written in (("base", done.base), ("head", done.head)):
        found = wrong_with(written.record, project, words.requirements, installs=words.python is None)
        if found is not None:
            return found
        if project is not None and refused(written.record):  # as it lies there it has the test
            return Misspelt(f"the {side} has no test {written.record.diagnostic.node}: choose one that has it", None)
    return None


def _next_of_name(words: Words, rules: Rules, trial: Trial, wrong: Misspelt) -> tuple[object, ...] | None:
    """The experiment with the test that was probably meant, or with the packages that it lacks; else what there is."""
    if wrong.option is not None:
        option, value = wrong.option
        return again(words, rules, trial.effect, **{option.removeprefix("--"): value})
    meant = again(words, rules, trial.effect, node=wrong.meant) if wrong.meant and words.node else None
    return meant or ("list", *project_words(None if words.project is None else Path(words.project)))


def _next(done: Done, trial: Trial, rules: Rules, host: str | None) -> tuple[object, ...]:
    """What goes on with an experiment, or looks closer at its sides."""
    folder = results_words(done.head.path.parents[2])
    if done.ended_by in ("budget", "interrupted"):
        return ("ab", "--resume", trial.id, *folder)
    if done.ended_by == "max_pairs" and (more := more_pairs(rules.max_pairs)):
        return ("ab", "--resume", trial.id, *more.split(), *folder)
    both = done.base.record.runs and done.head.record.runs
    return ("explain", done.base.path, done.head.path) if both else doctor_words(host)


def _side(option: str, text: str, words: Words) -> Side:
    """A side of the words; a requirements file is named from the folder that they were given in."""
    if not text:
        if option == "--base":
            raise UsageError("--base names nothing", fix="name a revision, or variant= requirements= env.K= threads=")
        return Side()
    side = parse_side(option, text)
    if words.python is not None and side.requirements is not None:
        what = f"{option} requirements= and --python do not go together"
        raise UsageError(what, "nothing is installed into an environment of yours", "leave one out")
    if side.requirements is None or not (Path(words.where) / side.requirements).is_file():
        return side
    return replace(side, requirements=Path(words.where) / side.requirements)


def _question(words: Words, rules: Rules, *, named: bool) -> Question:
    project = Path(words.project) if words.project is not None else None
    results = Path(words.results)
    said = Command(
        words.called,
        words.image,
        words.torch,
        device_of(words.device),
        words.shell,
        words.prepare,
        None if words.input is None else Path(words.input),
        words.expect_exit,
    )
    catalog, diagnostic = what_is_named(words.name, project, words.node, words.command, said)
    chosen = Options(
        repeat=rules.max_pairs,
        profile=words.profile,
        cpus=words.cpus,
        cpuset=words.cpuset,
        memory_bytes=options.size_of(words.memory),
        threads=words.threads,
        timeout_s=options.duration_of(words.timeout),
        ceiling_s=options.duration_of(words.ceiling),
        env=parse_env(list(words.env)),
        warmup=words.warmup,
        python=words.python,
    )
    requirements = Path(words.requirements) if words.requirements is not None else None
    if diagnostic.command is None and checkout_of(project, results, diagnostic) is None:
        project = _our_checkout() if named else None
    return Question(catalog, diagnostic, chosen, project, results, requirements)


def _our_checkout() -> Path | None:
    """The shipped diagnostics as a project of which revisions can be named, if bench runs from a checkout."""
    names = read_names(diagnostics_folder())
    return diagnostics_folder() if names is not None and names.tracked else None


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
