"""The verb ``explain``: where the time went, and why two results differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import bundles_named
from bench.cli.next_step import suggest
from bench.cli.output import Console, notify, print_json
from bench.compare.explain.difference import explain, explain_difference
from bench.errors import UsageError
from bench.record.schema import Record
from bench.report.export.json_document import explanation_document
from bench.report.terminal.explain import difference_view, explanation_view


@app.command("explain")
def explain_(
    a: Annotated[str, typer.Argument(help="A result: its id or its bundle.", metavar="RESULT")],
    b: Annotated[
        str | None, typer.Argument(help="Another: why do they differ?", show_default=False, metavar="[RESULT]")
    ] = None,
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
            if explanation.commands:
                notify(f"next: {explanation.commands[0]}")
            else:
                suggest("history", first.diagnostic.name)
        return
    difference = explain_difference(first, _one(b, results))
    if json:
        print_json(explanation_document(difference))
    else:
        Console.out().print(difference_view(difference))
        suggest("history", first.diagnostic.name)


def _one(word: str, results: Path) -> Record:
    (found,) = bundles_named([word], results)
    if len(found) != 1:
        raise UsageError(f"'{word}' names {len(found)} bundles", fix="name one of them")
    return found[0].record
