"""``bench list``: the catalog with the last result of each diagnostic here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from bench import units
from bench.report.terminal.cells import day, state, table, text

if TYPE_CHECKING:
    from rich.table import Table

    from bench.catalog.model import Catalog
    from bench.report.entry import Entry


def catalog_table(catalog: Catalog, last: Mapping[str, Entry]) -> Table:
    """Return one line a diagnostic: device, ceiling, timeout and the last result.

    Args:
        catalog: what can be run.
        last: the newest result by the diagnostic's name; a name without one has none.
    """
    made = table("=name", "=device", ">ceiling", ">timeout", "last result (UTC)")
    for diagnostic in catalog.diagnostics:
        made.add_row(
            text(diagnostic.name, "bold"),
            text(diagnostic.device),
            units.seconds(diagnostic.ceiling_s),
            units.seconds(diagnostic.timeout_s),
            _last(last.get(diagnostic.name)),
        )
    return made


def _last(entry: Entry | None) -> Text:
    if entry is None:
        return Text("no result here", style="dim")
    wall = f"{units.seconds(entry.wall_s)}  " if entry.wall_s is not None else ""
    return Text.assemble(state(entry.state), f"  {wall}", (day(entry.record.stamp)[:10], "dim"))
