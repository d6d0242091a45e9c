"""``bench import``: what came out of each folder, as a table, as lines and as one document."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.importer.result.rows import Came, ImportedTree, Row
from bench.record.storage.archive import ImportReport
from bench.record.storage.bundle import read_bundle
from bench.report.terminal.cells import table, text

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES: dict[Came, str] = {
    "imported": "green",
    "present": "dim",
    "skipped": "dim",
    "refused": "yellow",
    "damaged": "bold red",
}
_SAID: dict[Came, str] = {"present": "here already", "skipped": "left out"}


def import_view(tree: ImportedTree) -> RenderableType:
    """Return a view of how many came in, with a line for each result and each folder without one."""
    from rich.console import Group

    counted = Counter(row.came for row in tree.rows)
    said = ", ".join(f"{counted[came]} {_SAID.get(came, came)}" for came in _STYLES if counted[came])
    made = table("source", "came out", "outcome", "as, or why not")
    for row in tree.rows:
        outcome = row.record.outcome if row.record is not None else ""
        made.add_row(
            text(row.source), text(_SAID.get(row.came, row.came), _STYLES[row.came]), text(outcome), text(_told(row))
        )
    return Group(text(said), made)


def archive_rows(archive: ImportReport, source: str) -> list[Row]:
    """Return a row for each bundle of an archive, which is called ``source``."""
    rows = [
        Row(
            source,
            "imported",
            f"another run has its id {archive.renamed[path]}" if path in archive.renamed else None,
            path,
        )
        for path in archive.imported
    ]
    rows += [Row(source, "present", None, path) for path in archive.present]
    return [replace(row, record=read_bundle(row.path).record) for row in rows if row.path is not None]


def import_notes(tree: ImportedTree) -> list[str]:
    """Return what a person should know of the results: faults of their files by line, and guessed stamps."""
    notes = [str(problem) for problem in tree.problems]
    one = len(tree.rows) == 1
    guesses: dict[str, list[str]] = {}
    inferred: dict[str, list[str]] = {}
    for row in tree.rows:
        if row.came == "present" and one:
            notes.append(f"{row.path} was here already, the same")
        elif row.reason is not None and one:
            notes.append(row.reason)
        if row.came == "present" or row.record is None:
            notes += [str(problem) for problem in row.problems if row.came != "present"]
            continue
        notes += [str(problem) for problem in row.problems]
        run = next(iter(row.record.runs), None)  # a result that was not measured has none
        for warning in run.warnings if run is not None else ():
            if warning.code == "outcome_inferred":
                inferred.setdefault(warning.message, []).append(row.source)
        if "stamp" in row.record.unavailable:
            guesses.setdefault(row.record.unavailable["stamp"], []).append(row.record.stamp)
    for message, sources in inferred.items():
        named = sources[0] if len(sources) == 1 else f"{len(sources)} results"
        notes.append(message if one else f"{named}: {message}")
    for why, stamps in guesses.items():
        said = f"the stamp {stamps[0]} is a guess" if len(stamps) == 1 else f"{len(stamps)} stamps are guesses"
        notes.append(f"{said}: {why}; --stamp gives the right one")
    return list(dict.fromkeys(notes))


def import_document(tree: ImportedTree) -> dict[str, Any]:
    """Return what came in as a document for programs; ``imported`` and ``notes`` as for an archive."""
    return {
        "imported": [str(row.path) for row in tree.rows if row.came == "imported"],
        "notes": import_notes(tree),
        "folders": [
            {
                "source": row.source,
                "result": row.came,
                "reason": row.reason,
                "path": None if row.path is None else str(row.path),
                "id": None if row.record is None else row.record.id,
                "outcome": None if row.record is None else row.record.outcome,
                "problems": [str(problem) for problem in row.problems],
            }
            for row in tree.rows
        ],
    }


def _told(row: Row) -> str:
    if row.came in ("imported", "present") and row.record is not None:
        return row.record.id if row.reason is None else f"{row.record.id}; {row.reason}"
    return row.reason or ""
