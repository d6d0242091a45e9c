"""Text from records made safe to show: no control codes, no bidirectional tricks, no markup (pure)."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"

# What a terminal would act on comes out whole, so that "\x1b[31m" leaves no "[31m" behind.
_SEQUENCE = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # operating system commands: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # control sequences: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # other escapes
)
_SPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()!|~$>])")
# GitHub links these after rendering, whatever the backslashes say; a comment in the middle parts the text.
_LINKED = re.compile(r"([@#])|(?i:(www|https?|ftp|mailto|xmpp)(?=[:.]))|(?i:\b(gh)(?=-\d))")


def plain(text: object, width: int | None = None) -> str:
    """One line of printable text: control characters, escape sequences and direction overrides are taken out.

    Args:
        text: what to show; anything but a string is shown as ``str`` has it.
        width: the longest result, in characters; what is over is cut with an ellipsis.
    """
    kept = str(text)
    if not kept.isprintable():
        kept = _SPACE.sub(" ", _SEQUENCE.sub("", kept))
        kept = "".join(map(_printable, kept))
    kept = kept.strip()
    if width is not None and len(kept) > width:
        return kept[: max(width - 1, 0)] + ELLIPSIS
    return kept


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs" or (category == "Cn" and ord(character) & 0xFFFE == 0xFFFE):
        return "\N{REPLACEMENT CHARACTER}"
    # Cf holds the direction overrides and the invisible joiners that make one name look like another.
    return "" if category in ("Cc", "Cf") else character


def markdown(text: object, width: int | None = None) -> str:
    """Text that GitHub shows as it is, also in a table's cell: no markup, no mention, no link."""
    shown = plain(text, width).replace("&", "&amp;").replace("<", "&lt;")
    shown = _MARKDOWN.sub(r"\\\1", shown)
    return _LINKED.sub(lambda match: f"{match[0]}<!-- -->", shown)


def markdown_code(text: object, width: int | None = None) -> str:
    """A name as a code span, also in a table's cell; with a ``<`` in it as HTML, for readers that know no spans."""
    if "<" in plain(text, width):
        return f"<code>{markdown(text, width)}</code>"
    shown = plain(text, width).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def slug(text: object) -> str:
    """An anchor or file name part: lower-case ASCII letters, digits and dashes; never empty."""
    kept = re.sub(r"[^a-z0-9]+", "-", plain(text).lower()).strip("-")
    return kept or "x"
