"""A diagnostic's command to what an engine is asked to run, and where its code comes from, for the record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from bench.catalog.command import KINDS
from bench.catalog.model import Command, Diagnostic
from bench.engine.protocol import Around, Need, Tree
from bench.errors import UsageError
from bench.record.redact import redact_text, redact_words
from bench.record.schema import Source
from bench.record.storage.manifest import hash_file
from bench.units import size

MAX_INPUT_BYTES = 8 * 1024**3
"""All of it is read for its hash, and copied into a container."""

SHELL = "/bin/sh"


@dataclass(frozen=True, slots=True)
class Placed:
    """A command as an engine takes it: its words, and what it has around it."""

    argv: tuple[str, ...]
    around: Around


def placed(command: Command, tree: Tree | None = None) -> Placed:
    """Return what an engine is asked to run.

    Args:
        command: the command.
        tree: the project that its ``input`` is relative to, or ``None``.

    Raises:
        UsageError: the input is not a file.
    """
    argv = (SHELL, "-c", command.words[0]) if command.shell else command.words
    prepare = (SHELL, "-c", command.prepare) if command.prepare is not None else ()
    return Placed(argv, Around(prepare, input_of(command, tree), command.expect_exit))


def input_of(command: Command, tree: Tree | None) -> Path | None:
    """Return the file that a command reads, ``None`` if it reads none; one of a project that is copied, in the copy.

    Raises:
        UsageError: it is not a file, or a very large one.
    """
    if command.input is None:
        return None
    path = (tree.root / command.input if tree is not None else command.input).absolute()
    if tree is not None and path.is_relative_to(tree.root):
        copied = tree.source / path.relative_to(tree.root)
        path = copied if copied.is_file() else path  # git may ignore it: then it is no part of the copy
    if not path.is_file():
        raise UsageError(f"{path}, which the command reads, is not a file", fix="give a file")
    if (holds := path.stat().st_size) > MAX_INPUT_BYTES:
        what = f"{path}, which the command reads, holds {size(holds)}"
        raise UsageError(what, f"a run takes at most {size(MAX_INPUT_BYTES)}", "give a part of it")
    return path


def need_for(need: Need, diagnostic: Diagnostic, python: str | None, *, own: bool = False) -> Need:
    """Return a need with what a command, an image of somebody's or a person's own environment asks of a place.

    Args:
        need: what the diagnostic needs otherwise.
        diagnostic: what runs there.
        python: the interpreter of a person's own environment, or ``None``.
        own: it is a test of the person's: in an environment that is there it has torch if it needs it.

    Raises:
        UsageError: requirements for a place into which nothing is installed.
    """
    command = diagnostic.command
    if command is None:
        found = replace(need, python=python, kind="small" if own and python else need.kind)
    else:
        program = SHELL if command.shell else command.words[0]
        image = None if diagnostic.image in KINDS else diagnostic.image
        found = replace(need, kind="image" if image else diagnostic.image, program=program, image=image, python=python)
    if found.image and found.python:
        raise UsageError("--image and --python do not go together", fix="leave one of them out")
    if found.image and found.requirements is not None:
        what = f"requirements and the image {found.image} do not go together"
        raise UsageError(what, "nothing is installed into it", "leave one of them out")
    return replace(found, requirements=None) if found.python else found  # what bench.toml names is there, or is not


def command_source(command: Command, around: Around) -> Source:
    """Return the source of a command without a project: a hash of its words, of what is around it and of its input.

    Secrets are taken out of the words first: a hash would let anybody try out what they were.
    """
    deciding = {"words": redact_words(command.words), **params_of(command, around)}
    if command.prepare is not None:
        deciding["prepare"] = redact_text(command.prepare)
    text = json.dumps(deciding, sort_keys=True, ensure_ascii=True)
    return Source(kind="command", sha256=hashlib.sha256(text.encode()).hexdigest())


def params_of(command: Command, around: Around) -> dict[str, object]:
    """Return what decides, beside its words, what a command does; only what is not as usual.

    Raises:
        UsageError: its input cannot be read.
    """
    found: dict[str, object] = {}
    if command.shell:
        found["shell"] = True
    if command.prepare is not None:
        found["prepare"] = command.prepare
    if command.expect_exit:
        found["expect_exit"] = command.expect_exit
    if around.input is not None:
        try:
            found["input_sha256"] = hash_file(around.input)
        except OSError as error:
            raise UsageError(f"--input {around.input} cannot be read", error.strerror or str(error)) from error
    return found
