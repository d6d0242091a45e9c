"""The verbs that answer: ``compare``, ``explain``, ``history``, and ``doctor`` before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import complete, options
from bench.cli.app import app
from bench.cli.console import Console, notify, print_json
from bench.cli.inputs import READING, bundles_named, entry_of, records_by_name
from bench.compare.explain import explain, explain_difference
from bench.compare.ranking import Ranking, rank
from bench.compare.sample import pool
from bench.engine.ask import ask_docker
from bench.errors import ExitCode, NotComparable, UsageError
from bench.host.doctor import judge, worst
from bench.host.preflight import read_facts
from bench.record.schema import Record
from bench.report.terminal.compare import comparison_view, ranking_view
from bench.report.terminal.doctor import doctor_view
from bench.report.terminal.explain import difference_view, explanation_view
from bench.report.terminal.history import history_view
from bench.run.baseline import history as results_of
from bench.run.baseline import read_results

Words = Annotated[list[str], typer.Argument(help="Bundles, folders of bundles, or host ids; the reference first.")]


@app.command("compare")
def compare_(
    words: Words,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Say whether results are the same, slower, or of another host.

    Example: bench compare HOST/grad_cpu/STAMP_A HOST/grad_cpu/STAMP_B
    """
    if len(words) < 2:
        raise UsageError("one result alone cannot be compared", fix="name two or more, the reference first")
    groups = [records_by_name(group) for group in bundles_named(words, results)]
    shared = sorted(set.intersection(*(set(group) for group in groups)))
    if not shared:
        named = "; ".join(f"{word}: {', '.join(sorted(group))}" for word, group in zip(words, groups, strict=True))
        raise NotComparable("no diagnostic is in all of them", named, "name results of one diagnostic")
    known = [bundle.record for bundle in read_results(results, READING)]
    made = [_compared([group[name] for group in groups], results_named(known, name)) for name in shared]
    if json:
        print_json({"comparisons": [one for ranking in made for one in ranking.rows]})
    else:
        for ranking in made:
            only = ranking.rows[0] if len(words) == 2 else None
            Console.out().print(comparison_view(only) if only is not None else ranking_view(ranking))
    return int(gravest([ranking.exit_code for ranking in made]))


def gravest(codes: list[ExitCode]) -> ExitCode:
    """The exit code of several comparisons: regressed first, then not comparable, then not measured."""
    order = (ExitCode.REGRESSED, ExitCode.NOT_COMPARABLE, ExitCode.NOT_MEASURED)
    return next((code for code in order if code in codes), ExitCode.OK)


def results_named(records: list[Record], name: str) -> list[Record]:
    """The records of one diagnostic."""
    return [record for record in records if record.diagnostic.name == name]


def _compared(groups: list[list[Record]], known: list[Record]) -> Ranking:
    """The results of each word, pooled, against those of the first."""
    return rank([pool(group) for group in groups], 0, history=known)


@app.command("explain")
def explain_(
    a: Annotated[str, typer.Argument(help="A bundle.")],
    b: Annotated[str | None, typer.Argument(help="Another: why do they differ?", show_default=False)] = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Say where the time went; with two results, why they differ.

    Example: bench explain HOST/grad_cpu/STAMP
    """
    first = _one(a, results)
    if b is None:
        explanation = explain(first)
        if json:
            print_json(explanation)
        else:
            Console.out().print(explanation_view(explanation))
        return
    difference = explain_difference(first, _one(b, results))
    if json:
        print_json(difference)
    else:
        Console.out().print(difference_view(difference))


@app.command("history")
def history_(
    name: Annotated[str, typer.Argument(help="A diagnostic's name, as in grad_cpu.", autocompletion=complete.names)],
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Show all results of a diagnostic over time, by host.

    Example: bench history grad_cpu
    """
    bundles = results_of(read_results(results, READING), name)
    if not bundles:
        options.diagnostic_called(name)
        notify(f"no result of {name} lies in {results}")
    if json:
        print_json([bundle.record for bundle in bundles])
    else:
        Console.out().print(history_view([entry_of(bundle) for bundle in bundles]))


@app.command()
def doctor(
    host: options.HostUrl = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> int:
    """Look before a run what this host can do and what disturbs.

    Engine, limits, GPU, governor, boost, load, swap, huge pages, disk; each line ok, warn or fail, with the fix.

    Example: bench doctor
    """
    said = ask_docker(host)
    checks = judge(read_facts(results, said.info, said.version, said.problem))
    if json:
        print_json(checks)
    else:
        Console.out().print(doctor_view(checks))
    return int(ExitCode.NOT_MEASURED if worst(checks) == "fail" else ExitCode.OK)


def _one(word: str, results: Path) -> Record:
    (found,) = bundles_named([word], results)
    if len(found) != 1:
        raise UsageError(f"'{word}' names {len(found)} bundles", fix="name one of them")
    return found[0].record
