"""The command line: the one place that prints, and that exits."""

from bench.cli import archives, explore, fleet, measure, reports, reproduce, whatif  # noqa: F401, each registers its verbs
from bench.cli.app import app, main

__all__ = ["app", "main"]
