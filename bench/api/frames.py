"""Columns as a table of pyarrow, pandas or polars, none of which comes with bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from bench.api.tables import Column, Kind
from bench.errors import NotMeasured

_ARROW: Mapping[Kind, str] = {"text": "string", "whole": "int64", "real": "float64"}
_PANDAS: Mapping[Kind, str] = {"text": "string", "whole": "Int64", "real": "Float64"}
_POLARS: Mapping[Kind, str] = {"text": "String", "whole": "Int64", "real": "Float64"}


def arrow(columns: Sequence[Column]) -> Any:
    """Return a ``pyarrow.Table``.

    Raises:
        NotMeasured: pyarrow is not installed.
    """
    pyarrow = _library("pyarrow", "arrow")
    arrays = [pyarrow.array(column.values, getattr(pyarrow, _ARROW[column.kind])()) for column in columns]
    return pyarrow.table(arrays, names=[column.name for column in columns])


def pandas(columns: Sequence[Column]) -> Any:
    """Return a ``pandas.DataFrame``; its types have a null of their own, so that no whole number becomes a real one.

    Raises:
        NotMeasured: pandas is not installed.
    """
    library = _library("pandas", "pandas")
    made = {column.name: library.array(column.values, dtype=_PANDAS[column.kind]) for column in columns}
    return library.DataFrame(made)


def polars(columns: Sequence[Column]) -> Any:
    """Return a ``polars.DataFrame``.

    Raises:
        NotMeasured: polars is not installed.
    """
    library = _library("polars", "polars")
    schema = {column.name: getattr(library, _POLARS[column.kind]) for column in columns}
    return library.DataFrame({column.name: column.values for column in columns}, schema=schema)


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        fix = f"pip install 'bench-reproducer[{extra}]'"
        cause = "it is not installed" if getattr(error, "name", None) == name else f"it cannot be imported: {error}"
        raise NotMeasured(f"{name} is needed for this table", cause, fix) from error
