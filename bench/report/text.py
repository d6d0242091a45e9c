"""Text from records made safe to show: no control codes, no direction overrides, no markup (pure)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

ELLIPSIS = "…"

# What a terminal would act on comes out whole, so that "\x1b[31m" leaves no "[31m" behind.
_SEQUENCE = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # operating system commands: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # other escapes
)
_SPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# Brackets alone make links and images, so parentheses and exclamation marks stay as they are. An underscore within a
# word is no emphasis, so the names of tests stay readable.
_MARKDOWN = re.compile(r"[\\`*{}\[\]|~$>]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BLOCK_START = re.compile(r"\A(?:\d+(?=[.)](?:\s|$))|(?=[-+=#]))")
# GitHub and GitLab link these after rendering, whatever the backslashes and entities say: people, issues, merge
# requests, labels, milestones, snippets, addresses. A comment in the middle parts the text.
_LINKED = re.compile(
    r"[@#]|[!~$%](?=[\w\"])|&amp;(?=\d)|(?i:www)(?=\.)|(?i:mailto|xmpp)(?=:)|(?i:\bgh)(?=-\d)|(?<=\w)(?=://)"
)


def plain(text: object, width: int | None = None, *, keep_lines: bool = False) -> str:
    """Return printable text: control characters, escape sequences and direction overrides are taken out.

    Args:
        text: what to show; anything but a string is shown as ``str`` has it.
        width: the longest result, in characters; what is over is cut with an ellipsis.
        keep_lines: keep line feeds and what a line is indented by; otherwise the result is one line.
    """
    kept = str(text)
    if keep_lines:
        lines = kept.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
        # Line by line, so that a sequence that nothing ends takes one line with it and not all.
        kept = "\n".join(map(_printable, lines))
    else:
        kept = _printable(kept).strip()
    if width is not None and len(kept) > width:
        return kept[: max(width - 1, 0)] + ELLIPSIS
    return kept


def without_passwords(text: str) -> str:
    """Return text in which no address shows a password: ``ssh://me:[redacted]@lab``.

    Before a host of the web a word alone is a token, as git and pip take it: ``https://[redacted]@host``.
    """
    return _TOKEN.sub("[redacted]@", _PASSWORD.sub(r"\1:[redacted]@", text))


_PASSWORD = re.compile(r"(?<=://)([^\s/@:\"']*):[^\s/]*@")
_TOKEN = re.compile(r"(?i:(?<=http://)|(?<=https://))[^\s/@:\"']+@")


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(map(_letter, _SPACE.sub(" ", _SEQUENCE.sub("", text))))


def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs" or (category == "Cn" and ord(character) & 0xFFFE == 0xFFFE):
        return "\N{REPLACEMENT CHARACTER}"
    # Cf holds the direction overrides and the invisible joiners that make one name look like another.
    return "" if category in ("Cc", "Cf") else character


def markdown(text: object, width: int | None = None) -> str:
    """Return one line that GitHub and GitLab show as the text stands: no markup, no HTML, no mention, no link.

    It may stand in a table's cell and at the start of a line.
    """
    shown = plain(text, width).replace("&", "&amp;").replace("<", "&lt;")
    shown = _MARKDOWN.sub(r"\\\g<0>", shown)
    shown = _BLOCK_START.sub(r"\g<0>\\", shown)
    return _LINKED.sub(r"\g<0><!-- -->", shown)


def markdown_code(text: object, width: int | None = None) -> str:
    """Return a name as a code span, also in a table's cell; if it has a ``<``, as HTML, for readers without spans."""
    if "<" in plain(text, width):
        return f"<code>{markdown(text, width)}</code>"
    shown = plain(text, width).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def markdown_block(text: str) -> str:
    """Return the text as an indented block of code, line by line; no character ends it early."""
    return "\n".join(f"    {line}" for line in plain(text, keep_lines=True).split("\n"))


def markdown_head(*names: str) -> str:
    """Return the two lines that a table begins with; a column named ``>…`` is right-aligned."""
    rules = ("---:" if name.startswith(">") else "---" for name in names)
    return markdown_row(*(name.removeprefix(">") for name in names)) + markdown_row(*rules)


def markdown_row(*cells: str) -> str:
    """Return one line of a table, with its line feed. The cells are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a whole table as :func:`markdown_head` and :func:`markdown_row` make it; nothing if it has no row."""
    return markdown_head(*names) + "".join(markdown_row(*row) for row in rows) if rows else ""


def slug(text: object) -> str:
    """Return a part of an anchor or a file's name: lower-case ASCII letters, digits and dashes; never empty."""
    kept = re.sub(r"[^a-z0-9]+", "-", plain(text).lower()).strip("-")
    return kept or "x"


_PIECE = 1 << 20
"""Bytes of a document that are text at once."""


def json_pieces(document: bytes, margin: str = "") -> Iterator[str]:
    """Yield JSON with its levels indented, in pieces of whole lines: of many megabytes few copies are made.

    Args:
        document: JSON, in whatever layout.
        margin: stands before each line but the first.
    """
    import msgspec

    made = msgspec.json.format(document, indent=2)
    start = 0
    while start < len(made):
        end = made.find(b"\n", start + _PIECE) + 1 or len(made)
        yield made[start:end].decode().replace("\n", f"\n{margin}")
        start = end
