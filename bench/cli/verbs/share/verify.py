"""The verb ``verify``: whether bundles are as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.next_step import suggest
from bench.cli.output import Console, notify, print_json
from bench.cli.progress import Steps
from bench.errors import ExitCode
from bench.record.storage.archive import is_archive, verify_archive
from bench.record.storage.verify import verify
from bench.report.terminal.checks.verify import verify_view


@app.command("verify")
def verify_(
    path: Annotated[
        Path,
        typer.Argument(help="A bundle, a tree of bundles or an archive.", envvar="BENCH_RESULTS", metavar="[PATH]"),
    ] = options.DEFAULT_RESULTS,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Check hashes and schema of a bundle, a tree or an archive.

    Example: bench verify results
    """
    check = verify_archive if is_archive(path) and path.is_file() else verify
    report = check(path, Steps("checking"))
    if json:
        problems = [
            {"bundle": str(one.bundle), "file": one.problem.file, "reason": one.problem.reason}
            for one in report.problems
        ]
        print_json(
            {"bundles": [str(bundle) for bundle in report.bundles], "problems": problems, "twice": list(report.twins)}
        )
    else:
        for twin in report.twins:
            notify(f"there twice: {twin}")
        Console.out().print(verify_view(report))
        if not report.ok:
            suggest("list")
        elif path.is_file():
            suggest("import", path)
        elif report.bundles:
            suggest("report", path)
        else:
            suggest("list")
    return ExitCode.OK if report.ok else ExitCode.DAMAGED
