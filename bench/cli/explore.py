"""The verbs that answer: ``compare``, ``explain``, ``history``, and ``doctor`` before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import completion, options
from bench.cli.app import app
from bench.cli.inputs import all_results, bundles_named, entry_of
from bench.cli.output import Console, notify, print_json
from bench.cli.rankings import asked, gravest, parse_accept, rankings
from bench.compare.explain import explain, explain_difference
from bench.engine.ask import ask_docker
from bench.errors import ExitCode, UsageError
from bench.host.doctor import judge, worst
from bench.host.preflight import read_facts
from bench.record.schema import Record
from bench.report.document import explanation_document
from bench.report.terminal.compare import comparison_view, ranking_view
from bench.report.terminal.doctor import doctor_view
from bench.report.terminal.explain import difference_view, explanation_view
from bench.report.terminal.history import history_view
from bench.run.baseline import history as results_of

Words = Annotated[list[str], typer.Argument(help="Bundles, folders of bundles, or host ids; the reference first.")]


@app.command("compare")
def compare_(
    words: Words,
    reference: Annotated[
        str | None,
        typer.Option("--reference", help="What to compare with: a result, or N for the Nth.", metavar="N|WORD"),
    ] = None,
    accept: Annotated[
        str, typer.Option("--accept", help="Differences under test, as in variant,limits.cpus.", metavar="LIST")
    ] = "",
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Say whether results are the same, slower, or of another host.

    Example: bench compare HOST/grad_cpu/STAMP_A HOST/grad_cpu/STAMP_B
    """
    what, accepted = asked(words, reference), parse_accept(accept)
    found = bundles_named(what.words, results)
    known = [bundle.record for bundle in all_results(results)]
    made = rankings(what, found, known, accepted)
    for word, why in {word: why for ranking in made for word, why in ranking.passed_over.items()}.items():
        notify(f"passed over {word}: {why}")
    if json:
        left_out = {word: why for ranking in made for word, why in (ranking.left_out | ranking.passed_over).items()}
        print_json({"comparisons": [one for ranking in made for one in ranking.rows], "left_out": left_out})
    else:
        for ranking in made:
            only = ranking.rows[0] if len(what.words) == 2 else None
            Console.out().print(comparison_view(only) if only is not None else ranking_view(ranking))
    return int(gravest([ranking.exit_code for ranking in made]))


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
            print_json(explanation_document(explanation))
        else:
            Console.out().print(explanation_view(explanation))
        return
    difference = explain_difference(first, _one(b, results))
    if json:
        print_json(explanation_document(difference))
    else:
        Console.out().print(difference_view(difference))


@app.command("history")
def history_(
    name: Annotated[str, typer.Argument(help="A diagnostic's name, as in grad_cpu.", autocompletion=completion.names)],
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Show all results of a diagnostic over time, by host.

    Example: bench history grad_cpu
    """
    bundles = results_of(all_results(results), name)
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
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
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
