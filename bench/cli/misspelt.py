"""A test that pytest does not find: what its file holds instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bench.record.schema import Record

_REFUSED = "pytest refused the command line or the node: "
"""How the supervisor's signature of such a run begins."""
_NOT_FOUND = ("not found: ", "found no collectors for ")
"""What pytest says of a node that is not there; it refuses for other reasons too, as a conftest that fails."""
_SHOWN = 10
_MAX_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Misspelt:
    """``said`` is what is wrong in a line; ``meant`` the node that was probably meant, ``None`` if none is like it."""

    said: str
    meant: str | None


def refused(record: Record) -> bool:
    """Return whether pytest did not find the node of a result."""
    said = [run.signature for run in record.runs if (run.signature or "").startswith(_REFUSED)]
    return any(one in (signature or "") for signature in said for one in _NOT_FOUND)


def misspelt(record: Record, project: Path | None) -> Misspelt | None:
    """Return what is wrong with a node that pytest refused; ``None`` if it is there, or nobody can tell.

    Args:
        record: the result.
        project: the folder that the node is of.
    """
    node = record.diagnostic.node
    if project is None or not node or not refused(record):
        return None
    file, _, test = node.partition("::")
    if not (project / file).exists():
        return _no_file(project, file, test)
    found = tests_in(project / file)
    name = test.partition("[")[0]
    if not test or found is None or name in found or any(one.startswith(f"{name}::") for one in found):
        return None
    others = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    near = get_close_matches(name, found, 1)
    said = f"no such test: {node}; tests in this file: {others or 'none'}"
    return Misspelt(said, f"{file}::{near[0]}" if near else None)


def _no_file(project: Path, file: str, test: str) -> Misspelt:
    beside = (project / file).parent
    names = sorted(path.name for path in beside.glob("*test*.py")) if beside.is_dir() else []
    near = get_close_matches(Path(file).name, names, 1)
    meant = str(Path(file).with_name(near[0])) if near else None
    said = f"no such file: {file}" + (f"; files of tests beside it: {', '.join(names[:_SHOWN])}" if names else "")
    return Misspelt(said, f"{meant}::{test}" if meant and test else meant)


def tests_in(path: Path) -> list[str] | None:
    """Return the tests that stand in a file, as pytest names them by default; ``None`` if it cannot be read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        return list(_tests(ast.parse(path.read_bytes()).body, ""))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _tests(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for one in body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test"):
            yield f"{prefix}{one.name}"
        elif isinstance(one, ast.ClassDef):
            yield from _tests(one.body, f"{prefix}{one.name}::")
