from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.report import text as writing
from bench.report.text import (
    json_pieces,
    markdown,
    markdown_block,
    markdown_code,
    markdown_table,
    plain,
    slug,
    without_passwords,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("a\nb\r\nc\td", "a b c d"),
        ("a\u2028b", "a b"),
        ("abc\u202edef\u2066", "abcdef"),
        ("zero\u200bwidth", "zerowidth"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("bell\x07 null\x00", "bell null"),
        ("1\u2009000", "1\u2009000"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        (None, "None"),
    ],
)
def test_plain(text: object, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at ssh://me:word@lab:22: it ended", "at ssh://me:[redacted]@lab:22: it ended"),
        ("--host 'ssh://me:w@rd@lab'", "--host 'ssh://me:[redacted]@lab'"),
        ("tcp://:word@lab:2375/x and http://a:b@c", "tcp://:[redacted]@lab:2375/x and http://a:[redacted]@c"),
        ("git+https://t0ken@host/a and HTTP://me@host", "git+https://[redacted]@host/a and HTTP://[redacted]@host"),
        *(
            (same, same)
            for same in (
                "ssh://me@lab:22/run/x@y",
                "git+ssh://git@host/a",
                "tcp://lab:2375: mail me@lab",
                "https://lab:80/a@b",
            )
        ),
    ],
)
def test_no_address_shows_a_password(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_plain_is_cut_with_an_ellipsis() -> None:
    assert plain("abcdef", 4) == "abc…"
    assert plain("abcd", 4) == "abcd"


@given(st.text(st.characters(exclude_categories=())))
def test_plain_leaves_nothing_that_acts(text: str) -> None:
    shown = plain(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()


@given(st.text())
def test_clean_text_has_no_controls(text: str) -> None:
    assert all(ord(character) >= 32 for character in plain(text))
    assert "\n" not in markdown(text)
    assert all(line.startswith("    ") for line in markdown_block(text).split("\n"))


def test_plain_keeps_lines_when_asked() -> None:
    assert plain("a\r\nb\tc", keep_lines=True) == "a\nb    c"
    assert plain("  in\x1b[1m\n\u202eout", keep_lines=True) == "  in\nout"
    assert plain("open \x1b]0;title\nafter", keep_lines=True) == "open \nafter", "it takes more than its line"
    assert plain("ä–µ ok") == "ä–µ ok"


def rendered(source: str) -> str:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source)


HOSTILE = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://evil/x.png)",
    "a | b || c",
    "**bold** _under_ ~~gone~~ `code`",
    "&lt;b&gt; &amp;",
    "$x^2$",
    "a\n\n# heading\n- list",
    "back\\slash \\| pipe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_text_as_it_is(text: str) -> None:
    html = rendered(f"| head | other |\n|--|--|\n| {markdown(text)} | end |\n")
    for tag in ("<script", "<a ", "<img", "<strong", "<em", "<code", "<s>", "<h1", "<li"):
        assert tag not in html
    assert html.count("<td>") == 2


@pytest.mark.parametrize("text", [*HOSTILE, "`", "``", "`edge", "a|b"])
def test_markdown_code_is_one_cell_and_one_span(text: str) -> None:
    html = rendered(f"| head | other |\n|--|--|\n| {markdown_code(text)} | end |\n")
    assert html.count("<td>") == 2
    assert html.count("<code>") == 1
    assert "<script" not in html
    assert "<script" not in markdown_code(text), "a reader that knows no code spans would run it"


def test_markdown_parts_what_github_would_link() -> None:
    assert markdown("@someone") == "@<!-- -->someone"
    assert markdown("fixes #12") == "fixes #<!-- -->12"
    assert "https<!-- -->:" in markdown("https://evil.example")
    assert "www<!-- -->." in markdown("www.evil.example")


def test_markdown_leaves_alone_what_is_shown_as_it_is() -> None:
    for text in ("tests/test_a.py::TestB::test_c_d (6 runs), +5.0 %", "a-b 2.0: 1.5 s; 99% of 3 & 4!", "node 12. x"):
        assert markdown(text).replace("&amp;", "&") == text


@pytest.mark.parametrize("text", ["# x", "- x", "+ x", "= x", "1. x", "12) x", "===", "-"])
def test_markdown_begins_no_block(text: str) -> None:
    assert rendered(f"- {markdown(text)}\n").count("<li>") == 1
    assert rendered(f"above\n{markdown(text)}\n").count("<") <= 2 + text.count("#")


def test_a_table_is_one_table_and_none_without_a_row() -> None:
    made = markdown_table(("name", ">figure"), [("a", "1"), ("b", "2")])
    assert made == "| name | figure |\n| --- | ---: |\n| a | 1 |\n| b | 2 |\n"
    assert rendered(made).count("<td") == 4
    assert markdown_table(("name",), []) == ""


def test_slug() -> None:
    assert slug("AMD Ryzen 9 <5950X>") == "amd-ryzen-9-5950x"
    assert slug("…") == "x"


@pytest.mark.parametrize("margin", ["", "  "])
def test_a_document_in_pieces_is_the_document(monkeypatch, margin):
    document = {"a": [1, 2.5, None], "é": {"x\ny": "ü" * 50}, "none": []}
    whole = json.dumps(document, indent=2, ensure_ascii=False).replace("\n", f"\n{margin}")
    for size in (1, 20, 10_000):
        monkeypatch.setattr(writing, "_PIECE", size)
        pieces = list(json_pieces(json.dumps(document, ensure_ascii=False).encode(), margin))
        assert "".join(pieces) == whole
        assert (len(pieces) > 1) == (size < 10_000)
