"""What a bash, zsh or fish is offered at TAB, without typer, whose reading takes longer than a person at a TAB waits.

The words that a verb takes are read in its module's text. What this cannot tell (a quoted word, a project's own names,
a value that is a file) is left to typer, which answers as it always did.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bench.cli.start.verbs import VERBS, module_of, purpose, source_of

Offer = tuple[str, str | None]
"""A word and, for the shells that show it, what it is."""
_PLAIN = re.compile(r"[\w./ ,@+%-]*", re.ASCII)
"""A line in which a word is what stands between blanks."""
_LEFT = frozenset({"--", "--work", "--no-work", "--project"})
"""Words after which what may follow is more than one verb's options tell."""
_HELP: tuple[Offer, ...] = tuple((word, "Show this message and exit.") for word in ("-h", "--help"))


class _Taken(NamedTuple):
    """What a verb takes: an option by its names, or an argument, which has none.

    ``offers`` is the expression that completes its value; ``None`` if there is none.
    """

    names: tuple[str, ...]
    flag: bool
    several: bool
    about: str | None
    offers: ast.expr | None


class _UnknownError(Exception):
    """This is left to typer."""


def answered(environ: Mapping[str, str], instruction: str) -> bool:
    """Answer a shell on standard output; returns whether that was done.

    Args:
        environ: the process' environment, in which the shell put its line.
        instruction: what it asks for, as in ``complete_bash``.
    """
    try:
        text = answer(environ, instruction)
    except (_UnknownError, OSError, ValueError, KeyError):
        return False
    if text is None:
        return False
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:  # nobody waits any more: what is left in the stream goes nowhere, else Python's own flush fails
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def answer(environ: Mapping[str, str], instruction: str) -> str | None:
    """Return the answer to a shell; ``None`` if this is none for which a plain list of words is one.

    Args:
        environ: the variables in which the shell put its line.
        instruction: what it asks for.
    """
    if instruction == "complete_bash":
        words, at = _words(environ["COMP_WORDS"]), int(environ["COMP_CWORD"])
        return "\n".join(word for word, _ in _offers(words[1:at], words[at] if at < len(words) else "", told=False))
    line = environ.get("_TYPER_COMPLETE_ARGS", "")
    words = _words(line)
    before, begun = (words[1:-1], words[-1]) if len(words) > 1 and not line.endswith(" ") else (words[1:], "")
    if instruction == "complete_zsh":
        offered = [[word, about] if about else [word] for word, about in _offers(before, begun)]
        shown = "\n".join(":".join(f'"{_quoted(one)}"' for one in offer) for offer in offered)
        return f"_arguments '*: :(({shown}))'" if shown else None
    if instruction == "complete_fish" and environ.get("_TYPER_COMPLETE_FISH_ACTION") == "get-args":
        return "\n".join("\t".join([word, about] if about else [word]) for word, about in _offers(before, begun))
    return None


def _words(line: str) -> list[str]:
    if not _PLAIN.fullmatch(line):
        raise _UnknownError
    return line.split()


def _quoted(text: str) -> str:
    """A text as typer's script for zsh takes it; no word of ours holds what else it quotes."""
    if any(sign in text for sign in '"$`'):
        raise _UnknownError
    return text.replace("'", "''").replace(":", r"\\:")


def _offers(before: Sequence[str], begun: str, *, told: bool = True) -> list[Offer]:
    """What may stand where a word was begun, behind others; with what each is if that is ``told``."""
    if not before:
        if begun.startswith("-"):
            raise _UnknownError
        return [(verb, _first_line(verb) if told else None) for verb in VERBS if verb.startswith(begun)]
    verb, *words = before
    if verb not in VERBS or not _LEFT.isdisjoint(words):
        raise _UnknownError
    takes = taken(verb)
    given, last = _read(takes, words)
    if begun.startswith("-"):
        if last is not None:
            raise _UnknownError
        free = [one for one in takes if one.names and (one.several or one not in given)]
        listed = [(name, one.about) for one in free for name in one.names]
        if told and any(about is None for _, about in listed):
            raise _UnknownError
        return [(name, about) for name, about in (*listed, *_HELP) if name.startswith(begun)]
    if last is None:
        last = next((one for one in takes if not one.names and (one.several or one not in given)), None)
    if last is None or last.offers is None:
        raise _UnknownError
    return [(word, about) for word, about in _values(last.offers) if word.startswith(begun)]


