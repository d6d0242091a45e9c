"""What a fleet's command line holds beside its own options: names, and options that are passed on to ``run``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from bench.errors import UsageError


def takes_value(context: typer.Context, verb: str) -> dict[str, bool]:
    """Return every option of a verb, and whether a word follows it."""
    root = context.find_root()
    command: Any = root.command
    params = command.get_command(root, verb).params
    return {
        option: not getattr(param, "is_flag", False)
        for param in params
        if param.param_type_name == "option"
        for option in (*param.opts, *param.secondary_opts)
    }


def names_and_options(words: Sequence[str], known: Mapping[str, bool]) -> tuple[list[str], list[str]]:
    """Return the words that are no options, and the options with their values.

    Args:
        words: what stands on the command line.
        known: the options that may stand there, and whether a word follows each.

    Raises:
        UsageError: an option that there is none of, or one whose value is missing.
    """
    names: list[str] = []
    options: list[str] = []
    left = iter(words)
    for word in left:
        if not word.startswith("-") or word == "-":
            names.append(word)
            continue
        name, equals, _ = word.partition("=")
        if name not in known:
            raise UsageError(f"'bench run' has no option {name}", fix="see 'bench run --help'")
        options.append(word)
        if known[name] and not equals:
            value = next(left, None)
            if value is None:
                raise UsageError(f"{name} needs a value", fix="see 'bench run --help'")
            options.append(value)
    return names, options
