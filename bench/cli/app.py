"""The application: its verbs' names, and what stands before a verb. A verb is read once it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import typer
import typer.core
import typer.main

from bench import __version__
from bench.cli import completion
from bench.cli.output import print_text
from bench.cli.start import startup
from bench.cli.start.startup import HELP
from bench.cli.start.verbs import VERBS, module_of, purpose

USAGE_FAILURE: type[Exception] = typer.BadParameter.__mro__[2]
"""The root of typer's own complaints about a command line."""


@cache
def command() -> Any:
    """Return what reads a command line: described to typer once a process, and each verb once it is asked for."""
    return typer.main.get_command(app)


def load_verbs() -> typer.Typer:
    """Return the application with every verb registered, for those who look at it as a whole."""
    for verb in VERBS:
        import_module(module_of(verb))
    return app


def without_auto(words: list[str]) -> list[str]:
    """Return a command line without ``--work auto``, the default, which a flag cannot have as a value."""
    kept: list[str] = []
    for at, word in enumerate(words):
        if word == "--":
            return kept + words[at:]
        if kept and kept[-1] == "--work" and word == "auto":
            kept.pop()
        else:
            kept.append(word)
    return kept


class _Verbs(typer.core.TyperGroup):
    """The verbs, each read when it is run, described or its words completed: numpy alone takes half a second."""

    _named_only = False

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what may stand where a verb may: of each only its name and purpose are shown."""
        with self._naming():
            return super().shell_complete(ctx, incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the help's list of verbs, by what people do with them: of each only its name and purpose are shown."""
        widest = max(map(len, VERBS))
        with self._naming():
            for group in dict.fromkeys(VERBS.values()):
                names = [name for name, of in VERBS.items() if of == group]
                said = [self.get_command(ctx, name).get_short_help_str(100) for name in names]
                with formatter.section(group.capitalize()):
                    formatter.write_dl(list(zip([name.ljust(widest) for name in names], said, strict=True)))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take ``bench help VERB`` for ``bench VERB --help``."""
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"]
        return super().parse_args(ctx, args)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Meanwhile a verb is its name and purpose, and none is read."""
        self._named_only = True
        try:
            yield
        finally:
            self._named_only = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002, the base has it
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002, the base has it
        if self._named_only and cmd_name in VERBS:
            return typer.core.TyperCommand(cmd_name, help=purpose(cmd_name, module_of(cmd_name)))
        if cmd_name not in self.commands:
            for name in [cmd_name] if cmd_name in VERBS else VERBS:  # all of them: one may be meant
                self._read(name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = super().resolve_command(ctx, without_auto(args))
        startup.ready()
        return found

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except USAGE_FAILURE as error:
            verb = ctx.invoked_subcommand
            if verb is not None and getattr(error, "ctx", None) is None:  # typer's parser does not report whose words
                error.ctx = typer.Context(self.commands[verb], parent=ctx, info_name=verb)  # type: ignore[attr-defined]
            raise

    def _read(self, name: str) -> None:
        import_module(module_of(name))
        for info in app.registered_commands:
            if name == info.name or (info.callback is not None and name == info.callback.__name__):
                self.commands[name] = typer.main.get_command_from_info(
                    info, pretty_exceptions_short=app.pretty_exceptions_short, rich_markup_mode=app.rich_markup_mode
                )


completion.mend_zsh()
app = typer.Typer(
    name="bench",
    cls=_Verbs,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": [*HELP], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        print_text(f"bench {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: bool = typer.Option(  # noqa: ARG001, its callback acts
        False, "--version", callback=_version, is_eager=True, help="Print the version and end."
    ),
) -> None:
    """Run a slow test in a pinned image, keep the evidence, and be told why the numbers differ.

    Example: bench run grad_cpu --profile smoke
    """
    if context.invoked_subcommand is None:
        print_text(context.get_help())
