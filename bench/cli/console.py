"""Where text leaves the program: standard output for results, standard error for progress and complaints."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import rich.console
from rich.text import Text


class Console:
    """Two consoles, made anew for each use so that a redirected stream is honoured."""

    quiet = False
    """Whether progress is silenced (``--quiet``)."""

    @staticmethod
    def out() -> rich.console.Console:
        """Standard output. No terminal: no control codes, and lines as wide as they are."""
        return _console(stderr=False)

    @staticmethod
    def err() -> rich.console.Console:
        """Standard error."""
        return _console(stderr=True)


def _console(*, stderr: bool) -> rich.console.Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 100
    return rich.console.Console(stderr=stderr, width=width, highlight=False, soft_wrap=False)


def notify(line: str) -> None:
    """One plain line for the person who waits."""
    if not Console.quiet:
        Console.err().print(Text(line), soft_wrap=True)


def complain(line: str) -> None:
    """One line that says what is wrong and what to do."""
    Console.err().print(Text(f"bench: {' '.join(line.split())}"), soft_wrap=True)


def print_json(document: Any) -> None:
    """One JSON document on standard output, and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def print_text(text: str) -> None:
    """Text on standard output as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
