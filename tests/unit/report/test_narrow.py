"""Tables on narrow terminals: no word is cut, and nothing is wider than the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, Group, RenderableType

from bench.report.terminal.cells import table, text
from bench.report.terminal.narrow import shared

HEADS = ("figure", ">pairs", ">base", ">head", ">change", "99 % interval", "=verdict")
CELLS = ("peak_memory", "60", "330 MiB", "620 MiB", "+63.7 %", "1.05x to 2.3x", "undecided")


def shown(width: int, heads: tuple[str, ...] = HEADS, cells: tuple[str, ...] = CELLS) -> list[str]:
    out = io.StringIO()
    made = table(*heads)
    made.add_row(*cells)
    Console(file=out, width=width).print(made)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", range(30, 101, 5))
def test_no_width_cuts_a_word(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    assert [word for cell in CELLS for word in cell.split() if word not in words] == []


def test_what_does_not_fit_stands_below_one_another() -> None:
    lines = shown(60)
    assert lines[0] == "peak_memory"
    assert "  base           330 MiB" in lines
    assert "  verdict        undecided" in lines
    assert shown(100)[-1].split()[0] == "peak_memory"


def test_a_cell_that_holds_nothing_has_no_line_and_a_long_path_is_folded() -> None:
    lines = shown(30, ("a", "=b", "=c"), ("x", "", "y" * 40))
    assert [line.split()[0] for line in lines[:2]] == ["x", "c"]
    assert "".join(lines).count("y") == 40
    assert max(map(len, lines)) <= 30


def test_room_goes_to_the_narrowest_column_that_can_use_it() -> None:
    assert shared([3, 5], [3, 9], 10) == [3, 7]
    assert shared([2, 2], [9, 9], 10) == [5, 5]
    assert shared([2, 2], [3, 3], 10) == [3, 3]


def told(view: RenderableType, width: int, *, terminal: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=terminal).print(Group(view))
    return out.getvalue()


@pytest.mark.parametrize("width", range(14, 60))
def test_no_figure_is_parted_from_its_unit(width: int) -> None:
    said = "slower: wall +23.5 % (between -10.7 % and +35.1 %), 12 019 faults, 1 024.50 MiB in 3.40 ms"
    lines = told(text(said, "bold"), width).splitlines()
    assert " ".join(line.strip() for line in lines) == said, "nothing is lost"
    assert not [line for line in lines if line.split()[0] in ("%", "%),", "019", "MiB", "ms", "024.50")], lines
    made = table("what", "found")
    made.add_row(text("a name"), text("+35.1 %"))
    assert "+35.1 %" in told(made, width)


def test_a_figure_kept_whole_keeps_its_style() -> None:
    said = text("took 3.40 ms more", "bold")
    assert "3.40 ms" in told(said, 12)
    assert told(said, 12, terminal=True).count("\x1b[1m") == 2
