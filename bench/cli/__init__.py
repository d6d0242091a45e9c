"""The command line: the one place that prints, and that exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cli.start import startup
from bench.cli.start.startup import COMPLETING, HELP

if TYPE_CHECKING:
    from bench.cli.start.handed import Machine

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, machine: Machine | None = None) -> int:
    """Run one command and return its exit code: :func:`bench.cli.command.main`, after Ctrl-C is looked after.

    If ``machine`` is given, the command measures on it, and not on this one.
    """
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
    from bench.cli.start.handed import measured_on

    try:
        with measured_on(machine):
            return command.main(arguments)
    finally:
        startup.ready()  # even if no verb was loaded, as for --version
