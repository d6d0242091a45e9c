"""The names of the verbs and where each is, for those who read none."""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path

VERBS = {
    "run": "measure",
    "ab": "measure",
    "bisect": "measure",
    "whatif": "measure",
    "reproduce": "measure",
    "fleet": "measure",
    "compare": "decide",
    "explain": "decide",
    "list": "look",
    "doctor": "look",
    "history": "look",
    "report": "look",
    "query": "look",
    "export": "share",
    "import": "share",
    "verify": "share",
    "schema": "share",
}
"""Every verb in the order of the help, and what people do with it: the folder of its module."""
_PACKAGES = Path(__file__).parents[3]
_REGISTERED = re.compile(
    r'^@app\.command\((?P<given>.*?)\)\ndef (?P<function>\w+)\(.*?^    """(?P<text>.*?)"""', re.MULTILINE | re.DOTALL
)


def module_of(verb: str) -> str:
    """Return the module that registers a verb: of its name, with an underscore if that is a word of Python's."""
    return f"bench.cli.verbs.{VERBS[verb]}.{verb}{'_' * iskeyword(verb)}"


def source_of(module: str) -> str:
    """Return the text of a module of ours."""
    return _PACKAGES.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")


def purpose(verb: str, module: str) -> str | None:
    """Return the docstring of the function that a module registers as ``verb``; None if there is none.

    Found in the module's text: to parse the modules of all verbs takes as long as all else that the help does.
    """
    for found in _REGISTERED.finditer(source_of(module)):
        if verb in {found["function"], *re.findall(r'\A"(\w+)"', found["given"])}:
            from inspect import cleandoc  # here, since a bash is shown no purpose

            return cleandoc(found["text"])
    return None
