"""The verb ``bisect``: which commit made a test slower."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bench import units
from bench.cli import completion, options
from bench.cli.app import app
from bench.cli.next_step import project_words, results_words, suggest
from bench.cli.output import Console, complain, notify, print_json
from bench.cli.paired.asked import Asked, absolute, parse_effect, rules_of
from bench.cli.paired.bisection import Bisection, EndsAlike
from bench.cli.session import choose
from bench.cli.verbs.measure.run import NEED_BYTES, wanted_work
from bench.compare.bisection import Step, decisions_planned
from bench.compare.measures import CALL, CPU, WALL
from bench.compare.stats.pairs import EFFECT
from bench.errors import UsageError
from bench.record.storage.disk import check_results_folder
from bench.report.terminal.bisection import search_sentence, steps_table
from bench.report.terminal.cells import text
from bench.run.ab.words import Words
from bench.run.bisect.commits import Commits, find_commits
from bench.run.bisect.log import Search, new_log, read_log
from bench.run.bisect.search import Ended, Found

_WHY: dict[Ended, str] = {
    "passed": "those that are left were skipped, or have no answer",
    "budget": "the budget is spent",
    "interrupted": "interrupted",
    "lost": "nothing more can be run",
}


@app.command()
def bisect(
    name: Annotated[
        str | None,
        typer.Argument(help="A name that 'bench list' shows.", show_default=False, autocompletion=completion.names),
    ] = None,
    good: Annotated[
        str | None, typer.Option("--good", help="A revision that was not slow.", metavar="REV", show_default=False)
    ] = None,
    bad: Annotated[
        str | None, typer.Option("--bad", help="A later revision that is.", metavar="REV", show_default="HEAD")
    ] = None,
    project: options.Project = None,
    node: options.Node = [],  # noqa: B006, typer copies it
    device: options.Device = "cpu",
    requirements: Annotated[
        Path | None, typer.Option("--requirements", help="What every commit needs beside torch.", metavar="FILE")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", help="Go on from the log of an earlier search.", metavar="FILE", show_default=False),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            help="The figure that decides: call, wall, cpu, peak_memory, minor_faults, or a metric of the test.",
            show_default=CALL,
            metavar="NAME",
            autocompletion=options.one_of(CALL, WALL, CPU, "peak_memory", "max_rss", "minor_faults"),
        ),
    ] = None,
    effect: Annotated[
        str | None,
        typer.Option("--effect", help="Ends that differ by less are the same.", show_default="5%", metavar="PERCENT"),
    ] = None,
    max_pairs: Annotated[
        int, typer.Option("--max-pairs", help="After so many a step is retried with as many more.", metavar="N")
    ] = 60,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Give up after so long in all, as in 2h.", metavar="TIME")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Decides the order within each pair.", show_default="drawn", metavar="N"),
    ] = None,
    engine: options.EngineName = None,
    host: options.HostUrl = None,
    profile: options.Profile = "full",
    cpus: options.Cpus = None,
    cpuset: options.Cpuset = None,
    memory: options.Memory = None,
    threads: options.Threads = None,
    timeout: options.Timeout = None,
    work: options.Work = None,
    env: options.Env = [],  # noqa: B006, typer copies it
    calibration: Annotated[
        bool, typer.Option("--calibration/--no-calibration", help="Calibrate the host before and after each step.")
    ] = False,
    results: options.Results = options.DEFAULT_RESULTS,
    if_busy: options.Busy = "wait",
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Find the commit that made a test slower, by halving.

    Example: bench bisect slow_cpu --project . --good v1.2 --bad main
    """
    one = options.node_of(node)
    search, steps = (None, list[Step]()) if replay is None else read_log(replay)
    project = project or options.project_here(one, name)
    if project is None:
        raise UsageError("bisect needs the checkout of your test", fix="name it with --project")
    commits = _commits(project, good, bad, search)
    rules = rules_of(max_pairs, 1, budget, metric)
    asked = Asked(
        rules=rules,
        metric=metric,
        effect=parse_effect(effect),
        seed=seed,
        calibration=calibration,
        if_busy=if_busy,
        work=wanted_work(work, gated=False),
    )
    words = Words(
        name=name,
        base="",
        project=absolute(project),
        node=one,
        device=device,
        requirements=absolute(requirements),
        engine=engine,
        host=host,
        profile=profile,
        cpus=cpus,
        cpuset=cpuset,
        memory=memory,
        threads=threads,
        timeout=timeout,
        env=tuple(env),
        results=str(results.absolute()),
        where=str(Path.cwd()),
    )
    what = Search(
        name=name or one or "",
        good=commits.good,
        bad=commits.bad,
        metric=metric or CALL,
        effect=asked.effect or EFFECT,
        planned=decisions_planned(len(commits.left(commits.bad, (commits.good,)))),
    )
    if search is not None:
        what = _of_log(what, search, asked)
        asked = replace(asked, effect=what.effect)
    check_results_folder(results, NEED_BYTES)
    find = partial(choose, words.engine, words.host)
    bisection = Bisection(words, asked, commits, what, find, new_log(), steps, rules.budget_s)
    try:
        found = bisection.run()
    except EndsAlike as error:
        if json:
            print_json(_document(bisection, error.what) | {"ended_by": "ends", "first": None, "left": []})
        complain(str(error))
        return int(error.exit_code)
    _show(found, bisection, json=json)
    return int(found.exit_code)


