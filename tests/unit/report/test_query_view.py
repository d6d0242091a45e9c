from __future__ import annotations

import re
from decimal import Decimal

import pytest

from bench.report.terminal.query import number, query_view
from tests.unit.report.test_terminal import shown

WIDE = [f"a_rather_long_name_{at}" for at in range(12)]


def test_a_table_has_its_numbers_whole_and_to_the_right() -> None:
    rows = [["h", 844.9412345678901, 7, None], ["other-host", 1.25, 1234567, 2.5]]
    lines = shown(query_view(["host", "wall_s", "n", "none"], rows, 60), width=60).splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["h", "844.941", "7", "–"],
        ["other-host", "1.25", "1234567", "2.5"],
    ]
    assert len({len(line.rstrip()) for line in lines[2:]} | {lines[0].rindex("none") + 4}) <= 2
    assert re.search(r" wall_s +n +none", lines[0])


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_is_too_wide_stands_one_below_the_other(width: int) -> None:
    rows = [[float(at) for at in range(12)], ["text " * 40] * 12]
    said = shown(query_view(WIDE, rows, width), width=width)
    assert max(map(len, said.splitlines())) <= width
    assert re.search(r"^row 2$", said, re.MULTILINE)
    for name in WIDE:
        assert len(re.findall(rf"^{name} ", said, re.MULTILINE)) == 2


def test_a_long_text_is_folded_before_the_table_is_given_up() -> None:
    said = shown(query_view(["why", "wall_s"], [["word " * 30, 1.5]], 60), width=60)
    assert "row 1" not in said
    assert "1.5" in said.splitlines()[2]


def test_no_row_is_no_failure_however_many_columns() -> None:
    assert "host" in shown(query_view(["host"], [], 60))
    assert shown(query_view(WIDE, [], 60)).startswith("no row; columns a_rather_long_name_0,")
    assert shown(query_view([], [], 60)).strip() == ""


def test_names_and_values_are_text_and_no_markup() -> None:
    said = shown(query_view([">name", "=other", "x[bold]"], [["\x1b[31mred", "[red]a", True]], 60))
    for part in (">name", "=other", "x[bold]", "red", "[red]a", "True"):
        assert part in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("value", "said"),
    [(844.94, "844.94"), (3.1e-7, "3.1e-07"), (1065734110.4, "1065734110"), (2.0, "2"), (1e300, "1e+300")],
)
def test_numbers(value: float, said: str) -> None:
    assert number(value) == said
    assert said in shown(query_view(["x"], [[Decimal(value)]], 60))


@pytest.mark.parametrize(("width", "fits"), [(10, True), (9, False)])
def test_a_table_stays_one_as_long_as_the_gaps_between_its_columns_have_room(width: int, fits: bool) -> None:
    said = shown(query_view(["a", "n"], [["hello", 123]], width), width=width)
    assert ("row 1" not in said) is fits, said
