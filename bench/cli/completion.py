"""What a shell offers at TAB, without reading a verb; a project that cannot be read offers nothing of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer import _completion_shared

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.catalog.model import Catalog

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
        return options.catalog_with(None)


_ANSWER = '\n\n(( ${+compstate} )) && %(complete_func)s "$@"\n'
"""zsh reads the script at the first TAB, which then wants an answer; read from a start-up file it has no compstate."""


def mend_zsh() -> None:
    """Make the first TAB of a zsh complete: typer's script defines the function and leaves calling it to the second."""
    scripts = _completion_shared._completion_scripts
    if _ANSWER not in scripts.get("zsh", _ANSWER):
        scripts["zsh"] = scripts["zsh"].rstrip() + _ANSWER
