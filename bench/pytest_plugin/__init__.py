"""``pytest --bench[=DIR]``: a bundle of each test that ran, in the user's own environment and process (docs/pytest.md).

pytest loads this folder wherever bench is installed: without ``--bench`` it adds an option and does nothing else.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import pytest

BARE, LONG = "--bench", "--bench-reproducer"
"""The option, and its name that no other plugin has."""
RESULTS = "results"


def with_folder(words: list[str], names: Sequence[str] = (BARE, LONG)) -> list[str]:
    """Return a command line in which the option has its folder: what follows a bare one is a test's path."""
    end = words.index("--") if "--" in words else len(words)
    return [f"{word}={RESULTS}" if word in names and at < end else word for at, word in enumerate(words)]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any, parser: Any, args: list[str]) -> None:
    """Add the option: before pytest looks for conftest files, and after all plugins added theirs.

    A plugin that has an option of this name keeps it, whichever of the two pytest read first. What a conftest adds is
    not known yet: so the short name is there only if somebody gave it, or asks for help.

    Args:
        early_config: pytest's configuration so far.
        parser: what reads the command line.
        args: the command line, changed in place.
    """
    taken = {name for group in (parser._anonymous, *parser._groups) for one in group.options for name in one.names()}
    asked = any(word.partition("=")[0] in (BARE, "-h", "--help") for word in args)
    names = [BARE, LONG] if asked and BARE not in taken else [LONG]
    group = parser.getgroup("bench", "keep evidence of each test (bench-reproducer)")
    text = f"Keep a bundle of each test that runs, in DIR ({RESULTS})."
    group.addoption(*names, nargs="?", const=RESULTS, default=None, metavar="DIR", dest="bench_results", help=text)
    if any(word.partition("=")[0] in names for word in args):
        args[:] = with_folder(args, names)
        early_config.known_args_namespace = parser.parse_known_args(args, namespace=copy.copy(early_config.option))


def pytest_configure(config: Any) -> None:
    """Begin, if somebody asked."""
    if config.getoption("bench_results", None) is None or hasattr(config, "workerinput"):
        return
    from bench.pytest_plugin.recorder import begin

    config.pluginmanager.register(begin(config, os.fspath(config.getoption("bench_results"))), "bench-recorder")
