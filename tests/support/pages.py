"""The commands of the documentation, as its pages have them: what the tests execute is read from there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = {page.name: page for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS)}
COMMANDS = {"", "sh"}
"""What a fenced block of commands says of itself."""


def blocks(page: str, *kinds: str) -> list[str]:
    """The fenced blocks of a page that say one of these kinds; all of them where none is given."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page].read_text(), re.DOTALL | re.MULTILINE)
    return [text for kind, text in found if not kinds or kind in kinds]


def is_session(block: str) -> bool:
    """Whether a block shows what a terminal showed: commands after a ``$``, and what they said."""
    return block.startswith("$ ")


def lines(page: str) -> list[str]:
    """Commands of a page's blocks, without remarks."""
    found = []
    for block in blocks(page, *COMMANDS):
        said = block.splitlines()
        found += [line[2:] for line in said if line.startswith("$ ")] if is_session(block) else said
    return [bare for line in found if (bare := re.sub(r"\s+#.*", "", line).strip())]


def sessions(page: str) -> list[tuple[str, list[str]]]:
    """Each command of a page's sessions and the lines that it is shown to say; ``…`` stands for lines left out."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(block for block in blocks(page, *COMMANDS) if is_session(block)).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def commands(page: str, start: str) -> list[str]:
    """The commands of a page that begin so; never none.

    Raises:
        LookupError: the page has no such command.
    """
    found = [line for line in lines(page) if line.startswith(start)]
    if not found:
        raise LookupError(f"{page} has no command that begins with '{start}'")
    return found
