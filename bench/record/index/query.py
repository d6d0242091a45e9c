"""SQL over all results of a folder: a DuckDB that reads the index and reaches no other file."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UsageError
from bench.record.index.columns import AT, COLUMNS
from bench.record.index.entries import Entry, index_folder
from bench.record.index.listing import list_results
from bench.record.index.results import Listing
from bench.record.index.tables import MEMORY, Builder, have_all, held, known_as, note_all, place_for, tables_file
from bench.record.schema import Record
from bench.record.storage.bundle import read_bundle
from bench.record.storage.find import Follow

if TYPE_CHECKING:
    import duckdb
    import numpy as np

Answer = tuple[list[str], list[tuple[Any, ...]]]


def rows_of(sql: str, root: Path, follow: Follow = iter, told: Callable[[Listing], object] = lambda _: None) -> Answer:
    """Return column names and rows that a query over a folder's results yields.

    Tables: ``results`` (one row a bundle), ``runs``, ``tests``, ``metrics``, ``warnings``, ``work``; nested keys are
    joined with ``_`` (``cpu_user_s``), and each table has the result's ``id``.

    Args:
        sql: one statement or more, of which the last one answers.
        root: the folder of results.
        follow: given the folders whose record is read.
        told: is given what was found, before the query is run.

    Raises:
        UsageError: there is no statement, or the query is wrong, in DuckDB's words.
    """
    import duckdb  # here, since no other verb needs it

    _check(sql)
    with place_for(index_folder(root)) as folder:
        file = tables_file(folder)
        listing = up_to_date(root, file, follow)
        told(listing)
        try:
            return _ask(sql, file, listing)
        except (duckdb.InternalException, duckdb.FatalException, duckdb.IOException, duckdb.SerializationException):
            # Damaged since it was written, which DuckDB notices as it reads: made anew, once.
            file.unlink(missing_ok=True)
            listing = up_to_date(root, file, follow)
            return _ask(sql, file, listing)


def _check(sql: str) -> None:
    """Refuse what holds no statement.

    Raises:
        UsageError: it is empty, or no SQL.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _wrong(error) from None
    if not statements:
        raise UsageError("there is no statement to run", "the text is empty", 'as in "select count(*) from results"')


def up_to_date(root: Path, file: Path, follow: Follow = iter) -> Listing:
    """Bring the tables of a folder up to date, and return its results.

    Args:
        root: the folder of results.
        file: the file of the tables.
        follow: given the folders whose record is read.
    """
    import duckdb

    there: set[int] | None = None
    builder: Builder | None = None
    about = known_as(file)
    with contextlib.ExitStack() as stack:

        def known() -> set[int]:
            nonlocal there
            if there is None:
                there = held(file)
                if not there:
                    file.unlink(missing_ok=True)
            return there

        def built() -> Builder:
            nonlocal builder
            if builder is None:
                try:
                    builder = stack.enter_context(Builder(file, file if known() else None))
                except (duckdb.Error, OSError):  # damaged, or taken away since it was looked at
                    known().clear()
                    builder = stack.enter_context(Builder(file, None))
            return builder

        def take(entry: Entry, record: Record) -> None:
            if entry.at not in known():
                built().add(entry.at, record)
                known().add(entry.at)

        listing = list_results(root, follow, take)
        if builder is None and have_all(file, listing):
            return listing
        wanted = listing.numbers()
        missing = wanted - known()
        entries = {listing.path(one): one for one in listing.entries if one.at in missing} if missing else {}
        for path in follow(list(entries)):
            with contextlib.suppress(BenchError):  # changed or removed since: the next command tells
                take(entries[path], read_bundle(path, explained=False).record)
        gone = known() - wanted
        if builder is not None or gone or not file.is_file():
            built().drop(gone)
            about = built().publish()
        if wanted <= known():
            note_all(file, about, listing)
    return listing


def _ask(sql: str, file: Path, listing: Listing) -> Answer:
    import duckdb

    config = {"memory_limit": MEMORY, "temp_directory": "", "autoinstall_known_extensions": "false"}
    with duckdb.connect(":memory:", config=config) as connection:
        place = str(file).replace("'", "''")
        whole = have_all(file, listing)
        connection.execute(f"ATTACH '{place}' AS kept (READ_ONLY)")
        # Asked before and after, since another command may have put another file there.
        hidden = () if whole and have_all(file, listing) else held_but(connection, listing.numbers())
        if len(hidden):
            connection.execute(f"CREATE TEMP TABLE hidden ({AT} BIGINT)")
            connection.register("batch", {AT: hidden})
            connection.execute("INSERT INTO hidden SELECT * FROM batch")
            connection.unregister("batch")
        without = f" WHERE {AT} NOT IN (SELECT {AT} FROM hidden)" if len(hidden) else ""  # noqa: S608
        for name in COLUMNS:
            connection.execute(f"CREATE VIEW {name} AS SELECT * EXCLUDE ({AT}) FROM kept.{name}{without}")  # noqa: S608
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            return _interruptible(connection, sql)
        except (duckdb.InternalException, duckdb.FatalException, duckdb.IOException, duckdb.SerializationException):
            raise
        except duckdb.Error as error:
            raise _wrong(error) from None


def held_but(connection: duckdb.DuckDBPyConnection, wanted: Collection[int]) -> np.ndarray[Any, Any]:
    """Return the numbers of results that the attached tables have and nobody wants: a twin's, or one removed since."""
    import numpy as np  # here, since tables that have just what is wanted need none of it

    found = connection.execute(f"SELECT {AT} FROM kept.results").fetchnumpy()[AT]  # noqa: S608, our own names
    return np.setdiff1d(np.asarray(found, dtype=np.int64), np.array(list(wanted), dtype=np.int64))


def _wrong(error: Exception) -> UsageError:
    return UsageError("the query failed", " ".join(str(error).split()), "bench query 'describe runs' lists the columns")


def _interruptible(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Run a query so that Ctrl-C and SIGTERM end it: DuckDB looks for neither while it works."""
    done: list[Answer] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def work() -> None:
        try:
            made = connection.execute(sql)
            done.append(([column[0] for column in made.description or []], made.fetchall() if made.description else []))
        except BaseException as error:
            failed.append(error)
        finally:
            over.set()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        while not over.wait(0.2):
            pass
    except BaseException:
        connection.interrupt()
        worker.join(5)
        raise
    worker.join()
    if failed:
        raise failed[0]
    return done[0]
