"""Rows as columns of numbers and texts, as DuckDB takes them in at once (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bench.record.index.columns import AT, COLUMNS, LIST, MOST

MOST_TEXT = 16_384
"""Characters of one value: a record from anywhere can hold a book."""
Arrays = dict[str, np.ndarray[Any, Any]]


def arrays(table: str, rows: Iterable[tuple[Any, ...]]) -> Arrays:
    """Return the columns of a table; ``?name`` tells where a column has no value, or none that fits it.

    A number that is missing is not a number in its array, which DuckDB reads as null.
    """
    columns = COLUMNS[table]
    names = (AT, *(column.name for column in columns))
    kinds = ("BIGINT", *(column.kind for column in columns))
    made: Arrays = {}
    for name, kind, values in zip(names, kinds, zip(*rows, strict=True), strict=True):
        if kind == "DOUBLE":
            made[name] = np.array([_number(value) for value in values], dtype=np.float64)
        elif kind in ("VARCHAR", LIST):
            # Never a None among them: DuckDB tells a column's type by a sample of its values.
            write = _list if kind == LIST else _text
            made[name] = np.empty(len(values), dtype=object)
            made[name][:] = ["" if value is None else write(value) for value in values]
            _mark(made, name, np.array([value is None for value in values]))
        else:
            missing = np.array([value is None or not -MOST <= value < MOST for value in values])
            plain = [0 if gone else value for value, gone in zip(values, missing, strict=True)]
            made[name] = np.array(plain, dtype=np.bool_ if kind == "BOOLEAN" else np.int64)
            _mark(made, name, missing)
    return made


def _mark(made: Arrays, name: str, missing: np.ndarray[Any, Any]) -> None:
    if missing.any():
        made[f"?{name}"] = missing


def _list(values: Iterable[float]) -> str:
    """Numbers as text that DuckDB reads as a list."""
    return f"[{', '.join(map(repr, values))}]"


def _text(value: str) -> str:
    return value if len(value) <= MOST_TEXT else f"{value[:MOST_TEXT]}…"


def _number(value: float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:  # a whole number beyond all of them
        return None
