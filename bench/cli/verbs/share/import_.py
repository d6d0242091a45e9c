"""The verb ``import``: archives or trees of bundles, older evidence, and what other tools wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.catalog.model import Catalog
from bench.catalog.project import project_above, read_catalog
from bench.cli import options
from bench.cli.app import app
from bench.cli.next_step import suggest
from bench.cli.output import Console, notify, print_json
from bench.cli.progress import Steps
from bench.cli.verbs.share.rows import archive_rows, import_document, import_notes, import_view
from bench.cli.verbs.share.standard_input import HERE, is_standard_input, with_standard_input
from bench.errors import DamagedData, ExitCode, UsageError
from bench.importer import Asked, Given, import_tree
from bench.importer.result.rows import ImportedTree, Row
from bench.names import NAMES, is_diagnostic_name, is_stamp
from bench.record.storage.archive import import_archive, is_archive
from bench.record.storage.manifest import Problem
from bench.report.terminal.cells import text


@app.command("import")
def import_(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Archives, folders of bundles or of older evidence, logs, or what other benchmark tools write; "
            "- is standard input.",
            metavar="FILE...",
        ),
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
    """Bring in bundles, older logs or other tools' results.

    Example: bench import old-logs
    """
    for source in sources:
        if source != HERE and not source.exists():
            raise UsageError(f"there is no file or folder {source}", fix="give an archive, a folder or a file")
    with with_standard_input(sources) as files:
        first = files[0]
        if len(files) == 1 and first.is_file() and is_archive(first):
            return _archive(first, results, _asked(name, stamp, ceiling, project), json=json)
        above = project or project_above(Path.cwd() if sources[0] == HERE else first)
        tree = import_all(files, results, _asked(name, stamp, ceiling, above))
    if json:
        print_json(import_document(tree))
        return ExitCode.DAMAGED if tree.damaged else ExitCode.OK
    for line in import_notes(tree):
        notify(line)
    if len(tree.rows) == 1 and tree.rows[0].path is not None:
        Console.out().print(text(str(tree.rows[0].path)), soft_wrap=True)
    elif len(tree.rows) > 1:
        Console.out().print(import_view(tree))
    paths = [row.path for row in tree.rows if row.path is not None]
    suggest(*(("report", paths[0]) if paths else ("list",)))
    return ExitCode.DAMAGED if tree.damaged else ExitCode.OK


def import_all(sources: Sequence[Path], results: Path, asked: Asked) -> ImportedTree:
    """Import one source after another; of several, one that cannot be read is a row and the rest comes in.

    Args:
        sources: what the command line names.
        results: the results folder.
        asked: what it gives beside them.

    Raises:
        UsageError: what is given does not fit, or the results folder cannot be written.
        DamagedData: the only source cannot be read.
        NotMeasured: the disk is full.
    """
    if len(sources) == 1:
        return import_tree(sources[0], results, asked, Steps("importing"))
    if asked.is_any and any(map(_is_archive, sources)):
        raise UsageError(_OLDER_ONLY, fix=_LEAVE_AWAY)
    if asked.stamp is not None:
        raise UsageError(f"--stamp is for one result, and here are {len(sources)} files", fix="import them one by one")
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            if _is_archive(source):
                rows += archive_rows(import_archive(source, results, follow=Steps("checking")), str(source))
                continue
            tree = import_tree(source, results, asked, Steps("importing"))
        except (DamagedData, UsageError) as error:
            if asked.is_any and isinstance(error, UsageError):
                raise
            rows.append(Row(str(source), "damaged", error.what if not error.cause else f"{error.what}: {error.cause}"))
            continue
        rows += [replace(row, source=_placed(row.source, source)) for row in tree.rows]
        problems += [replace(problem, file=_placed(problem.file, source)) for problem in tree.problems]
    return ImportedTree(tuple(rows), tuple(problems))


_OLDER_ONLY = "--stamp, --name and --ceiling go with older evidence"
_LEAVE_AWAY = "leave them away: bundles have theirs"


def _is_archive(source: Path) -> bool:
    return source.is_file() and is_archive(source)


def _placed(name: str, source: Path) -> str:
    """The name that a row has within its source, from where the command was given."""
    if is_standard_input(source):
        return name
    if source.is_dir():
        return str(source) if name == source.name else f"{source}/{name}"
    return f"{source}{name.removeprefix(source.name)}" if name.startswith(source.name) else f"{source}: {name}"


def _archive(source: Path, results: Path, asked: Asked, *, json: bool) -> int:
    if asked.is_any:
        raise UsageError(_OLDER_ONLY, fix=_LEAVE_AWAY)
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
    here = [*archive.imported, *archive.present]
    suggest(*(("explain", here[0]) if here else ("list",)))
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
