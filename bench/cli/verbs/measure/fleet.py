"""The verb ``fleet``: one diagnostic on many machines, then all of them side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import commands, completion, options
from bench.cli.app import app
from bench.cli.inputs import entry_of
from bench.cli.next_step import suggest
from bench.cli.output import Console, notify, print_json
from bench.compare.ranking import rank
from bench.errors import ExitCode, NotComparable, UsageError, gravest
from bench.fleet.legs import plan_legs
from bench.fleet.run import run_legs
from bench.record.storage.bundle import read_bundle
from bench.record.storage.disk import check_results_folder
from bench.report.terminal.cells import table, text
from bench.report.terminal.compare import ranking_view
from bench.report.terminal.results import results_table


@app.command(cls=commands.CommandVerb, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def fleet(
    context: typer.Context,
    host: Annotated[list[str], typer.Option("--host", help="A Docker engine's URL; repeat it.", metavar="URL")],
    name: Annotated[
        str | None,
        typer.Argument(help="A name that 'bench list' shows.", show_default=False, autocompletion=completion.names),
    ] = None,
    project: options.Project = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Run a diagnostic or a command on many machines; compare them.

    A command stands behind --. Options of 'run' are passed on.

    Example: bench fleet grad_cpu --host ssh://one --host ssh://two
    """
    words, passed_on = commands.words_of(context), list(context.args)
    if name is not None and name.startswith("-"):  # an option of run's, if no NAME was given
        passed_on, name = [name, *passed_on], None
    if name is not None:  # what stands behind -- are more options of run's
        options.diagnostic_called(name, project)
        passed_on += words or ()
    elif not words:
        raise UsageError("nothing to run was named", fix="give a NAME that 'bench list' shows, or a command behind --")
    passed_on += () if project is None else ("--project", str(project))
    legs = plan_legs(name or words or "", host, passed_on, results)
    check_results_folder(results)
    ends = run_legs(legs, notify)
    bundles = [read_bundle(end.bundle) for end in ends if end.bundle is not None]
    records = [bundle.record for bundle in bundles]
    try:
        ranking = rank(records, 0) if len(records) > 1 else None
    except NotComparable as error:
        ranking = None
        notify(str(error))
    if json:
        rows = [{"host": end.host, "exit_code": end.exit_code, "path": end.bundle, "said": end.said} for end in ends]
        print_json({"legs": [{**row, "path": row["path"] and str(row["path"])} for row in rows], "ranking": ranking})
    else:
        out = Console.out()
        out.print(results_table([entry_of(bundle) for bundle in bundles]))
        if ranking is not None:
            out.print(ranking_view(ranking))
        lost = table("host without a result", ">exit code", "why")
        for end in (end for end in ends if end.bundle is None):
            lost.add_row(text(end.host), str(end.exit_code), text(end.said))
        if lost.row_count:
            out.print(lost)
        suggest(*(("report", *(bundle.path for bundle in bundles)) if bundles else ("doctor", "--host", host[0])))
    return int(gravest([end.exit_code for end in ends], ExitCode.NOT_MEASURED))
