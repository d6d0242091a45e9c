"""Both sides of an experiment as plans: what their words name, and where their code is put."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.catalog.command import Asked as Command
from bench.cli import options
from bench.cli.verbs.measure.run import checkout_of, device_of, what_is_named
from bench.engine.assets import diagnostics_folder
from bench.errors import UsageError
from bench.run.ab.pairs import Rules
from bench.run.ab.plans import Question, Sides
from bench.run.ab.sides import Side, parse_side
from bench.run.ab.words import Words
from bench.run.plan import Options, Plan, parse_env
from bench.run.source.git import read_names


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
