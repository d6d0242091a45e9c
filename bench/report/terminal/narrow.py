"""A table that breaks no word, and text that parts no figure from its unit.

If a table's columns do not fit the terminal, each of its rows stands as lines below one another.
"""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.containers import Lines
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_LONGEST = 24
"""A word of more characters, as a path or a hash, may be folded."""
GAP = 2
"""Columns between two of a table: a cell's padding, and what stands between."""


_WITHIN = re.compile(
    r"(?<=\d) (?=(?:%|[nmµ]?s|min|h|[KMGT]i?B|kB|B|[kMG]?Hz|[kMGT]?FLOP)(?!\w)|\d{3}(?!\d))|(?<=,) (?=[+-]\d)"
)
"""The space within a figure: before its unit, between its thousands, and before one that follows its word."""
_JOINT = "\ue000"
"""Stands for that space while lines are broken: a character of nobody's, as wide, at which no line is broken."""


class Whole(Text):
    """Text of which no line ends within a figure."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Break it into lines, as :meth:`rich.text.Text.wrap` does but for figures.

        Args:
            console: what they are shown on.
            width: columns of the longest.
            how: passed on.
        """
        lines = self._joined().wrap(console, width, **how)
        for line in lines:
            line.plain = line.plain.replace(_JOINT, " ")
        return lines

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Its least width is that of its longest word or figure."""
        return self._joined().__rich_measure__(console, options)

    def _joined(self) -> Text:
        made = self.copy()
        made.plain = _WITHIN.sub(_JOINT, self.plain)
        return made


class NarrowTable(Table):
    """A table of which a narrow terminal gets all the words."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it as it is, with the columns that its words need, or row by row."""
        for column in self.columns:
            column.width = None
        wide = options.update(max_width=10_000)
        most = self._widths(console, wide, whole=True)
        room = options.max_width - GAP * (len(self.columns) - 1)
        if sum(most) > room and self.columns:
            least = self._widths(console, wide, whole=False)
            if sum(least) > room:
                yield from self._stacked()
                return
            for column, width in zip(self.columns, shared(least, most, room), strict=True):
                column.width = width
        yield from super().__rich_console__(console, options)

    def _widths(self, console: Console, wide: ConsoleOptions, *, whole: bool) -> list[int]:
        """What each column takes so that no line of it is folded (``whole``), or no word."""
        found = []
        for column in self.columns:
            measured = [console.measure(cell, options=wide) for cell in (column.header, *column.cells)]
            if whole or column.no_wrap:
                found.append(max(one.maximum for one in measured))
            else:
                found.append(max(min(one.minimum, _LONGEST) for one in measured))
        return found

    def _stacked(self) -> RenderResult:
        """Each row: its first cell, and below it the others that hold something, each with its column's name."""
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            yield cells[0]
            rows = Table.grid(padding=(0, 2, 0, 0))
            rows.add_column(no_wrap=True)
            rows.add_column(overflow="fold")
            for column, cell in zip(self.columns[1:], cells[1:], strict=True):
                if not isinstance(cell, str | Text) or str(cell).strip():
                    name = column.header.copy() if isinstance(column.header, Text) else Text(str(column.header))
                    name.stylize("dim")
                    rows.add_row(name, cell)
            yield Padding(rows, (0, 0, 0, 2))


def shared(least: list[int], most: list[int], room: int) -> list[int]:
    """Return widths between ``least`` and ``most`` that fill the room, the narrowest first served.

    Args:
        least: what each column needs.
        most: what each column can use, no less than that.
        room: columns there are, no fewer than the sum of ``least``.
    """
    widths = list(least)
    left = room - sum(least)
    while left > 0:
        growing = [at for at, width in enumerate(widths) if width < most[at]]
        if not growing:
            break
        widths[min(growing, key=widths.__getitem__)] += 1
        left -= 1
    return widths