def _commits(project: Path, good: str | None, bad: str | None, search: Search | None) -> Commits:
    """The commits between the ends that were named, or that a log has."""
    if search is None:
        if good is None:
            raise UsageError("no --good was given", fix="name a revision that was not slow, as in --good v1.2")
        return find_commits(project, good, bad or "HEAD")
    found = find_commits(project, good or search.good, bad or search.bad)
    if (found.good, found.bad) != (search.good, search.bad):
        fix = "leave --good and --bad away"
        raise UsageError(f"the log is of {search.good[:12]} and {search.bad[:12]}", fix=fix)
    return found


def _of_log(what: Search, search: Search, asked: Asked) -> Search:
    """What the log looked for, if that is what is asked now."""
    if what.name != search.name:
        raise UsageError(f"the log is of {search.name!r:.100}", fix="name the same test")
    if asked.metric not in (None, search.metric):
        raise UsageError(f"the log is decided by {search.metric!r:.100}", fix="leave --metric away")
    if asked.effect not in (None, search.effect):
        alike = f"to the log, ends that differ by less than {units.percent(search.effect)} are the same"
        raise UsageError(alike, fix="leave --effect away")
    return search


def _document(bisection: Bisection, sentence: str) -> dict[str, object]:
    """What was looked for and tried, for JSON."""
    return {"search": bisection.what, "sentence": sentence, "steps": bisection.steps, "log": str(bisection.log)}


def _show(found: Found, bisection: Bisection, *, json: bool) -> None:
    """The sentence, the steps and where the log is; or all of it as one JSON document."""
    what = bisection.what
    said = search_sentence(found.first, found.left, what.metric, what.good)
    if json:
        left = [{"commit": commit, "subject": bisection.commits.subject(commit)} for commit in found.left]
        print_json(_document(bisection, said) | {"ended_by": found.ended_by, "first": found.first, "left": left})
    else:
        Console.out().print(text(said, "bold"), steps_table(found.steps), sep="\n\n")
        Console.out().print(f"  log: {bisection.log}", soft_wrap=True, markup=False, highlight=False)
    if found.ended_by in _WHY:
        notify(_WHY[found.ended_by])
    if found.ended_by in _WHY or not json:
        suggest(*_next(found, bisection))


def _next(found: Found, bisection: Bisection) -> tuple[object, ...]:
    """The command that shows the commit against its parent, or that goes on with the search."""
    words = bisection.words
    what = ("--node", words.node) if words.node is not None else (words.name,)
    place = (*project_words(Path(words.project or ".")), *results_words(Path(words.results)))
    if found.first is not None:
        commit = found.first.commit
        return ("ab", *what, *place, "--base", f"{commit}~1", "--head", commit)
    return ("bisect", *what, *place, "--replay", bisection.log)
