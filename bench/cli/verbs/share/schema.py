"""The verb ``schema``: the JSON Schema of a record."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.next_step import suggest, usual_results
from bench.cli.output import print_json, print_text
from bench.errors import UsageError
from bench.record.jsonschema import json_schema, schema_markdown


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
    if not json:
        suggest("verify" if usual_results().exists() else "list")
