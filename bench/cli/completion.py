"""What a shell offers at TAB, without reading a verb; a project that cannot be read offers nothing of its own."""

from __future__ import annotations

import ast
from functools import cache
from importlib.resources import files
from pathlib import Path

import typer
from typer import _completion_shared

from bench.catalog.load import builtin
from bench.catalog.model import Catalog
from bench.errors import BenchError

Offer = tuple[str, str]
"""A word and, for the shells that show it, what it is."""


def names(context: typer.Context, incomplete: str) -> list[Offer]:
    """Return diagnostics of the catalog, and of ``--project`` if that was given before."""
    return [(one.name, one.about) for one in _catalog(context).diagnostics if one.name.startswith(incomplete)]


def variant(context: typer.Context, incomplete: str) -> list[Offer]:
    """Return one variant of the catalog."""
    return [(one.name, one.about) for one in _catalog(context).variants if one.name.startswith(incomplete)]


def variants(context: typer.Context, incomplete: str) -> list[Offer]:
    """Return a further variant of a list with commas, in which none stands twice."""
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [(before + comma + name, about) for name, about in variant(context, last) if name not in given]


def _catalog(context: typer.Context) -> Catalog:
    from bench.cli import options  # what a verb needs is not read for the names of verbs

    project = context.params.get("project")
    try:
        return options.catalog_with(Path(project).expanduser() if project else None)
    except BenchError:
        return builtin()


_ANSWER = '\n\n(( ${+compstate} )) && %(complete_func)s "$@"\n'
"""zsh reads the script at the first TAB, which then wants an answer; read from a start-up file it has no compstate."""


def mend_zsh() -> None:
    """Make the first TAB of a zsh complete: typer's script defines the function and leaves calling it to the second."""
    scripts = _completion_shared._completion_scripts
    if _ANSWER not in scripts.get("zsh", _ANSWER):
        scripts["zsh"] = scripts["zsh"].rstrip() + _ANSWER


def purpose(verb: str, module: str) -> str | None:
    """Return the docstring of the function that a module registers as ``verb``; None if there is none."""
    for node in _parsed(module).body:
        if isinstance(node, ast.FunctionDef) and verb in {node.name, *_registered_as(node)}:
            return ast.get_docstring(node)
    return None


def _registered_as(function: ast.FunctionDef) -> list[object]:
    """The plain words given to a function's decorators, as ``list`` in ``@app.command("list")``."""
    given = [word for one in function.decorator_list if isinstance(one, ast.Call) for word in one.args]
    return [word.value for word in given if isinstance(word, ast.Constant)]


@cache
def _parsed(module: str) -> ast.Module:
    package, _, name = module.rpartition(".")
    return ast.parse(files(package).joinpath(f"{name}.py").read_text(encoding="utf-8"))
