"""The cells that every table in the terminal is made of: text from records, states, bars (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from bench.report.presentation import stamp_text, state_text
from bench.report.status import State
from bench.report.text import plain
from bench.units import NOT_KNOWN

STYLES = {"bad": "bold red", "caution": "yellow", "good": "green", "none": "dim"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_TICKS = "▁▂▃▄▅▆▇█"


def text(value: object, style: str = "", width: int | None = None) -> Text:
    """Text from a record: no control codes reach the terminal, no markup reaches rich."""
    return Text(plain(value, width), style=style)


def state(value: State) -> Text:
    """A state with its sign, so that it reads without colour too."""
    return Text(state_text(value), style=STYLES[value.level])


def day(stamp: str) -> str:
    """A stamp for a table: ``2025-10-15 13:44``; what is no stamp is shown as it is."""
    return stamp_text(stamp, "%Y-%m-%d %H:%M", 16)


def bar(share: float | None, width: int, style: str = "cyan") -> Text:
    """A bar of ``share`` (0 to 1) of ``width`` columns, to an eighth of a column."""
    if share is None or not math.isfinite(share):
        return Text(NOT_KNOWN, style="dim")
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, rest = divmod(eighths, 8)
    drawn = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return Text(drawn or ("▏" if share > 0 else ""), style=style)


def signed_bar(value: float | None, most: float, half: int) -> Text:
    """A bar to the left (less time) or right (more) of a middle line; ``most`` fills a half of ``half`` columns."""
    if value is None or not math.isfinite(value) or most <= 0:
        return Text(" " * half + "│")
    columns = min(max(round(abs(value) / most * half), 1 if value else 0), half)
    if value < 0:
        return Text.assemble(" " * (half - columns), ("█" * columns, "green"), "│")
    return Text.assemble(" " * half, "│", ("█" * columns, "red"))


def sparkline(values: Sequence[float]) -> str:
    """The course of ``values`` in one character each."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if high <= low:
        return _TICKS[3] * len(values)
    return "".join(_TICKS[round((value - low) / (high - low) * (len(_TICKS) - 1))] for value in values)


def interval(low: float, middle: float, high: float, reach: float, half: int) -> Text:
    """An interval of ratios minus 1 on an axis from ``-reach`` to ``reach``, with 0 in the middle: ``  ├─●┼──┤ ``."""
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


def bullets(lines: Iterable[Text]) -> Table:
    """Sentences one below the other, indented alike where they are folded."""
    made = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        made.add_row("•", line)
    return made


def table(*columns: str, title: str | None = None, caption: str | None = None) -> Table:
    """A quiet table. A column named ``>…`` holds figures, right-aligned; neither it nor one named ``=…`` is folded."""
    made = Table(
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
