from __future__ import annotations

from html.parser import HTMLParser

import pytest

from bench.report.html.cells import attributes, escaped, number_of, rows_html, shape
from bench.report.html.model import Cell, Row, Table, columns
from bench.report.text import plain
from tests.support.hostile import MARKUP


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
    row = Row((Cell("h"), Cell("1.50 s", 1.7), Cell("–"), Cell("x", level="bad"), Cell("y", 2, href="a-1")), "h")
    table = Table("", columns("host", ">wall", ">user", "state", "result"), (row,))
    assert shape(table) == "n2 n3 told"
    assert shape(Table("", columns(">run", ">wall"), ())) == "n1 n2"
    assert rows_html(table) == (
        '<tr data-host="h"><th scope="row">h</th><td data-v="1.7">1.50 s</td><td>–</td>'
        '<td><span class="level-bad">x</span></td><td data-v="2"><a href="#a-1">y</a></td></tr>'
    )


def test_a_line_that_does_not_fit_its_columns_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 cells and its table 2 columns"):
        rows_html(Table("", columns("a", "b"), (Row((Cell("x"),)),)))


def test_attributes_leave_out_what_is_not_known() -> None:
    assert attributes() == ""
    assert attributes(state="ok") == ' data-state="ok"'
    assert escaped("a\x1b[31m&\"'<") == "a&amp;&quot;&#x27;&lt;"


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("844.94 s", 844.944), ("-310.13 s", -310.128), ("913 ms", 0.9133), ("12 µs", 1.2e-5), ("0 s", 0.0),
        ("7.40 GiB", 7.4 * 2**30), ("0 B", 0.0), ("1 065 734 110", 1065734110), ("3.4 %", 0.034), ("-22.8 %", -0.228),
        ("1.23e+04", 12300.0), ("78 °C", 78.0), ("2.60 GHz", 2.6e9),
    ],
)  # fmt: skip
def test_a_text_that_tells_what_orders_it_does_so_alone(text: str, order: float) -> None:
    assert number_of(text) == pytest.approx(order, rel=5e-3)
    row = Row((Cell("h"), Cell(text, order)))
    assert "data-v" not in rows_html(Table("", columns("host", ">x"), (row,)))


@pytest.mark.parametrize(
    ("text", "order"),
    [("0.0 %", 0.0004), ("0.2", 0.249), ("✕ failed", 3.0), ("16.00 GiB/s", 2.0**34)],
)
def test_a_text_that_is_coarser_or_tells_nothing_has_what_orders_it(text: str, order: float) -> None:
    row = Row((Cell("h"), Cell(text, order)))
    assert f'data-v="{order:.7g}"' in rows_html(Table("", columns("host", ">x"), (row,)))
