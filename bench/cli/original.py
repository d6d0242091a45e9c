"""The one result that a word of the command line means: a bundle, or an archive of one, as it was written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.compare.sample import walls
from bench.errors import DamagedData, UsageError
from bench.record.archive import import_archive
from bench.record.bundle import Bundle, read_bundle
from bench.record.find import find_bundles
from bench.record.schema import Record
from bench.record.verify import verify_bundle


def original(word: str, results: Path) -> Record:
    """The record that is meant, of a bundle that is as it was written.

    Raises:
        DamagedData: it is not, or has a wall time that nothing can be compared with.
        UsageError: the word names no bundle, or more than one.
    """
    with _bundle(word, results) as found:
        problems = verify_bundle(found.path)
        if problems:
            raise DamagedData(f"{found.path} is not as it was written", str(problems[0]), "restore it from its source")
        walls(found.record)  # after the runs it would be too late
        return found.record


@contextmanager
def _bundle(word: str, results: Path) -> Iterator[Bundle]:
    """The one bundle that is meant; of an archive, unpacked to a folder that goes."""
    path = Path(word)
    if path.is_file() and path.name != "record.json":
        with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
            imported = import_archive(path, Path(folder)).imported
            if len(imported) != 1:
                raise UsageError(f"{path} holds {len(imported)} bundles", fix="import it and name one of them")
            yield read_bundle(imported[0])
        return
    bundles = find_bundles(word, results)
    if len(bundles) != 1:
        raise UsageError(f"'{word}' names {len(bundles)} bundles", fix="name one of them")
    yield bundles[0]
