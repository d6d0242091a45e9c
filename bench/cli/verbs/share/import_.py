"""The verb ``import``: an archive or a tree of bundles, and older evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.catalog.model import Catalog
from bench.catalog.project import project_above, read_catalog
from bench.cli import options
from bench.cli.app import app
from bench.cli.output import Console, notify, print_json
from bench.cli.progress import Steps
from bench.cli.verbs.share.rows import import_document, import_notes, import_view
from bench.errors import ExitCode, UsageError
from bench.importer import Asked, Given, import_tree
from bench.names import NAMES, is_diagnostic_name, is_stamp
from bench.record.storage.archive import import_archive, is_archive
from bench.report.terminal.cells import text


@app.command("import")
def import_(
    source: Annotated[
        Path, typer.Argument(help="An archive, a folder of bundles or of older evidence, or one log.", metavar="F")
    ],
    results: options.Results = options.DEFAULT_RESULTS,
    name: Annotated[
        str | None, typer.Option("--name", help="The diagnostic's name, if older evidence has another.", metavar="NAME")
    ] = None,
    stamp: Annotated[
        str | None, typer.Option("--stamp", help="When older evidence was made, if its files do not say.", metavar="S")
    ] = None,
    ceiling: Annotated[
        str | None, typer.Option("--ceiling", help="The approved wall time that held then.", metavar="S")
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", help="The checkout whose bench.toml names the tests.", metavar="DIR")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,  # noqa: ARG001, its callback acts
) -> int:
    """Bring in bundles or older logs: an archive, a folder or a file.

    Example: bench import old-logs
    """
    asked = _asked(name, stamp, ceiling, project or project_above(source))
    if source.is_dir() or (source.is_file() and not is_archive(source)):
        tree = import_tree(source, results, asked, Steps("importing"))
        if json:
            print_json(import_document(tree))
        else:
            for line in import_notes(tree):
                notify(line)
            if len(tree.rows) == 1:
                Console.out().print(text(str(tree.rows[0].path)), soft_wrap=True)
            else:
                Console.out().print(import_view(tree))
        return ExitCode.DAMAGED if tree.damaged else ExitCode.OK
    if asked.is_any:
        raise UsageError(
            "--stamp, --name and --ceiling go with older evidence", fix="leave them away: bundles have theirs"
        )
    if not source.is_file():
        raise UsageError(f"there is no file or folder {source}", fix="give an archive or a folder of older evidence")
    archive = import_archive(source, results, follow=Steps("checking"))
    notes = [f"{path} was here already, the same" for path in archive.present]
    notes += [f"{path} was {was} where it was made; another run has that here" for path, was in archive.renamed.items()]
    if json:
        print_json({"imported": [str(path) for path in archive.imported], "notes": notes})
        return ExitCode.OK
    for note in notes:
        notify(note)
    for path in archive.imported:
        Console.out().print(text(str(path)), soft_wrap=True)
    return ExitCode.OK


def _asked(name: str | None, stamp: str | None, ceiling: str | None, project: Path | None) -> Asked:
    """What the command line sets of older evidence.

    Raises:
        UsageError: a name that no folder can have, no stamp, no duration, or no project.
    """
    if stamp is not None and not is_stamp(stamp):
        raise UsageError(f"--stamp '{stamp}' is not a stamp", fix="write UTC as in 20251015T173309Z")
    if name is not None and not is_diagnostic_name(name):
        raise UsageError(f"--name {name!r:.80} cannot name a diagnostic", NAMES)
    ceiling_s = options.duration_of(ceiling)
    if ceiling_s is not None and not 0 < ceiling_s < float("inf"):
        raise UsageError(f"--ceiling {ceiling} is no wall time", fix="give seconds above 0")
    catalog = read_catalog(project) if project is not None else Catalog(())
    return Asked(Given(name, ceiling_s, catalog), stamp)
