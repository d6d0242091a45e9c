"""The verb ``query``: SQL over all results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import READING, passed_over
from bench.cli.next_step import results_words, suggest
from bench.cli.output import Console, notify, print_json
from bench.record.index.query import rows_of
from bench.record.index.results import Listing


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL over the tables results, runs, tests, metrics, warnings and work.")],
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> None:
    """Ask all results with SQL (DuckDB's).

    Example: bench query "select host, wall_s from runs where not warmup"
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
    suggest(*_next(columns, rows), *results_words(results))


_NAMES = "select id, outcome, status from results"


def _next(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> tuple[str, ...]:
    """What looks closer at the first result that the rows name, or else names some."""
    if "id" not in columns:
        return ("query", _NAMES)
    at = columns.index("id")
    named = next((str(row[at]) for row in rows if row[at]), None)
    return ("list",) if named is None else ("report", named)
