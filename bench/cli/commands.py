"""A command behind ``--`` on a command line: its words, the options that go with it, and the diagnostic it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from bench.catalog.command import KINDS, NOTHING, Asked, of_command
from bench.catalog.load import builtin
from bench.catalog.model import SMALL, TORCH, Catalog, Diagnostic
from bench.cli import options
from bench.engine.choose import CONTAINERS
from bench.errors import UsageError
from bench.record.redact import redact_words

Name = Annotated[
    str | None, typer.Option("--name", help="What a command's results are called; else its program.", metavar="NAME")
]
Image = Annotated[str | None, typer.Option("--image", help="small or torch; of a command, any image.", metavar="REF")]
Torch = Annotated[bool, typer.Option("--torch", help="The same as --image torch.")]
Shell = Annotated[bool, typer.Option("--shell", help="The command is one quoted word, for /bin/sh.")]
Prepare = Annotated[
    str | None, typer.Option("--prepare", help="A shell line before each run, not measured.", metavar="CMD")
]
Input = Annotated[Path | None, typer.Option("--input", help="What a command reads as standard input.", metavar="FILE")]
ExpectExit = Annotated[int, typer.Option("--expect-exit", help="The exit code of a command that passed.", metavar="N")]
Warmup = Annotated[
    int | None, typer.Option("--warmup", help="Runs before those that count; kept, not judged.", metavar="N")
]
Python = Annotated[
    str | None,
    typer.Option("--python", help="An interpreter or environment of yours, as it is; . is the active.", metavar="PATH"),
]
_KEY, _ALL = "bench.command", "bench.words"


class CommandVerb(typer.core.TyperCommand):
    """A verb whose command line may end in ``-- COMMAND ARG…``: those words are no options of ours."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the command out before anything else is read."""
        ctx.meta[_ALL] = tuple(args)
        if "--" in args:
            at = args.index("--")
            ctx.meta[_KEY] = tuple(args[at + 1 :])
            args = args[:at]
        return list(super().parse_args(ctx, args))


def again(context: typer.Context, option: str, value: str) -> tuple[str, ...] | None:
    """Return the command as it was given with another value of an option; ``None`` if one of its words is a secret.

    Args:
        context: of the command that runs.
        option: such as ``--requirements``.
        value: what follows it.
    """
    left = iter(context.meta[_ALL])
    made = [str(context.info_name)]
    for word in left:
        if word == "--":
            left = iter((word, *left))
            break
        if word == option:
            next(left, None)
        elif not word.startswith(f"{option}="):
            made.append(word)
    made += [option, value, *left]
    return tuple(made) if redact_words(made) == made else None


def words_of(context: typer.Context) -> tuple[str, ...] | None:
    """Return the words behind ``--``; ``None`` if there was none."""
    words: tuple[str, ...] | None = context.meta.get(_KEY)
    return words


def named_or_command(
    name: str | None, words: Sequence[str] | None, asked: Asked, project: Path | None
) -> tuple[Catalog, Diagnostic]:
    """Return the catalog, and what to run: a diagnostic of it, or the command that was given.

    Args:
        name: NAME of the command line.
        words: what stands behind ``--``.
        asked: what the command line asks of a command.
        project: the checkout that the command line names.

    Raises:
        UsageError: neither or both were given, or an option that needs a command.
    """
    if words is None:
        asked = refuse_without_command(asked)
        if name is None:
            raise UsageError(
                "nothing to run was named",
                fix="give a NAME that 'bench list' shows, --project and --node, or a command behind --",
            )
        catalog, diagnostic = options.diagnostic_called(name, project)
        return catalog, in_image(diagnostic, asked)
    if name is not None:
        raise UsageError(f"'{name}' and a command were given", fix=f"leave one out; --name {name} names a command")
    catalog = options.catalog_with(project)
    return catalog, of_command(words, asked, [one.name for one in catalog.diagnostics])


def in_image(diagnostic: Diagnostic, asked: Asked) -> Diagnostic:
    """Return a project's test in that image of ours which the command line names.

    Args:
        diagnostic: the test.
        asked: as :func:`refuse_without_command` returns it.

    Raises:
        UsageError: it is one of ours, whose image is not to be chosen.
    """
    if asked.image is None:
        return diagnostic
    if diagnostic in builtin().diagnostics:
        fix = f"leave --image {asked.image} out: {diagnostic.name} has an image of its own"
        raise UsageError("--image goes with a test of yours or a command", fix=fix)
    kind = diagnostic.device if asked.image == TORCH else asked.image
    return replace(diagnostic, image=kind, image_open=False)


def refuse_without_command(asked: Asked) -> Asked:
    """Return what a command line asks of a test, whose ``image`` is ``small`` or ``torch``.

    Raises:
        UsageError: names the option that only a command can have.
    """
    if asked.torch and asked.image is None:
        asked = replace(asked, torch=False, image=TORCH)
    if asked.image is not None and asked.image not in (SMALL, TORCH):
        what = f"--image {asked.image}: a test runs in an image of bench's own"
        fix = f"give --image {SMALL} or --image {TORCH}; a command behind -- may have any image"
        raise UsageError(what, fix=fix)
    if replace(asked, device="cpu", image=None) == NOTHING:
        return asked
    given = next(
        name
        for name in Asked.__slots__
        if name not in ("device", "image") and getattr(asked, name) != getattr(NOTHING, name)
    )
    what = f"--{given.replace('_', '-')} goes with a command"
    raise UsageError(what, fix="put the command behind --, as in: bench run -- sleep 1")


def refuse_installing(requirements: Path | None, python: str | None) -> None:
    """Refuse to install anything into a person's own environment.

    Raises:
        UsageError: that was asked for.
    """
    if requirements is not None and python is not None:
        what = "--requirements and --python do not go together"
        raise UsageError(what, "nothing is installed into an environment of yours", "leave one out")


def engine_for(engine: str | None, diagnostic: Diagnostic, python: str | None) -> str | None:
    """Return the engine that is meant if a person's own environment, or an image of somebody's, asks for one.

    Args:
        engine: the engine that was named.
        diagnostic: what to run.
        python: the interpreter that was named.

    Raises:
        UsageError: they do not go together.
    """
    if python is not None:
        if engine in CONTAINERS:
            raise UsageError("--python goes with the local engine", fix=f"leave --engine {engine} away")
        return "local"
    if diagnostic.command is not None and diagnostic.image not in KINDS:
        if engine == "local":
            raise UsageError("--image goes with the Docker engine", fix="leave --engine local or --image away")
        return engine if engine in CONTAINERS else "docker"
    return engine
