"""What a shell offers where TAB is pressed; a project that cannot be read offers nothing of its own."""

from __future__ import annotations

from pathlib import Path

import typer

from bench.catalog.load import builtin
from bench.catalog.model import Catalog
from bench.cli import options
from bench.errors import BenchError

Offer = tuple[str, str]
"""A word and, for the shells that show it, what it is."""


def names(context: typer.Context, incomplete: str) -> list[Offer]:
    """Diagnostics of the catalog, and of ``--project`` where that was given before."""
    return [(one.name, one.about) for one in _catalog(context).diagnostics if one.name.startswith(incomplete)]


def variant(context: typer.Context, incomplete: str) -> list[Offer]:
    """One variant of the catalog."""
    return [(one.name, one.about) for one in _catalog(context).variants if one.name.startswith(incomplete)]


def variants(context: typer.Context, incomplete: str) -> list[Offer]:
    """A further variant of a list with commas, in which none stands twice."""
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [(before + comma + name, about) for name, about in variant(context, last) if name not in given]


def _catalog(context: typer.Context) -> Catalog:
    project = context.params.get("project")
    try:
        return options.catalog_with(Path(project).expanduser() if project else None)
    except BenchError:
        return builtin()
