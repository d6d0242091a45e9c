"""The command line: the one place that prints, and that exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from bench.cli.start import startup

__all__ = ["COMPLETING", "main"]

COMPLETING = "_BENCH_COMPLETE"
"""The variable by which a shell asks what could stand where TAB was pressed."""
HELP = ("-h", "--help")
"""The options that show a help, for every verb."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: :func:`bench.cli.command.main`, after Ctrl-C is looked after."""
    if arguments is None:
        startup.starting()
        if COMPLETING in os.environ:
            from bench.cli.start.tab import answered

            if answered(os.environ, os.environ[COMPLETING]):
                startup.ready()
                return 0
        if COMPLETING in os.environ or (len(sys.argv) == 3 and sys.argv[2] in HELP):
            from bench.cli.start.signatures import read_only_signatures

            read_only_signatures()
    from bench.cli import command

    try:
        return command.main(arguments)
    finally:
        startup.ready()  # even if no verb was loaded, as for --version
