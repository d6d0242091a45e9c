"""The command line: the one place that prints, and that exits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cli import start

if TYPE_CHECKING:
    from bench.cli.root import app as app

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: :func:`bench.cli.command.main`, after Ctrl-C is looked after."""
    if arguments is None:
        start.starting()
    from bench.cli import command

    try:
        return command.main(arguments)
    finally:
        start.ready()  # also where no verb was loaded, as for --version


def __getattr__(name: str) -> object:
    """``app``, with all of its verbs: whoever looks at it wants the whole."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.cli import root

    return root.load_verbs()
