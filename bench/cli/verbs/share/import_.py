"""The verb ``import``: an archive of bundles, or a folder of older evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import options
from bench.cli.app import app
from bench.cli.output import Console, notify, print_json
from bench.cli.progress import Steps
from bench.errors import ExitCode, UsageError
from bench.importer import import_folder
from bench.names import is_stamp
from bench.record.storage.archive import import_archive
from bench.report.terminal.cells import text


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
