"""The cells that every table in the terminal is made of: text from records, states, bars (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.report.presentation import stamp_text, state_text
from bench.report.status import State
from bench.report.terminal.narrow import NarrowTable, Whole
from bench.report.text import plain
from bench.units import NOT_KNOWN

if TYPE_CHECKING:
    from bench.compare.work.difference import WorkDifference

STYLES = {"bad": "bold red", "caution": "yellow", "good": "green", "none": "dim"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_TICKS = "▁▂▃▄▅▆▇█"


def text(value: object, style: str = "", width: int | None = None) -> Text:
    """Return text from a record for a cell: no control codes reach the terminal, no markup reaches rich.

    Args:
        value: what to show.
        style: of rich.
        width: the most characters.
    """
    return Whole(plain(value, width), style=style)


def state(value: State) -> Text:
    """Return a state with its sign, so that it reads without colour too."""
    return Text(state_text(value), style=STYLES[value.level])


def day(stamp: str) -> str:
    """Return a stamp for a table: ``2025-10-15 13:44``; what is no stamp is shown as it is."""
    return stamp_text(stamp, "%Y-%m-%d %H:%M", 16)


def bar(share: float | None, width: int, style: str = "cyan") -> Text:
    """Return a bar, drawn to an eighth of a column; a sign that nothing is known without a share.

    Args:
        share: from 0 to 1.
        width: columns of the whole.
        style: of rich.
    """
    if share is None or not math.isfinite(share):
        return Text(NOT_KNOWN, style="dim")
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, rest = divmod(eighths, 8)
    drawn = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return Text(drawn or ("▏" if share > 0 else ""), style=style)


def signed_bar(value: float | None, most: float, half: int) -> Text:
    """Return a bar to the left (less time) or the right (more time) of a middle line.

    Args:
        value: how long the bar is.
        most: the value that fills a half.
        half: columns of a half.
    """
    if value is None or not math.isfinite(value) or most <= 0:
        return Text(" " * half + "│")
    columns = min(max(round(abs(value) / most * half), 1 if value else 0), half)
    if value < 0:
        return Text.assemble(" " * (half - columns), ("█" * columns, "green"), "│")
    return Text.assemble(" " * half, "│", ("█" * columns, "red"))


def sparkline(values: Sequence[float]) -> str:
    """Return the course of ``values`` above 0 in one character each, from zero up: half as high is half as much."""
    high = max(values, default=0.0)
    if not high > 0:
        return ""
    return "".join(_TICKS[max(round(value / high * len(_TICKS)), 1) - 1] for value in values)


def interval(low: float, middle: float, high: float, reach: float, half: int) -> Text:
    """Return an interval of ratios minus 1 on an axis with 0 in its middle: ``  ├─●┼──┤ ``.

    Args:
        low: the lower end.
        middle: the estimate.
        high: the upper end.
        reach: the axis is from ``-reach`` to ``reach``.
        half: columns of a half.
    """
    width = 2 * half + 1
    at = [min(max(round(half + value / reach * half), 0), width - 1) for value in (low, middle, high)]
    drawn = [" "] * width
    for column in range(at[0], at[2] + 1):
        drawn[column] = "─"
    drawn[half] = "┼" if at[0] <= half <= at[2] else "│"
    drawn[at[0]], drawn[at[2]] = ("├" if low >= -reach else "◂"), ("┤" if high <= reach else "▸")
    drawn[at[1]] = "●"
    style = "red" if low > 0 else "green" if high < 0 else "cyan"
    return Text("".join(drawn), style=style)


def indented(line: Text) -> Padding:
    """Return a line that is indented as a whole if it is folded."""
    return Padding(line if line.no_wrap else Whole.assemble(line), (0, 0, 0, 2))


def written_line(path: str) -> Text:
    """Return where a bundle lies, on one line however narrow the terminal: it is to be pasted."""
    return whole(Text.assemble("  ", ("written to ", "dim"), text(path)))


def whole(line: Text) -> Text:
    """Return a line that is not folded: it is to be pasted; whoever prints it crops nothing."""
    line.no_wrap, line.overflow = True, "ignore"
    return line


def bullets(lines: Iterable[Text]) -> Table:
    """Return sentences one below the other, indented alike if they are folded."""
    made = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        made.add_row("•", line)
    return made


def table(*columns: str, title: str | None = None, caption: str | None = None) -> Table:
    """Return an empty table without lines around it.

    Args:
        columns: their names. One ``>…`` holds figures, right-aligned; neither it nor one named ``=…`` is folded.
        title: stands above.
        caption: stands below.
    """
    made = NarrowTable(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        title=Text(plain(title)) if title else None,
        title_justify="left",
        title_style="bold",
        caption=Text(plain(caption)) if caption else None,
        caption_justify="left",
        caption_style="dim",
        pad_edge=False,
        header_style="bold",
    )
    for name in columns:
        if name.startswith(">"):
            made.add_column(text(name[1:]), justify="right", no_wrap=True)
        elif name.startswith("="):
            made.add_column(text(name[1:]), no_wrap=True)
        else:
            made.add_column(text(name), overflow="fold")
    return made


def work_tables(work: WorkDifference | None) -> list[RenderableType]:
    """Return what was counted on both sides: sums, the operators that differ most, rates; nothing without any."""
    if work is None:
        return []
    from bench.report.work import work_heads, work_rows  # here, since most results have none

    if not work_rows(work):
        return []
    made = table(*work_heads([work]))
    for row in work_rows(work):
        made.add_row(*(text(cell) for cell in row.cells))
    return [Text(), made]
