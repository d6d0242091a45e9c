"""The command line: the one place that prints, and that exits."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli import startup

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: :func:`bench.cli.command.main`, after Ctrl-C is looked after."""
    if arguments is None:
        startup.starting()
    from bench.cli import command

    try:
        return command.main(arguments)
    finally:
        startup.ready()  # even if no verb was loaded, as for --version
