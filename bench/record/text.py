"""Text from elsewhere made harmless for a terminal and for Markdown (pure)."""

from __future__ import annotations

import re
import unicodedata

# Underscores within a word are no emphasis, so names of tests stay readable.
_MARKDOWN = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_BLOCK_START = re.compile(r"^(\s*)(?:([-+=#])|(\d+)([.)])(?=\s|$))")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def clean(text: str, *, keep_lines: bool = False) -> str:
    """``text`` without control characters, escape sequences' starts, text-direction marks and lone surrogates.

    Args:
        text: anything.
        keep_lines: keep line feeds; otherwise every line break becomes a space. Tabs become spaces either way.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    if not keep_lines:
        lines = lines.replace("\n", " ")
    return "".join(character if character == "\n" or _is_plain(character) else "�" for character in lines)


def markdown(text: str) -> str:
    """``text`` as one line that Markdown shows as it stands, also in the cell of a table."""
    escaped = _MARKDOWN.sub(r"\\\1", clean(text)).translate(_ENTITIES)
    return _BLOCK_START.sub(_escape_start, escaped)


def markdown_block(text: str) -> str:
    """``text`` as an indented block of code, line by line; no character ends it early."""
    return "\n".join(f"    {line}" for line in clean(text, keep_lines=True).split("\n"))


def _escape_start(match: re.Match[str]) -> str:
    space, mark, number, dot = match.groups()
    return f"{space}\\{mark}" if mark else f"{space}{number}\\{dot}"


def _is_plain(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
