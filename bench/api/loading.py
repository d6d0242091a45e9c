"""Reads results: a bundle, a folder of bundles, an archive."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.api.results import Result, Results
from bench.errors import UsageError
from bench.record.storage.bundle import RECORD, Bundle, read_bundle
from bench.record.storage.find import scan_named


def load(path: str | os.PathLike[str], *, skip_damaged: bool = False) -> Results:
    """Return the results that a path names.

    Args:
        path: a bundle, a folder of bundles at any depth, a ``record.json``, or an archive of ``bench export``
            (``.tar.zst``, ``.tar.gz``), which is checked as ``bench import`` does and left where it is.
        skip_damaged: pass over bundles that cannot be read; ``problems`` of what is returned has why.

    Raises:
        UsageError: there is nothing there.
        DamagedData: a bundle among them cannot be read, the folder holds none, or the archive is none of bundles.
    """
    place = Path(path)
    if place.is_file() and place.name != RECORD:
        return _archive(place)
    if not place.exists():
        raise UsageError(f"there is nothing at {place}", fix="give a bundle, a folder of bundles or an archive")
    found = scan_named(place)
    if found.problems and not skip_damaged:
        raise found.problems[0]
    return Results(map(_result, found.bundles), (*found.problems, *found.twins))


def _archive(path: Path) -> Results:
    from bench.record.storage.archive import import_archive  # its decompressor is read for none but archives

    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        bundles = [read_bundle(bundle) for bundle in import_archive(path, Path(folder)).imported]
    return Results(Result(bundle.record) for bundle in sorted(bundles, key=lambda bundle: bundle.key))


def _result(bundle: Bundle) -> Result:
    return Result(bundle.record, bundle.path)
