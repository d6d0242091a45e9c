"""``bench list``: the catalog, what each measures, and how it last went here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from bench import units
from bench.report.presentation import time_text
from bench.report.terminal.cells import day, indented, state, table, text

if TYPE_CHECKING:
    from rich.table import Table

    from bench.catalog.model import Catalog
    from bench.report.entry import Entry


def catalog_table(catalog: Catalog, here: Mapping[str, Entry], anywhere: Mapping[str, Entry]) -> Table:
    """Return each diagnostic with what it measures, ceiling, timeout and the last result.

    Args:
        catalog: what can be run.
        here: the newest result of this host by the diagnostic's name; a name without one has none.
        anywhere: the newest result of any host.
    """
    made = table("name, what it measures, last result here (UTC)", ">ceiling", ">timeout")
    for diagnostic in catalog.diagnostics:
        last = _last(here.get(diagnostic.name), anywhere.get(diagnostic.name))
        lines = [*([text(diagnostic.about)] if diagnostic.about else []), last]
        cell = Group(text(diagnostic.name, "bold"), *map(indented, lines))
        made.add_row(cell, units.seconds(diagnostic.ceiling_s), units.seconds(diagnostic.timeout_s))
    return made


def _last(here: Entry | None, anywhere: Entry | None) -> Text:
    if here is not None:
        return Text.assemble(state(here.state), "  ", text(here.record.stamp, "dim"), f"  {_wall(here)}")
    if anywhere is None:
        return Text("no result here", style="dim")
    return text(f"no result here; the last, of {anywhere.record.host.id}: {_wall(anywhere)}", "dim")


def _wall(entry: Entry) -> str:
    return f"{time_text(entry)} on {day(entry.record.stamp)[:10]}"
