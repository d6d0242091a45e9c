"""An archive that a node sent, brought into the results: checked like any other from a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.record.storage.archive import import_archive
from bench.record.storage.temporary import temporary_folder


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a leg's bundle is now, its diagnostic, other bundles that came along, and the places of all on the node."""

    own: Path | None
    name: str | None
    others: tuple[Path, ...]
    places: tuple[str, ...]


def take(archive: bytes, own: str | None, results: Path) -> Taken:
    """Import an archive and return what became of it.

    Args:
        archive: the archive, as ``bench export`` makes it.
        own: the place of the leg's own bundle in it.
        results: the results folder.

    Raises:
        BenchError: it is damaged or does not fit, or the results folder cannot be written; nothing came in.
    """
    with temporary_folder("fleet") as folder:
        file = folder / "leg.tar.zst"
        file.write_bytes(archive)
        report = import_archive(file, results)
    came = {
        report.renamed.get(path, path.relative_to(results).as_posix()): path
        for path in (*report.imported, *report.present)
    }
    path = came.get(own) if own is not None else None
    others = tuple(one for one in report.imported if one != path)
    return Taken(path, path.parent.name if path is not None else None, others, tuple(came))
