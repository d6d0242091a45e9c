"""The verb ``export``: bundles in one archive that another machine imports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.inputs import bundles_named
from bench.cli.next_step import suggest
from bench.cli.output import notify, print_json
from bench.cli.progress import Steps
from bench.errors import ExitCode
from bench.record.storage.archive import export
from bench.units import counted


@app.command("export")
def export_(
    bundles: Annotated[
        list[str], typer.Argument(help="Results: ids, bundles, folders of them, or host ids.", metavar="RESULT...")
    ],
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
    notify(f"{counted(len(found), 'bundle')} in {output}")
    suggest("import", output)
    return ExitCode.OK
