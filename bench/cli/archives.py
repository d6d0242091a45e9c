"""The verbs for evidence as data: ``export``, ``import``, ``verify``, ``schema``, ``query``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import all_results, bundles_named
from bench.cli.output import Console, notify, print_json, print_text
from bench.cli.progress import Steps
from bench.errors import ExitCode, UsageError
from bench.names import is_stamp
from bench.record.archive import export, import_archive
from bench.record.describe import schema_markdown
from bench.record.jsonschema import json_schema
from bench.record.legacy import import_folder
from bench.record.verify import verify
from bench.report.terminal.cells import text
from bench.report.terminal.query import query_view
from bench.report.terminal.verify import verify_view
from bench.run.query import rows_of


@app.command("export")
def export_(
    bundles: Annotated[list[str], typer.Argument(help="Bundles, folders of bundles or host ids.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="F.tar.zst or F.tar.gz.", metavar="F")],
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Put bundles into one archive that another machine imports.

    Example: bench export results -o runs.tar.zst
    """
    found = {bundle.path.resolve(): bundle.path for group in bundles_named(bundles, results) for bundle in group}
    export(list(found.values()), output, Steps("packing"))
    if json:
        print_json({"archive": str(output), "bundles": [str(path) for path in found.values()]})
        return ExitCode.OK
    notify(f"{len(found)} bundle{'s' if len(found) != 1 else ''} in {output}")
    return ExitCode.OK


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="An archive, or a folder of older evidence.", metavar="F")],
    results: options.Results = options.DEFAULT_RESULTS,
    stamp: Annotated[
        str | None, typer.Option("--stamp", help="When older evidence was made, if its files do not say.", metavar="S")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Bring in an archive of bundles, or a folder of older evidence.

    Example: bench import runs.tar.zst
    """
    if stamp is not None and not is_stamp(stamp):
        raise UsageError(f"--stamp '{stamp}' is not a stamp", fix="write UTC as in 20251015T173309Z")
    if source.is_dir():
        legacy = import_folder(source, results, stamp=stamp)
        paths, notes = legacy.paths, [str(problem) for problem in legacy.problems]
        notes += [
            f"the stamp {record.stamp} is a guess: {record.unavailable['stamp']}; --stamp gives the right one"
            for record in legacy.records
            if "stamp" in record.unavailable
        ]
    elif stamp is not None:
        raise UsageError("--stamp goes with a folder of older evidence", fix="leave it away: bundles have their own")
    elif source.is_file():
        archive = import_archive(source, results, follow=Steps("checking"))
        paths, notes = archive.imported, [f"{path} was here already, the same" for path in archive.present]
    else:
        raise UsageError(f"there is no file or folder {source}", fix="give an archive or a folder of older evidence")
    if json:
        print_json({"imported": [str(path) for path in paths], "notes": notes})
        return ExitCode.OK
    for note in notes:
        notify(note)
    for path in paths:
        Console.out().print(text(str(path)), soft_wrap=True)
    return ExitCode.OK


@app.command("verify")
def verify_(
    path: Annotated[Path, typer.Argument(help="A bundle or a tree of bundles.")] = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Check hashes and schema of one bundle or of a whole tree.

    Example: bench verify results
    """
    report = verify(path, Steps("checking"))
    if json:
        problems = [
            {"bundle": str(one.bundle), "file": one.problem.file, "reason": one.problem.reason}
            for one in report.problems
        ]
        print_json({"bundles": [str(bundle) for bundle in report.bundles], "problems": problems})
    else:
        Console.out().print(verify_view(report))
    return ExitCode.OK if report.ok else ExitCode.DAMAGED


@app.command()
def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Tables of the keys, as docs/record.md has them.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Print the JSON Schema of a record.

    Example: bench schema > record.schema.json
    """
    if markdown and json:
        raise UsageError("--markdown is not JSON", fix="leave one of the two away: without both it is JSON")
    if markdown:
        print_text(schema_markdown())
    else:
        print_json(json_schema())


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL over the tables results, runs, tests, metrics and warnings.")],
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Ask all results with SQL (DuckDB's).

    Example: bench query "select host, median(wall_s) from runs group by host"
    """
    columns, rows = rows_of(sql, [bundle.record for bundle in all_results(results)])
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    console = Console.out()
    console.print(query_view(columns, rows, console.width))
