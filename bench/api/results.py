"""Results as a sequence: each a record with the place of its bundle, together a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, overload

from bench import units
from bench.api import frames
from bench.api.html import table
from bench.api.tables import TableName, columns_of
from bench.errors import BenchError, UsageError
from bench.record.schema import Outcome, Record, Status

SHOWN = 200
"""Rows that a notebook is given; it names how many more there are."""


@dataclass(frozen=True, slots=True)
class Result:
    """One result: a diagnostic that ran once or more on one host.

    ``record`` has all that was recorded: SI base units, the unit in the name (``_s``, ``_bytes``), ``None`` for what
    could not be had, with the reason by path in ``record.unavailable``. ``path`` is the folder of its bundle, ``None``
    if it was read from an archive.
    """

    record: Record
    path: Path | None = None

    @property
    def id(self) -> str:
        """``HOST/NAME/STAMP``, its place in a results folder."""
        return self.record.id

    @property
    def name(self) -> str:
        """The diagnostic's name, as in ``grad_cpu``."""
        return self.record.diagnostic.name

    @property
    def host(self) -> str:
        """The id of the host's class."""
        return self.record.host.id

    @property
    def stamp(self) -> str:
        """When it was made: UTC, ``YYYYMMDDTHHMMSSZ``."""
        return self.record.stamp

    @property
    def outcome(self) -> Outcome:
        """How it ended, as in ``passed``."""
        return self.record.outcome

    @property
    def status(self) -> Status:
        """The verdict that it was given when it was made."""
        return self.record.verdict.status

    @property
    def wall_s(self) -> tuple[float, ...]:
        """Wall times of the runs that passed, in seconds, in their order; warm-ups are not among them."""
        runs = (run for run in self.record.measured_runs if run.outcome == "passed")
        return tuple(run.wall_s for run in runs if run.wall_s is not None)

    def _repr_html_(self) -> str:
        return Results((self,))._repr_html_()


class Results(Sequence[Result]):
    """Results in order of host, name and stamp.

    Args:
        results: what it holds.
        problems: what was passed over: bundles that could not be read, if asked for, and those that are there twice.
    """

    def __init__(self, results: Iterable[Result] = (), problems: Iterable[BenchError] = ()) -> None:
        self._results = tuple(results)
        self.problems = tuple(problems)

    @overload
    def __getitem__(self, at: int) -> Result: ...
    @overload
    def __getitem__(self, at: slice) -> Results: ...
    def __getitem__(self, at: int | slice) -> Result | Results:
        return Results(self._results[at]) if isinstance(at, slice) else self._results[at]

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return f"<{units.counted(len(self), 'result')} of {', '.join(self.names) or 'nothing'}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The diagnostics that there are results of, sorted."""
        return tuple(sorted({result.name for result in self}))

    def of(self, name: str) -> Results:
        """Return the results of one diagnostic.

        Raises:
            UsageError: there is none.
        """
        found = Results(result for result in self if result.name == name)
        if not found:
            raise UsageError(
                f"there is no result of {name!r}", fix=f"there are {', '.join(self.names) or 'none at all'}"
            )
        return found

    def to_arrow(self, of: TableName = "runs") -> Any:
        """Return a ``pyarrow.Table``; what could not be had is null.

        Args:
            of: ``runs``, a row a run; ``tests``, a row a pytest node of each run; ``metrics``, a row a number that a
                test gave. Warm-ups are left out. Units stand in the columns' names, and in ``unit`` of a metric.

        Raises:
            NotMeasured: pyarrow is not installed.
            UsageError: there is no such table.
        """
        return frames.arrow(columns_of(self._records, of))

    def to_pandas(self, of: TableName = "runs") -> Any:
        """Return a ``pandas.DataFrame`` of nullable types, as :meth:`to_arrow` has it.

        Raises:
            NotMeasured: pandas is not installed.
            UsageError: there is no such table.
        """
        return frames.pandas(columns_of(self._records, of))

    def to_polars(self, of: TableName = "runs") -> Any:
        """Return a ``polars.DataFrame``, as :meth:`to_arrow` has it.

        Raises:
            NotMeasured: polars is not installed.
            UsageError: there is no such table.
        """
        return frames.polars(columns_of(self._records, of))

    @property
    def _records(self) -> tuple[Record, ...]:
        return tuple(result.record for result in self)

    def _repr_html_(self) -> str:
        heads = ("host", "diagnostic", "stamp", "outcome", "status", "runs", "median wall s")
        left = f"and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        return table(heads, [_row(result) for result in self._results[:SHOWN]], left)


def _row(result: Result) -> tuple[str, ...]:
    times = result.wall_s
    typical = f"{median(times):.4g}" if times else "none"
    known = result.host, result.name, result.stamp, result.outcome, result.status
    return (*known, str(len(result.record.measured_runs)), typical)
