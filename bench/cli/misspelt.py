"""A test that could not begin: what its file holds instead if pytest does not find it, and what to install for it."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from bench.catalog.model import TORCH
from bench.cli.options import named_in
from bench.files import read_plain
from bench.record.schema import Record

_REFUSED = "pytest refused the command line or the node: "
"""How the supervisor's signature of such a run begins."""
_NOT_FOUND = ("not found: ", "found no collectors for ")
"""What pytest reports of a node that is not there; it refuses for other reasons too, as a conftest that fails."""
_LISTED = "--requirements"
_ENVIRONMENTS = (".venv", "venv")
"""Where a project's own environment usually lies."""
_SHOWN = 10
_LOOKED_AT = 20
_USUAL = "requirements.txt"
"""The file in which a project lists packages, if it has one."""
_MAX_BYTES = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Misspelt:
    """``said`` is what is wrong in a line; ``meant`` the node that was probably meant, ``None`` if none is like it;
    ``option`` the option that the same command is to have, with its value; ``None`` if no package is missing.
    """

    said: str
    meant: str | None
    option: tuple[str, str] | None = None


def refused(record: Record) -> bool:
    """Return whether pytest did not find the node of a result."""
    said = [run.signature for run in record.runs if (run.signature or "").startswith(_REFUSED)]
    return any(one in (signature or "") for signature in said for one in _NOT_FOUND)


def misspelt(record: Record, project: Path | None) -> Misspelt | None:
    """Return what is wrong with a node that pytest refused; ``None`` if it is there, or nobody knows.

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


def wrong_with(
    record: Record, project: Path | None, requirements: Path | str | None, *, installs: bool
) -> Misspelt | None:
    """Return why a test could not begin, if its node or a package is to blame; else ``None``.

    Args:
        record: the result.
        project: the folder that the node is of.
        requirements: the requirements file that was named.
        installs: whether packages come from such a file, and not with an interpreter of the user's own.
    """
    found = misspelt(record, project)
    return lacks(record, project, requirements) if found is None and installs else found


def lacks(record: Record, project: Path | None, given: Path | str | None) -> Misspelt | None:
    """Return what to install for a test that lacks a module or a plugin; ``None`` if it lacks none.

    Args:
        record: the result.
        project: the folder that the node is of.
        given: the requirements file that was named.
    """
    found = [found for run in record.runs if (found := _LACKS.search(run.signature or ""))]
    if not found or record.diagnostic.source.kind == "catalog":
        return None
    what = next(filter(None, found[0].groups()))
    folder = project or Path()
    top = what.split(".")[0]
    if any((folder / inside / name).exists() for inside in ("", "src") for name in (top, f"{top}.py")):
        return None  # the project's own: no package brings it
    if top == TORCH:
        return Misspelt("the image has no torch; the other one has", None, ("--image", TORCH))
    given = given or _named_in(folder, record.diagnostic.name)
    said = _how_to_install(what, folder, given) + _own_environment(folder)
    return Misspelt(said, None, (_LISTED, str(given or folder / _USUAL)))


def _how_to_install(what: str, folder: Path, given: Path | str | None) -> str:
    """What to do so that a package is there in a run of a project."""
    usual, declared = folder / _USUAL, folder / "pyproject.toml"
    if given is not None:
        return f"add the package that brings '{what}' to {given}"
    if usual.is_file():
        return f"'{what}' is missing: packages are installed only if a file names them; {usual} is there"
    if declared.is_file():
        made = shlex.join(("uv", "pip", "compile", str(declared), "-o", str(usual)))
        return f"'{what}' is missing: write a file {usual} with what pyproject.toml lists as dependencies: {made}"
    return f"'{what}' is missing: write a file {usual} with what the test imports, one package a line"


def _own_environment(folder: Path) -> str:
    """That the test may run where the user runs it, if that is seen."""
    found = next((one for name in _ENVIRONMENTS if (one := folder / name / "bin" / "python").exists()), None)
    return f"; or measure without a container in your own environment: --python {found.parent.parent}" if found else ""


def _named_in(project: Path, name: str) -> str | None:
    """The requirements file that a project's own catalog names for a diagnostic."""
    known = named_in(project).get(name)
    return None if known is None or known.requirements is None else str(project / known.requirements)


_LACKS = re.compile(
    r"No module named '?([\w.]+)|the test imports '([\w.]+)'|the project loads '([\w.]+)'|pytest's plugin ([\w.-]+)"
)


def _no_file(project: Path, file: str, test: str) -> Misspelt:
    beside = (project / file).parent
    names = sorted(path.name for path in beside.glob("*test*.py")) if beside.is_dir() else []
    near = get_close_matches(Path(file).name, names, 1)
    meant = str(Path(file).with_name(near[0])) if near else None
    said = f"no such file: {file}" + (f"; files of tests beside it: {', '.join(names[:_SHOWN])}" if names else "")
    return Misspelt(said, f"{meant}::{test}" if meant and test else meant)


def first_test(project: Path) -> str | None:
    """Return a test of a project as a node: the first one in its root, or in its folder of tests; ``None`` if there is
    none that is seen.
    """
    files = (path for inside in ("", "test", "tests") for path in sorted((project / inside).glob("test_*.py")))
    for path in islice(files, _LOOKED_AT):
        found = tests_in(path)
        if found:
            return f"{path.relative_to(project).as_posix()}::{found[0]}"
    return None


def tests_in(path: Path) -> list[str] | None:
    """Return the tests that stand in a file, as pytest names them by default; ``None`` if it cannot be read."""
    try:
        return list(_tests(ast.parse(read_plain(path, _MAX_BYTES)).body, ""))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _tests(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for one in body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test"):
            yield f"{prefix}{one.name}"
        elif isinstance(one, ast.ClassDef):
            yield from _tests(one.body, f"{prefix}{one.name}::")
