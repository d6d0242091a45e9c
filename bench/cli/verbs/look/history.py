"""The verb ``history``: all results of a diagnostic over time."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import completion, options
from bench.cli.app import app
from bench.cli.inputs import all_results, entry_of
from bench.cli.output import Console, notify, print_json
from bench.run.baseline import history as results_of


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
        from bench.report.terminal.history import history_view

        Console.out().print(history_view([entry_of(bundle) for bundle in bundles]))
