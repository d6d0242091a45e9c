"""The tables of a folder's results in a file of DuckDB's, of which each command that changes it makes its own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bench.record.index.columns import AT, COLUMNS, Rows
from bench.record.index.entries import make
from bench.record.storage.temporary import temporary_folder

if TYPE_CHECKING:
    import duckdb

    from bench.record.index.results import Listing
    from bench.record.schema import Record

BATCH_ROWS = 50_000
MEMORY = "512MB"
_LEFT_S = 3600.0
"""A half-made file so old is a killed command's."""


def _name() -> str:
    """The file's name: another form of the tables, or another DuckDB, has another."""
    import duckdb

    form = repr([(name, [(one.name, one.kind) for one in columns]) for name, columns in COLUMNS.items()])
    return f"tables-{hashlib.sha256(form.encode()).hexdigest()[:8]}-{duckdb.__version__}.duckdb"


def tables_file(folder: Path) -> Path:
    """Return the file of an index's folder."""
    return folder / _name()


def held(file: Path) -> set[int]:
    """Return the numbers of the results whose rows a file has; none if it is missing or damaged."""
    import duckdb

    if not file.is_file():
        return set()
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            found = connection.execute(f"SELECT {AT} FROM results").fetchnumpy()[AT]  # noqa: S608, our own names
    except duckdb.Error:
        return set()
    return set(found.tolist())


def have_all(file: Path, listing: Listing) -> bool:
    """Return whether it is known of a file that it has the rows of just these results, without looking into it."""
    digest = listing.digest()
    if not digest:
        return False
    try:
        return _note(file).read_bytes() == digest + known_as(file)
    except OSError:
        return False


def note_all(file: Path, about: bytes, listing: Listing) -> None:
    """Note for :func:`have_all` that a file has the rows of just these results; no matter if the disk refuses.

    Args:
        file: where the file lies.
        about: :func:`known_as` of the file that was looked into or made: another command may have put its own there.
        listing: the results.
    """
    digest = listing.digest()
    if digest and about:
        with contextlib.suppress(OSError):
            _note(file).write_bytes(digest + about)


def known_as(file: Path) -> bytes:
    """Return what a file is told from others by, wherever it is moved; empty if it is missing."""
    try:
        about = file.stat()
    except OSError:
        return b""
    return repr((about.st_ino, about.st_size, about.st_mtime_ns)).encode()


def _note(file: Path) -> Path:
    return file.with_suffix(".all")


class Builder:
    """A new file of tables, made from an old one's rows and further records; use as a context manager.

    Nobody else sees it before :meth:`publish`.
    """

    def __init__(self, file: Path, old: Path | None) -> None:
        self._file = file
        handle, name = tempfile.mkstemp(prefix=".", suffix=".making", dir=file.parent)
        os.close(handle)
        self._fresh = Path(name)
        self._old = old
        self._rows = Rows()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        import duckdb

        if self._old is not None:
            shutil.copyfile(self._old, self._fresh)
        else:
            self._fresh.unlink()
        config = {"memory_limit": MEMORY, "temp_directory": "", "preserve_insertion_order": "true"}
        self._connection = duckdb.connect(str(self._fresh), config=config)
        if self._old is None:
            for name, columns in COLUMNS.items():
                listed = ", ".join(f'"{column.name}" {column.kind}' for column in columns)
                self._connection.execute(f"CREATE TABLE {name} ({AT} BIGINT, {listed})")
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        for suffix in ("", ".wal"):
            with contextlib.suppress(OSError):
                Path(f"{self._fresh}{suffix}").unlink()

    @property
    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise RuntimeError("it is closed")
        return self._connection

    def drop(self, gone: Collection[int]) -> None:
        """Take out the rows of results that are there no more."""
        if gone:
            import numpy as np  # here, since only a file that is made needs it

            numbers = {AT: np.array(sorted(gone), dtype=np.int64)}
            self._open.register("gone", numbers)
            for name in COLUMNS:
                self._open.execute(f"DELETE FROM {name} WHERE {AT} IN (SELECT {AT} FROM gone)")  # noqa: S608

    def add(self, at: int, record: Record) -> None:
        """Add a record's rows under its number."""
        self._rows.add(at, record)
        if len(self._rows) >= BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        from bench.record.index.arrays import arrays

        for name, rows in self._rows.take().items():
            batch = arrays(name, rows)
            values = ", ".join(
                f'CASE WHEN "?{key}" THEN NULL ELSE "{key}" END' if f"?{key}" in batch else f'"{key}"'
                for key in (AT, *(column.name for column in COLUMNS[name]))
            )
            self._open.register("batch", batch)
            self._open.execute(f"INSERT INTO {name} SELECT {values} FROM batch")  # noqa: S608, our own names
            self._open.unregister("batch")

    def publish(self) -> bytes:
        """Put the file where others find it, and return what it is known as.

        Raises:
            OSError: the disk refuses.
        """
        self._flush()
        self._open.execute("CHECKPOINT")
        self._open.close()
        self._connection = None
        about = known_as(self._fresh)
        self._fresh.replace(self._file)
        return about


@contextlib.contextmanager
def place_for(folder: Path) -> Iterator[Path]:
    """Yield the folder of an index, or a temporary one if that cannot be written."""
    try:
        make(folder)
        handle, name = tempfile.mkstemp(dir=folder)
        os.close(handle)
        Path(name).unlink()
    except OSError:
        with temporary_folder("index") as other:
            yield other
        return
    tidy(folder)
    yield folder


def tidy(folder: Path) -> None:
    """Remove what killed commands left half made, and the tables of older versions."""
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            old = path.lstat().st_mtime < time.time() - _LEFT_S
            if old and (
                path.name.startswith(".") or (path.suffix in (".duckdb", ".all") and path.stem != Path(_name()).stem)
            ):
                path.unlink()
