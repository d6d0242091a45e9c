"""``pytest --bench[=DIR]``: a bundle of each test that ran, in the user's own environment and process (docs/pytest.md).

pytest loads this folder wherever bench is installed: without ``--bench`` it adds an option and does nothing else.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest

BARE = "--bench"
RESULTS = "results"


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    group = parser.getgroup("bench", "keep evidence of each test (bench-reproducer)")
    text = f"Keep a bundle of each test that runs, in DIR ({RESULTS})."
    group.addoption(BARE, nargs="?", const=RESULTS, default=None, metavar="DIR", dest="bench_results", help=text)


def with_folder(words: list[str]) -> list[str]:
    """Return a command line in which the option has its folder: what follows a bare ``--bench`` is a test's path."""
    end = words.index("--") if "--" in words else len(words)
    return [f"{BARE}={RESULTS}" if word == BARE and at < end else word for at, word in enumerate(words)]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any, parser: Any, args: list[str]) -> None:
    """Before pytest looks for conftest files: what it takes for the tests' paths must not lack one.

    Args:
        early_config: pytest's configuration so far.
        parser: what reads the command line.
        args: the command line, changed in place.
    """
    if BARE in args:
        args[:] = with_folder(args)
        early_config.known_args_namespace = parser.parse_known_args(args, namespace=copy.copy(early_config.option))


def pytest_configure(config: Any) -> None:
    """Begin, if somebody asked."""
    if config.getoption("bench_results", None) is None or hasattr(config, "workerinput"):
        return
    from bench.pytest_plugin.recorder import begin

    config.pluginmanager.register(begin(config, os.fspath(config.getoption("bench_results"))), "bench-recorder")
