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

import numpy as np

from bench.record.index.arrays import arrays
from bench.record.index.columns import AT, COLUMNS, Rows
from bench.record.index.entries import make
from bench.record.storage.temporary import temporary_folder

if TYPE_CHECKING:
    import duckdb

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
        for name, rows in self._rows.take().items():
            batch = arrays(name, rows)
            values = ", ".join(
                f'CASE WHEN "?{key}" THEN NULL ELSE "{key}" END' if f"?{key}" in batch else f'"{key}"'
                for key in (AT, *(column.name for column in COLUMNS[name]))
            )
            self._open.register("batch", batch)
            self._open.execute(f"INSERT INTO {name} SELECT {values} FROM batch")  # noqa: S608, our own names
            self._open.unregister("batch")

    def publish(self) -> None:
        """Put the file where others find it.

        Raises:
            OSError: the disk refuses.
        """
        self._flush()
        self._open.execute("CHECKPOINT")
        self._open.close()
        self._connection = None
        self._fresh.replace(self._file)


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
            if old and (path.name.startswith(".") or (path.suffix == ".duckdb" and path.name != _name())):
                path.unlink()
