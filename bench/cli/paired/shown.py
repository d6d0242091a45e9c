"""What an experiment came to, for people and as JSON: its sentence, its figures, and what to do next."""

from __future__ import annotations

from pathlib import Path

from bench.cli.gates import Held, document_of, print_held
from bench.cli.misspelt import Misspelt, refused, wrong_with
from bench.cli.next_step import doctor_words, project_words, results_words, suggest
from bench.cli.output import Console, complain, complain_of, notify, print_json
from bench.cli.paired.again import again, decided_otherwise, otherwise_text
from bench.cli.paired.asked import more_pairs
from bench.cli.paired.first import is_first
from bench.compare.experiment import Trial
from bench.compare.reasons import trial_reason
from bench.report.terminal.experiment import decision_view, experiment_view
from bench.run.ab.experiment import Done
from bench.run.ab.pairs import Rules
from bench.run.ab.words import Words
from bench.units import clock, counted


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