def _first_line(verb: str) -> str:
    return (purpose(verb, module_of(verb)) or "").partition("\n")[0]


def _read(takes: Sequence[_Taken], words: Sequence[str]) -> tuple[list[_Taken], _Taken | None]:
    """What was given already, and the option whose value is to come."""
    named = {name: one for one in takes for name in one.names}
    places = iter([one for one in takes if not one.names])
    given: list[_Taken] = []
    left = iter(words)
    for word in left:
        if word.startswith("-"):
            one = named.get(word)
            if one is None:  # it has its value behind "=", or is none
                raise _UnknownError
            if not one.flag:
                value = next(left, None)
                if value is None:
                    return given, one
                if value.startswith("-"):
                    raise _UnknownError
        else:
            one = given[-1] if given and not given[-1].names and given[-1].several else next(places, None)
            if one is None:
                raise _UnknownError
        given.append(one)
    return given, None


def taken(verb: str) -> list[_Taken]:
    """Return what a verb takes, in the order of its help, as its module's text has it."""
    module = module_of(verb)
    for node in _tree(module).body:
        marks = [ast.unparse(one) for one in node.decorator_list] if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.FunctionDef) and any(mark.startswith("app.command(") for mark in marks):
            told = [_one(module, one.annotation) for one in node.args.args if one.annotation is not None]
            return [one for one in told if one is not None]
    raise _UnknownError


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(source_of(module))


def _one(module: str, annotation: ast.expr) -> _Taken | None:
    """An option or an argument by its annotation; ``None`` of typer's context, which is neither."""
    if ast.unparse(annotation) == "typer.Context":
        return None
    match annotation:
        case ast.Attribute(value=ast.Name(id=("options" | "commands") as home), attr=name):
            return _one(f"bench.cli.{home}", _assigned(f"bench.cli.{home}", name))
        case ast.Name(id=name):
            return _one(module, _assigned(module, name))
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, ast.Call() as call])):
            return _described(kind, call)
    raise _UnknownError


def _assigned(module: str, name: str) -> ast.expr:
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return node.value
    raise _UnknownError


def _described(kind: ast.expr, call: ast.Call) -> _Taken:
    words = {one.id for one in ast.walk(kind) if isinstance(one, ast.Name)}
    said: dict[str | None, Any] = {one.arg: one.value for one in call.keywords}
    names = [_text(one) for one in call.args]
    if "hidden" in said or (ast.unparse(call.func) == "typer.Option") != bool(names):
        raise _UnknownError
    about = said.get("help")
    # Of two with a stroke between them the second says no.
    ordered = [name for at in (0, -1) for one in names for name in one.split("/")[at:][:1]]
    return _Taken(
        tuple(dict.fromkeys(ordered)),
        "bool" in words,
        "list" in words,
        str(about.value) if isinstance(about, ast.Constant) else None,
        said.get("autocompletion"),
    )


def _text(node: ast.expr) -> str:
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        raise _UnknownError
    return node.value


def _values(offers: ast.expr) -> list[Offer]:
    """What completes a value: one of a few words, or a name of the catalog."""
    match offers:
        case ast.Call(args=words) if ast.unparse(offers.func).endswith("one_of"):
            return [(_text(word), None) for word in words]
        case ast.Attribute(value=ast.Name(id="completion"), attr="names"):
            named = _catalog()["diagnostic"].items()
            found = [(name, one["about"], one.get("devices", ["cpu"]) or [None]) for name, one in named]
            return [(f"{name}_{on}" if on else name, about) for name, about, devices in found for on in devices]
        case ast.Attribute(value=ast.Name(id="completion"), attr="variant"):
            return [(name, one["about"]) for name, one in _catalog()["variant"].items()]
    raise _UnknownError


def _catalog() -> dict[str, dict[str, Any]]:
    import tomllib

    return tomllib.loads(Path(__file__).parents[2].joinpath("catalog", "diagnostics.toml").read_text(encoding="utf-8"))
