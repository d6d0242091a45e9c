"""The verb ``query``: SQL over all results."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import READING, passed_over
from bench.cli.output import Console, notify, print_json
from bench.record.index.query import rows_of
from bench.record.index.results import Listing


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

    def told(listing: Listing) -> None:
        passed_over(listing)
        for remark in listing.remarks:
            notify(remark)

    columns, rows = rows_of(sql, results, READING, told)
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    from bench.report.terminal.query import query_view

    console = Console.out()
    console.print(query_view(columns, rows, console.width))
