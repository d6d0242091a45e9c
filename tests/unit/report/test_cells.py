from __future__ import annotations

from html.parser import HTMLParser

import pytest

from bench.report.html.cells import attributes, escaped, rows_html
from bench.report.html.model import Cell, Row, Table, columns
from bench.report.text import plain
from tests.unit.report.hostile import MARKUP


class Reader(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text between."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "cell",
    [Cell(MARKUP), Cell(MARKUP, MARKUP), Cell(MARKUP, level=MARKUP), Cell(MARKUP, href=MARKUP)],
    ids=["text", "order", "level", "href"],
)
def test_markup_in_any_part_of_a_table_stays_text(cell: Cell) -> None:
    row = Row((cell, cell), MARKUP, MARKUP, MARKUP, MARKUP)
    read = Reader(f"<table>{rows_html(Table('', columns('a', '>b'), (row,)))}</table>")
    assert {tag for tag, _ in read.elements} <= {"table", "tr", "th", "td", "a", "span"}
    assert read.text == 2 * plain(MARKUP)
    line = read.elements[1][1]
    assert set(line) == {"id", "data-host", "data-diagnostic", "data-state"}
    assert set(line.values()) == {plain(MARKUP)}
    allowed = {"scope", "class", "data-v", "href"}
    assert all(set(about) <= allowed for _, about in read.elements[2:])


def test_a_line_has_a_heading_figures_and_what_orders_them() -> None:
    row = Row((Cell("h"), Cell("1.50 s", 1.5), Cell("–"), Cell("x", level="bad"), Cell("y", 2, href="a-1")), "h")
    assert rows_html(Table("", columns("host", ">wall", ">user", "state", "result"), (row,))) == (
        '<tr data-host="h"><th scope="row">h</th><td class="n" data-v="1.5">1.50 s</td><td class="n">–</td>'
        '<td><span class="level-bad">x</span></td><td data-v="2"><a href="#a-1">y</a></td></tr>'
    )


def test_a_line_that_does_not_fit_its_columns_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        rows_html(Table("", columns("a", "b"), (Row((Cell("x"),)),)))


def test_attributes_leave_out_what_is_not_known() -> None:
    assert attributes() == ""
    assert attributes(state="ok") == ' data-state="ok"'
    assert escaped("a\x1b[31m&\"'<") == "a&amp;&quot;&#x27;&lt;"
